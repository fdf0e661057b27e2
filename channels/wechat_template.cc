// WeChat Official Account (服务号) template messages, with the account's access token.
//
// The token comes from stable_token, which gives the same one to all who ask until it nears its
// end; the outbox asks for it by TokenRequest, keeps it, and asks again when an answer says
// kTokenExpired. The dispatch id travels as client_msg_id: WeChat drops a repeat within ten
// minutes, after that a repeat arrives.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/beijing.h"
#include "channels/channel.h"
#include "channels/opt_out.h"
#include "channels/settings.h"
#include "channels/url.h"
#include "channels/wechat_callback.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr std::string_view kDataPrefix = "data.";
// "Too frequent to this openid": the threshold is unpublished; an hour is what people report.
constexpr DurationUs kRecipientPause = kHourUs;

// errcode, which comes with HTTP status 200.
constexpr AnswerRule kAnswers[] = {
    {"0", Kind::kAccepted, ""},
    {"40241", Kind::kAccepted, ""},  // a repeat within 60 s: the first one went out
    // The access token.
    {"40001", Kind::kTokenExpired, "token"},
    {"40014", Kind::kTokenExpired, "token"},
    {"41001", Kind::kTokenExpired, "token"},
    {"42001", Kind::kTokenExpired, "token"},
    {"42007", Kind::kTokenExpired, "token"},
    // The recipient.
    {"40003", Kind::kRejected, "bad_openid", true},
    {"43004", Kind::kRejected, "not_following", false, true},
    {"50005", Kind::kRejected, "not_following", false, true},
    {"43019", Kind::kRejected, "blocked", false, true},
    {"43101", Kind::kRejected, "opted_out", false, true},
    {"48002", Kind::kRejected, "opted_out", false, true},
    {"43117", Kind::kRetry, "recipient_limit"},
    // The template and what was put into it.
    {"40037", Kind::kRejected, "bad_template"},
    {"47003", Kind::kRejected, "bad_template"},
    {"40039", Kind::kRejected, "bad_content"},
    {"40066", Kind::kRejected, "bad_content"},
    {"44004", Kind::kRejected, "bad_content"},
    {"87014", Kind::kRejected, "bad_content"},
    {"45002", Kind::kRejected, "too_long"},
    {"47001", Kind::kRejected, "bad_request"},
    {"40165", Kind::kRejected, "bad_content"},  // the mini program's page
    {"40166", Kind::kRejected, "bad_content"},  // its app id
    // The account.
    {"40013", Kind::kChannelPaused, "account"},
    {"43116", Kind::kChannelPaused, "banned"},
    {"48001", Kind::kChannelPaused, "unauthorized"},
    {"48004", Kind::kChannelPaused, "banned"},
    {"50001", Kind::kChannelPaused, "unauthorized"},
    {"50002", Kind::kChannelPaused, "banned"},
    {"40164", Kind::kChannelPaused, "unauthorized"},  // this IP is not on the account's list
    {"61004", Kind::kChannelPaused, "unauthorized"},
    // Load.
    {"-1", Kind::kRetry, "unavailable"},
    {"45009", Kind::kRetry, "quota"},
    {"45011", Kind::kRetry, "rate_limited"},
};

// "failed:user block" and "failed: system failed" as "user_block" and "system_failed".
std::string FailureReason(std::string_view status) {
  status.remove_prefix(std::min(status.find(':') + 1, status.size()));
  status.remove_prefix(std::min(status.find_first_not_of(' '), status.size()));
  return status.empty() ? "undelivered" : ReasonWord(status);
}

// "msgid" is 0 where the provider has none to tell.
std::string MessageId(const FlatObject& object, std::string_view key) {
  const std::string id = ValueOf(object, key);
  return id == "0" ? "" : id;
}

