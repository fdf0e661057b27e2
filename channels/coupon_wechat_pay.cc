// WeChat Pay cash coupons (微信支付代金券): put into the customer's WeChat wallet, where the next
// payment takes them. API v3: requests are signed with the merchant's RSA key, and answers believed
// when WeChat Pay's own signature on them is true.
//
// The dispatch id travels as out_request_no: WeChat answers a repeat with the coupon that it gave
// then (pay.weixin.qq.com, send-coupon: the call may be repeated), so that asking again is the way
// to learn what became of a lost answer.
//
// A coupon's value, its minimum and its time are those of the stock (批次) that was made in
// WeChat's console; `stocks` says which one each coupon step of the campaigns stands for.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/coupon_provider.h"
#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/private_key.h"
#include "channels/public_key.h"
#include "channels/settings.h"
#include "channels/url.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr int kKeyBitsMin = 2048;

// `code` of an answer that says no.
constexpr AnswerRule kAnswers[] = {
    // May be repeated as it is, with the same out_request_no.
    {"SYSTEM_ERROR", Kind::kUnknown, "server_error"},
    {"FREQUENCY_LIMITED", Kind::kRetry, "rate_limited"},
    {"FREQUENCY_LIMIT_EXCEED", Kind::kRetry, "rate_limited"},
    {"RATELIMIT_EXCEEDED", Kind::kRetry, "rate_limited"},
    // This customer, or this stock.
    {"RULE_LIMIT", Kind::kRejected, "recipient_limit"},
    {"USER_NOT_EXISTS", Kind::kRejected, "bad_openid"},
    {"USER_ACCOUNT_ABNORMAL", Kind::kRejected, "blocked"},
    {"USER_ACCOUNT_ABNORMITY", Kind::kRejected, "blocked"},
    {"NOT_ENOUGH", Kind::kRejected, "no_balance"},
    {"RESOURCE_NOT_EXISTS", Kind::kRejected, "no_stock"},
    {"RESOURCE_NOT_FOUND", Kind::kRejected, "no_stock"},
    {"PARAM_ERROR", Kind::kRejected, "bad_request"},
    {"INVALID_REQUEST", Kind::kRejected, "refused"},  // also the month's cap of one customer
    // The merchant.
    {"MCH_NOT_EXISTS", Kind::kChannelPaused, "account"},
    {"APPID_MCHID_NOT_MATCH", Kind::kChannelPaused, "account"},
    {"NO_AUTH", Kind::kChannelPaused, "unauthorized"},
    {"SIGN_ERROR", Kind::kChannelPaused, "unauthorized"},
};

struct PaySettings {
  std::string merchant;
  std::string serial;  // of the merchant's certificate
  std::string app_id;
  std::string stock_creator;
  std::string endpoint;                       // without a slash at the end
  std::map<std::string, std::string> stocks;  // coupon step's id -> stock
  std::string platform_key_id;
};

class WechatPayCoupons : public CouponProvider {
 public:
  WechatPayCoupons(PaySettings settings, PrivateKey key, PublicKey platform_key)
      : settings_(std::move(settings)),
        key_(std::move(key)),
        platform_key_(std::move(platform_key)) {}

  Step Issue(const CouponRequest& coupon, const EncodeContext& context) const override {
    const auto stock = settings_.stocks.find(coupon.coupon);
    if (stock == settings_.stocks.end()) {
      return MakeOutcome(Kind::kRejected, "no_stock");
    }
    if (coupon.wechat_openid.empty()) {
      return MakeOutcome(Kind::kRejected, "bad_openid");
    }
    JsonObject body;
    body.Add("stock_id", stock->second)
        .Add("out_request_no", coupon.dispatch.ToString())
        .Add("appid", settings_.app_id)
        .Add("stock_creator_mchid", settings_.stock_creator);
    HttpRequest request;
    request.body = body.Close();
    const std::string path =
        "/v3/marketing/favor/users/" + PercentEncode(coupon.wechat_openid) + "/coupons";
    request.url = settings_.endpoint + path;
    request.headers = {{"content-type", "application/json"},
                       {"accept", "application/json"},
                       {"user-agent", "huitou"},
                       {"authorization", Authorization(path, request.body, context)}};
    return request;
  }

  CouponOutcome Decode(const Answer& answer, TimeUs now) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const bool lost = response == nullptr || answer.error != TransportError::kNone;
    if (lost || !IsGenuine(*response, now)) {
      // Nothing was believed of it but its status.
      const std::optional<Outcome> failure = HttpFailure(answer, now);
      return {failure ? *failure : MakeOutcome(Kind::kUnknown, "bad_answer"), ""};
    }
    const FlatObject body = ParseJsonObject(response->body).value_or(FlatObject());
    const std::string coupon = ValueOf(body, "coupon_id");
    if (response->status == 200 && !coupon.empty() &&
        coupon.size() <= limits::kCouponCodeBytesMax) {
      return {MakeOutcome(Kind::kAccepted, ""), coupon};
    }
    const std::optional<Outcome> ruled = RuledOutcome(answer, kAnswers, ValueOf(body, "code"), now);
    return {
        ruled ? *ruled : WithCode(MakeOutcome(Kind::kUnknown, "bad_answer"), ValueOf(body, "code")),
        ""};
  }

 private:
  std::string Authorization(const std::string& path, const std::string& body,
                            const EncodeContext& context) const {
    const std::string time = std::to_string(context.now / kSecondUs);
    const std::string text =
        "POST\n" + path + "\n" + time + "\n" + context.nonce + "\n" + body + "\n";
    return "WECHATPAY2-SHA256-RSA2048 mchid=\"" + settings_.merchant + "\",nonce_str=\"" +
           context.nonce + "\",timestamp=\"" + time + "\",serial_no=\"" + settings_.serial +
           "\",signature=\"" + ToBase64(key_.Sign(text)) + "\"";
  }

  // Signed by WeChat Pay, a short while ago.
  bool IsGenuine(const HttpResponse& response, TimeUs now) const {
    const std::string time = HeaderValue(response.headers, "wechatpay-timestamp");
    const std::string nonce = HeaderValue(response.headers, "wechatpay-nonce");
    const std::optional<std::string> signature =
        FromBase64(HeaderValue(response.headers, "wechatpay-signature"));
    const TimeUs signed_at = FromUnixSeconds(time);
    return signature && signed_at != 0 && std::llabs(now - signed_at) <= limits::kPaySkewMax &&
           HeaderValue(response.headers, "wechatpay-serial") == settings_.platform_key_id &&
           platform_key_.Verifies(time + "\n" + nonce + "\n" + response.body + "\n", *signature);
  }

  const PaySettings settings_;
  const PrivateKey key_;
  const PublicKey platform_key_;
};

