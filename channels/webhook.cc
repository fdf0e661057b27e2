// Posts every message to an endpoint of the shop's own, signed as Standard Webhooks says
// (https://www.standardwebhooks.com): the receiver verifies who sent it and drops repeats by
// webhook-id.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/crypto.h"
#include "channels/message_data.h"
#include "channels/url.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

// Lengths of a key, from the standard.
constexpr size_t kKeyBytesMin = 24;
constexpr size_t kKeyBytesMax = 64;

std::string Body(const Message& message) {
  JsonObject body;
  body.Add("type", "message")
      .Add("timestamp", FormatRfc3339(message.time))
      .AddRaw("data", DataOf(message).Close());
  return body.Close();
}

class WebhookChannel : public Channel {
 public:
  WebhookChannel(std::string url, std::vector<std::string> keys)
      : url_(std::move(url)), keys_(std::move(keys)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    HttpRequest request;
    request.url = url_;
    request.body = Body(message);
    const std::string id = message.dispatch.ToString();
    const std::string timestamp = std::to_string(context.now / kSecondUs);
    const std::string signed_content = id + "." + timestamp + "." + request.body;
    std::string signatures;
    for (const std::string& key : keys_) {
      signatures += signatures.empty() ? "v1," : " v1,";
      signatures += ToBase64(HmacSha256(key, signed_content));
    }
    request.headers = {{"content-type", "application/json"},
                       {"webhook-id", id},
                       {"webhook-timestamp", timestamp},
                       {"webhook-signature", signatures}};
    return request;
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    if (std::optional<Outcome> failure = HttpFailure(answer, now)) {
      return *failure;
    }
    // The standard's word for "took it" is the status alone.
    return MakeOutcome(Outcome::Kind::kAccepted, "");
  }

 private:
  const std::string url_;
  const std::vector<std::string> keys_;
};

// "whsec_<base64>", several separated by spaces while a key is being changed.
Result<std::vector<std::string>> ParseKeys(std::string_view text) {
  std::vector<std::string> keys;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) {
      continue;
    }
    constexpr std::string_view kPrefix = "whsec_";
    const std::optional<std::string> key =
        word.starts_with(kPrefix) ? FromBase64(word.substr(kPrefix.size())) : std::nullopt;
    if (!key || key->size() < kKeyBytesMin || key->size() > kKeyBytesMax) {
      return Status(StatusCode::kInvalid,
                    "secret: not 'whsec_' and base64 of 24 to 64 bytes; make one with: echo "
                    "whsec_$(openssl rand -base64 32)");
    }
    keys.push_back(*key);
  }
  if (keys.empty()) {
    return Status(StatusCode::kInvalid, "secret: missing");
  }
  return keys;
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& settings) {
  if (Status status = CheckHttpUrl("url", settings.Get("url")); !status.ok()) {
    return status;
  }
  Result<std::vector<std::string>> keys = ParseKeys(settings.Get("secret"));
  if (!keys.ok()) {
    return keys.status();
  }
  return std::unique_ptr<Channel>(
      std::make_unique<WebhookChannel>(settings.Get("url"), *std::move(keys)));
}

}  // namespace

Registration WebhookRegistration() {
  using config::SettingType;
  Registration registration;
  registration.schema.name = "webhook";
  registration.schema.help =
      "Posts every message as JSON to an endpoint of yours, signed as Standard Webhooks says: "
      "`{\"type\": \"message\", \"timestamp\": ..., \"data\": {dispatch, customer, channel, "
      "template, locale, fields, text}}`.";
  registration.schema.settings = {
      {.name = "url", .type = SettingType::kUrl, .required = true, .help = "Where to post."},
      {.name = "secret",
       .type = SettingType::kSecret,
       .required = true,
       .help = "The signing key, `whsec_` and base64 of 24 to 64 bytes; several, separated by "
               "spaces, while a key is being changed."}};
  registration.schema.optional_fields = {"*"};
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce,
                                   Promise::kExactlyOnceByKey};
  registration.limits.timeout = 20 * kSecondUs;  // the standard asks for 15 to 30 s
  registration.cost =
      "Costs nothing. With `promise: exactly_once_by_key` your endpoint must drop "
      "a webhook-id that it has seen.";
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