std::vector<Receipt> ReceiptsOf(const FlatObject& message) {
  Receipt receipt;
  receipt.address = ValueOf(message, "FromUserName");
  receipt.time = FromUnixSeconds(ValueOf(message, "CreateTime"));
  const std::string type = ValueOf(message, "MsgType");
  if (type == "text") {
    receipt.text = ValueOf(message, "Content");
    const bool opt_out = MeansOptOut(receipt.text);
    receipt.kind = opt_out ? Receipt::Kind::kUnsubscribed : Receipt::Kind::kReplied;
    receipt.reason = opt_out ? "opted_out" : "";
    return {receipt};
  }
  const std::string event = type == "event" ? ValueOf(message, "Event") : "";
  if (event == "subscribe") {
    receipt.kind = Receipt::Kind::kSubscribed;
    return {receipt};
  }
  if (event == "unsubscribe") {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipt.reason = "unfollowed";
    return {receipt};
  }
  if (event != "TEMPLATESENDJOBFINISH") {
    return {};
  }
  receipt.provider_message_id = MessageId(message, "MsgID");
  if (ValueOf(message, "Status") == "success") {
    receipt.kind = Receipt::Kind::kDelivered;
    return {receipt};
  }
  receipt.kind = Receipt::Kind::kUndelivered;
  receipt.reason = FailureReason(ValueOf(message, "Status"));
  std::vector<Receipt> receipts = {receipt};
  if (receipt.reason == "user_block") {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipts.push_back(receipt);
  }
  return receipts;
}

struct WechatSettings {
  std::string app_id;
  std::string app_secret;
  std::string endpoint;  // without a slash at the end
  WechatCallbackSettings callback;
};

std::string SendBody(const Message& message) {
  JsonObject data;
  JsonObject program;
  bool any_program = false;
  std::string template_id;
  std::string url;
  for (const auto& [name, value] : message.fields) {
    if (name.starts_with(kDataPrefix)) {
      JsonObject item;
      item.Add("value", value);
      data.AddRaw(std::string_view(name).substr(kDataPrefix.size()), item.Close());
    } else if (name == "template_id") {
      template_id = value;
    } else if (name == "url") {
      url = value;
    } else if (name == "miniprogram.appid" || name == "miniprogram.pagepath") {
      program.Add(std::string_view(name).substr(std::string_view("miniprogram.").size()), value);
      any_program = true;
    }
  }
  JsonObject body;
  body.Add("touser", message.address).Add("template_id", template_id).AddIfAny("url", url);
  if (any_program) {
    body.AddRaw("miniprogram", program.Close());
  }
  body.Add("client_msg_id", message.dispatch.ToString()).AddRaw("data", data.Close());
  return body.Close();
}

class WechatTemplateChannel : public Channel {
 public:
  explicit WechatTemplateChannel(WechatSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    HttpRequest request;
    request.url = settings_.endpoint + "/cgi-bin/message/template/send?access_token=" +
                  PercentEncode(context.access_token);
    request.headers = {{"content-type", "application/json; charset=utf-8"}};
    request.body = SendBody(message);
    return request;
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    if (std::optional<Outcome> failure = HttpFailure(answer, now)) {
      return *failure;
    }
    const std::optional<FlatObject> body = ParseJsonObject(HttpResponseOf(answer)->body);
    const std::string code = body ? ValueOf(*body, "errcode") : "";
    if (code.empty()) {
      return MakeOutcome(Kind::kUnknown, "bad_answer");
    }
    const AnswerRule* rule = FindRule(kAnswers, code);
    if (rule == nullptr) {
      // An error they have added since: refused, and theirs to refuse.
      return MakeOutcome(Kind::kRejected, "refused");
    }
    Outcome outcome = OutcomeOf(*rule);
    if (outcome.kind == Kind::kAccepted) {
      outcome.provider_message_id = MessageId(*body, "msgid");
    } else if (outcome.reason == "quota") {
      outcome.retry_after = UntilBeijingHour(now, 0);  // daily quotas begin anew
    } else if (outcome.reason == "recipient_limit") {
      outcome.retry_after = kRecipientPause;
    }
    return outcome;
  }

  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs now) const override {
    WechatCall call = VerifyWechatCall(request, settings_.callback, now);
    if (call.message) {
      call.reply.receipts = ReceiptsOf(*call.message);
    }
    return std::move(call.reply);
  }

  std::optional<HttpRequest> TokenRequest() const override {
    HttpRequest request;
    request.url = settings_.endpoint + "/cgi-bin/stable_token";
    request.headers = {{"content-type", "application/json; charset=utf-8"}};
    JsonObject body;
    body.Add("grant_type", "client_credential")
        .Add("appid", settings_.app_id)
        .Add("secret", settings_.app_secret);
    request.body = body.Close();
    return request;
  }

  Result<Token> DecodeToken(const HttpResponse& response) const override {
    const FlatObject body = ParseJsonObject(response.body).value_or(FlatObject());
    const DurationUs lifetime = FromUnixSeconds(ValueOf(body, "expires_in"));
    const std::string value = ValueOf(body, "access_token");
    if (response.status == 200 && !value.empty() && lifetime > 0) {
      return Token{value, lifetime};
    }
    const std::string code = ValueOf(body, "errcode");
    const bool known = !code.empty() && code.size() <= 8;
    const bool for_now = !known || code == "-1" || code == "45009" || code == "45011";
    return Status(for_now ? StatusCode::kUnavailable : StatusCode::kInvalid,
                  "no access token: " + (known ? "errcode " + code
                                               : "HTTP status " + std::to_string(response.status)));
  }

 private:
  const WechatSettings settings_;
};

