// Codes from the shop's own coupon API. The dispatch id goes along as Idempotency-Key: the shop
// answers a key that it knows with the coupon that it issued then, so a repeat is always safe.
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/coupon_provider.h"
#include "channels/limits.h"
#include "channels/url.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

class HttpCoupons : public CouponProvider {
 public:
  HttpCoupons(std::string url, std::string token)
      : url_(std::move(url)), token_(std::move(token)) {}

  Step Issue(const CouponRequest& coupon, const EncodeContext& /*context*/) const override {
    HttpRequest request;
    request.url = url_;
    request.headers = {{"content-type", "application/json"},
                       {"accept", "application/json"},
                       {"idempotency-key", coupon.dispatch.ToString()}};
    if (!token_.empty()) {
      request.headers.emplace_back("authorization", "Bearer " + token_);
    }
    const Currency currency = coupon.value.currency;
    JsonObject body;
    body.Add("dispatch", coupon.dispatch.ToString())
        .Add("customer", coupon.customer)
        .Add("campaign", coupon.campaign)
        .Add("coupon", coupon.coupon)
        .Add("value", FormatMinor(coupon.value.minor, currency))
        .Add("currency", currency.code());
    if (coupon.min_spend.minor > 0) {
      body.Add("min_spend", FormatMinor(coupon.min_spend.minor, coupon.min_spend.currency));
    }
    if (coupon.expires_at != 0) {
      body.Add("expires_at", FormatRfc3339(coupon.expires_at));
    }
    request.body = body.Close();
    return request;
  }

  CouponOutcome Decode(const Answer& answer, TimeUs now) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const bool lost = response == nullptr || answer.error != TransportError::kNone;
    const int status = lost ? 0 : response->status;
    // 409: this key was used before, with the coupon that it got then.
    if (status == 200 || status == 201 || status == 409) {
      return CodeOf(*response);
    }
    const std::optional<Outcome> failure = HttpFailure(answer, now);
    return {failure ? *failure : MakeOutcome(Kind::kUnknown, "bad_answer"), ""};
  }

 private:
  static CouponOutcome CodeOf(const HttpResponse& response) {
    const std::optional<FlatObject> body = ParseJsonObject(response.body);
    const auto code = body ? body->find("code") : FlatObject::const_iterator();
    if (!body || code == body->end() || !IsCode(code->second)) {
      // Also a 409 without a code: the first request may still be at work; the key makes it safe
      // to ask again.
      return {MakeOutcome(Kind::kUnknown, response.status == 409 ? "conflict" : "bad_answer"), ""};
    }
    return {MakeOutcome(Kind::kAccepted, ""), code->second};
  }

  // What can be put into a message; empty where the shop binds the coupon to the account.
  static bool IsCode(std::string_view code) {
    if (code.size() > limits::kCouponCodeBytesMax) {
      return false;
    }
    for (const char c : code) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') {
        return false;
      }
    }
    return true;
  }

  const std::string url_;
  const std::string token_;
};

Result<std::unique_ptr<CouponProvider>> Make(const config::Settings& settings) {
  if (Status status = CheckHttpUrl("url", settings.Get("url")); !status.ok()) {
    return status;
  }
  const std::string token = settings.Get("token");
  for (const char c : token) {
    if (c <= ' ' || c > '~') {
      return Status(StatusCode::kInvalid, "token: has blanks or other than ASCII letters in it");
    }
  }
  return std::unique_ptr<CouponProvider>(std::make_unique<HttpCoupons>(settings.Get("url"), token));
}

}  // namespace

CouponRegistration HttpCouponRegistration() {
  using config::SettingType;
  CouponRegistration registration;
  registration.schema.name = "http";
  registration.schema.help =
      "Asks the shop's coupon API: POST with an Idempotency-Key, answered 200 or 201 "
      "`{\"code\": \"...\"}`, or 409 with the code that this key got before.";
  registration.schema.settings = {
      {.name = "url",
       .type = SettingType::kUrl,
       .required = true,
       .help = "Where to post `{dispatch, customer, campaign, coupon, value, currency, min_spend, "
               "expires_at}`."},
      {.name = "token",
       .type = SettingType::kSecret,
       .help = "Sent as `Authorization: Bearer <token>`."}};
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