// "big=9856000, small=9856001"
Result<std::map<std::string, std::string>> ReadStocks(std::string text) {
  std::erase(text, ' ');
  std::map<std::string, std::string> stocks;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, end - at);
    at = end + 1;
    const size_t equals = pair.find('=');
    const std::string step = pair.substr(0, equals);
    const std::string stock = equals == std::string::npos ? "" : pair.substr(equals + 1);
    if (step.empty() || stock.empty() || stock.size() > 20 ||
        stock.find_first_not_of("0123456789") != std::string::npos ||
        !stocks.emplace(step, stock).second) {
      return Invalid("stocks: not `step=stock, ...` with the stock's number, each step once");
    }
  }
  return stocks;
}

Result<std::unique_ptr<CouponProvider>> Make(const config::Settings& values) {
  for (const char* name : {"mch_id", "serial_no", "app_id", "platform_key_id"}) {
    if (Status status = CheckPlainWord(values, name); !status.ok()) {
      return status;
    }
    if (values.Get(name).find_first_of("\"\\") != std::string::npos) {
      return Invalid(std::string(name) + ": has quotes in it");
    }
  }
  std::optional<PrivateKey> key = PrivateKey::FromPem(values.Get("private_key"));
  if (!key || key->kind() != PrivateKey::Kind::kRsa || key->bits() < kKeyBitsMin) {
    return Invalid("private_key: not the merchant's apiclient_key.pem");
  }
  std::optional<PublicKey> platform_key = PublicKey::FromPem(values.Get("platform_key"));
  if (!platform_key) {
    return Invalid("platform_key: not WeChat Pay's pub_key.pem (微信支付公钥)");
  }
  Result<std::map<std::string, std::string>> stocks = ReadStocks(values.Get("stocks"));
  if (!stocks.ok()) {
    return stocks.status();
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://api.mch.weixin.qq.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  PaySettings settings;
  settings.merchant = values.Get("mch_id");
  settings.serial = values.Get("serial_no");
  settings.app_id = values.Get("app_id");
  const std::string creator = values.Get("stock_creator");
  settings.stock_creator = creator.empty() ? settings.merchant : creator;
  settings.endpoint = OriginOf(*endpoint);
  settings.stocks = *std::move(stocks);
  settings.platform_key_id = values.Get("platform_key_id");
  return std::unique_ptr<CouponProvider>(std::make_unique<WechatPayCoupons>(
      std::move(settings), *std::move(key), *std::move(platform_key)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "mch_id", .required = true, .help = "The merchant's number (商户号)."},
      {.name = "serial_no",
       .required = true,
       .help = "The serial number of the merchant's API certificate."},
      {.name = "private_key",
       .type = SettingType::kSecret,
       .required = true,
       .help = "The merchant's private key, `file:apiclient_key.pem`."},
      {.name = "platform_key",
       .type = SettingType::kSecret,
       .required = true,
       .help = "WeChat Pay's public key (微信支付公钥), `file:pub_key.pem`: an answer that it did "
               "not sign is not believed."},
      {.name = "platform_key_id",
       .required = true,
       .help = "The id of that key, `PUB_KEY_ID_...`."},
      {.name = "app_id",
       .required = true,
       .help = "The AppID that the customers' `wechat_openid` belong to, tied to the merchant."},
      {.name = "stocks",
       .required = true,
       .help = "Which stock (批次) each coupon step is, `step=number, step=number`: value, minimum "
               "and time are the stock's, so give the step the same."},
      {.name = "stock_creator", .help = "The merchant who made the stocks; without it `mch_id`."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://api.mch.weixin.qq.com",
       .help = "The API's address; the other one is https://api2.mch.weixin.qq.com."},
  };
}

}  // namespace

CouponRegistration WechatPayCouponRegistration() {
  CouponRegistration registration;
  registration.schema.name = "wechat_pay";
  registration.schema.help =
      "Puts cash coupons (代金券) of WeChat Pay into the customer's wallet; needs the customer's "
      "`wechat_openid`, and takes up to 500 a second. What the customer has got by a request whose "
      "answer was lost is learnt by asking again with the same number. The coupon's code is "
      "WeChat's `coupon_id`, which nobody has to type. A coupon is refused with `no_stock` (the "
      "step is not in `stocks`, or WeChat does not know the stock), `bad_openid`, "
      "`recipient_limit` (the customer has as many as the stock allows), `no_balance`, `blocked`, "
      "`bad_request` or `refused` (also above 5000 CNY a month for one customer).";
  registration.schema.settings = SettingsTable();
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