Status ReadCallback(const config::Settings& values, WechatCallbackSettings* callback) {
  callback->token = values.Get("callback_token");
  if (callback->token.size() > 32 || (!callback->token.empty() && callback->token.size() < 3) ||
      !std::all_of(callback->token.begin(), callback->token.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      })) {
    return Invalid("callback_token: not 3 to 32 letters and digits, as the WeChat console asks");
  }
  if (const std::string key = values.Get("encoding_aes_key"); !key.empty()) {
    const std::optional<std::string> bytes = ParseEncodingAesKey(key);
    if (!bytes) {
      return Invalid(
          "encoding_aes_key: not the 43 letters and digits that the WeChat console shows");
    }
    if (callback->token.empty()) {
      return Invalid("encoding_aes_key: needs callback_token too");
    }
    callback->aes_key = *bytes;
  }
  return Status::Ok();
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  if (Status status = CheckPlainWord(values, "app_secret"); !status.ok()) {
    return status;
  }
  if (!CheckPlainWord(values, "app_id").ok() || !values.Get("app_id").starts_with("wx")) {
    return Invalid("app_id: not an AppID such as wx0123456789abcdef");
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://api.weixin.qq.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  WechatSettings settings;
  settings.app_id = values.Get("app_id");
  settings.app_secret = values.Get("app_secret");
  settings.endpoint = OriginOf(*endpoint);
  settings.callback.app_id = settings.app_id;
  if (Status status = ReadCallback(values, &settings.callback); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Channel>(std::make_unique<WechatTemplateChannel>(std::move(settings)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "app_id", .required = true, .help = "The account's AppID, `wx...`."},
      {.name = "app_secret",
       .type = SettingType::kSecret,
       .required = true,
       .help = "The account's AppSecret; gets the access token, which is renewed by itself."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://api.weixin.qq.com",
       .help = "The API's address, where another region's is wanted."},
      {.name = "callback_token",
       .type = SettingType::kSecret,
       .help = "The Token of the message push settings; without it no callback is believed."},
      {.name = "encoding_aes_key",
       .type = SettingType::kSecret,
       .help = "The EncodingAESKey of the same page; with it only encrypted callbacks are "
               "believed, which is what to choose: the plain signature covers no body."},
  };
}

}  // namespace

Registration WechatTemplateRegistration() {
  Registration registration;
  registration.schema.name = "wechat_template";
  registration.schema.help = "Sends template messages of a WeChat Official Account (服务号).";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kWechatOpenid;
  registration.schema.required_fields = {"template_id"};
  registration.schema.optional_fields = {"url", "miniprogram.appid", "miniprogram.pagepath",
                                         "data.*"};
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.limits.rate_per_second = 100;  // none is published; -1 is reported at 400 at once
  registration.cost =
      "Free, within the account's daily quota. Template messages are for what the "
      "customer did or asked for: WeChat bans accounts that push advertising. A "
      "repeat within ten minutes is dropped by WeChat.";
  registration.receipts = true;
  registration.receipts_need = {"callback_token"};
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
