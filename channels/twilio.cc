// Twilio Programmable Messaging: Messages of API 2010-04-01, its status callbacks and incoming
// messages, both signed (X-Twilio-Signature).
//
// Creating a message has no idempotency key, so the promise is at most once unless the config says
// otherwise. The dispatch id travels in the StatusCallback's URL and comes back with every status:
// that settles what a lost answer left open. Where no status came the number's messages are asked
// for, among which ours is known by its text.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/settings.h"
#include "channels/sms.h"
#include "channels/twilio_signature.h"
#include "channels/url.h"
#include "triggers/base/text.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

// The last so many messages to a number: more than one gets while an answer is open.
constexpr int kListedMax = 50;

constexpr std::string_view kNothingToSay =
    R"(<?xml version="1.0" encoding="UTF-8"?><Response></Response>)";

// https://www.twilio.com/docs/api/errors: those that creating a message can meet.
constexpr AnswerRule kAnswers[] = {
    // The recipient.
    {"21211", Kind::kRejected, "bad_number", true},
    {"21614", Kind::kRejected, "bad_number", true},
    {"21635", Kind::kRejected, "bad_number", true},  // a landline
    {"21408", Kind::kRejected, "bad_number"},        // its country is not enabled
    {"21612", Kind::kRejected, "bad_number"},        // not from this sender
    {"21610", Kind::kRejected, "opted_out", false, true},
    {"21608", Kind::kRejected, "test_account"},
    // The text.
    {"21602", Kind::kRejected, "bad_content"},
    {"21619", Kind::kRejected, "bad_content"},
    {"21617", Kind::kRejected, "too_long"},
    // The sender: a setting of the channel, wrong for every message.
    {"21212", Kind::kChannelPaused, "bad_sender"},
    {"21601", Kind::kChannelPaused, "bad_sender"},
    {"21603", Kind::kChannelPaused, "bad_sender"},
    {"21606", Kind::kChannelPaused, "bad_sender"},
    {"21659", Kind::kChannelPaused, "bad_sender"},
    {"21660", Kind::kChannelPaused, "bad_sender"},
    {"21703", Kind::kChannelPaused, "bad_sender"},
    {"30034", Kind::kChannelPaused, "bad_sender"},
    {"21609", Kind::kChannelPaused, "bad_callback"},
    // The account.
    {"20003", Kind::kChannelPaused, "unauthorized"},
    {"20404", Kind::kChannelPaused, "no_endpoint"},
    {"10001", Kind::kChannelPaused, "account"},
    {"30002", Kind::kChannelPaused, "account"},
    // Load: refused before anything was done.
    {"20429", Kind::kRetry, "rate_limited"},
    {"21611", Kind::kRetry, "rate_limited"},
    {"30001", Kind::kRetry, "rate_limited"},
};

// `receipt` names the message; none while it is on its way.
std::vector<Receipt> StatusReceipts(Receipt receipt, const std::string& word,
                                    const std::string& code, const std::string& to) {
  const bool delivered = word == "delivered" || word == "read";
  if (!delivered && word != "undelivered" && word != "failed" && word != "canceled") {
    return {};
  }
  SetFate(delivered, code.empty() ? word : code, &receipt);
  std::vector<Receipt> receipts = {receipt};
  const AnswerRule* rule = FindRule(kAnswers, code);
  if (!delivered && rule != nullptr && rule->revoke_consent) {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipt.reason = rule->reason;
    receipt.address = E164(to);
    receipts.push_back(std::move(receipt));
  }
  return receipts;
}

std::vector<Receipt> CallbackReceipts(const FlatObject& status, Id128 dispatch) {
  Receipt receipt;
  receipt.dispatch = dispatch;
  receipt.provider_message_id = ValueOf(status, "MessageSid");
  return StatusReceipts(std::move(receipt), ValueOf(status, "MessageStatus"),
                        ValueOf(status, "ErrorCode"), ValueOf(status, "To"));
}

// Whether this message of the account's is the one that was sent: a trial account writes something
// before the text. Their clock may be behind ours.
bool IsSent(const FlatObject& message, const SentMessage& sent) {
  if (!sent.provider_message_id.empty()) {
    return ValueOf(message, "sid") == sent.provider_message_id;
  }
  return ValueOf(message, "direction") != "inbound" &&
         ValueOf(message, "body").ends_with(SmsText(sent.message)) &&
         FromMailDate(ValueOf(message, "date_created")) >= sent.sent_at - kMinuteUs;
}

QueryAnswer AnswerOf(const FlatObject& message, const SentMessage& sent) {
  Receipt receipt;
  receipt.dispatch = sent.message.dispatch;
  QueryAnswer answer;
  answer.provider_message_id = ValueOf(message, "sid");
  answer.receipts = StatusReceipts(std::move(receipt), ValueOf(message, "status"),
                                   ValueOf(message, "error_code"), sent.message.address);
  answer.kind = answer.receipts.empty() ? QueryAnswer::Kind::kAccepted : QueryAnswer::Kind::kTold;
  return answer;
}

// OptOutType is what Twilio itself made of the text, by the account's own list of words.
Receipt IncomingReceipt(const FlatObject& message) {
  Receipt receipt = SmsReply(ValueOf(message, "From"), ValueOf(message, "Body"), 0);
  const std::string type = ValueOf(message, "OptOutType");
  if (type == "STOP") {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipt.reason = "opted_out";
  } else if (type == "START") {
    receipt.kind = Receipt::Kind::kSubscribed;
    receipt.reason = "";
  }
  return receipt;
}

struct TwilioSettings {
  std::string account_sid;
  std::string auth_token;
  std::string credentials;  // user:password
  std::pair<std::string, std::string> sender;
  std::string valid_s;
  std::string endpoint;
  std::string callback_url;
};

class TwilioChannel : public Channel {
 public:
  explicit TwilioChannel(TwilioSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& /*context*/) const override {
    FormFields fields = {{"To", message.address},
                         settings_.sender,
                         {"Body", SmsText(message)},
                         {"ValidityPeriod", settings_.valid_s}};
    if (!settings_.callback_url.empty()) {
      fields.emplace_back("StatusCallback",
                          settings_.callback_url + "?dispatch=" + message.dispatch.ToString());
    }
    HttpRequest request = Call("/Messages.json");
    request.headers.insert(request.headers.begin(),
                           {"content-type", "application/x-www-form-urlencoded"});
    request.body = FormEncode(fields);
    return request;
  }

  std::optional<HttpRequest> EncodeQuery(const SentMessage& sent,
                                         const EncodeContext& /*context*/) const override {
    HttpRequest request =
        Call(sent.provider_message_id.empty()
                 ? "/Messages.json?" + FormEncode({{"To", sent.message.address},
                                                   {"PageSize", std::to_string(kListedMax)}})
                 : "/Messages/" + PercentEncode(sent.provider_message_id) + ".json");
    request.method = "GET";
    return request;
  }

  // The newest of a number's messages first, or the one that was named.
  QueryAnswer DecodeQuery(const Answer& answer, const SentMessage& sent) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    if (response == nullptr || response->status != 200) {
      return {};
    }
    const auto messages =
        ParseJsonObjectsAt(response->body, sent.provider_message_id.empty() ? "/messages" : "");
    if (!messages) {
      return {};
    }
    QueryAnswer best;
    best.kind = QueryAnswer::Kind::kNotFound;
    for (const FlatObject& message : *messages) {
      if (IsSent(message, sent)) {
        TakeBetter(AnswerOf(message, sent), &best);
      }
    }
    return best;
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const FlatObject body =
        ParseJsonObject(response == nullptr ? "" : response->body).value_or(FlatObject());
    // "code" of a refusal, "error_code" of a message that was created and failed at once.
    const std::string failed = ValueOf(body, "error_code");
    const std::string code = failed.empty() ? ValueOf(body, "code") : failed;
    std::optional<Outcome> outcome = RuledOutcome(answer, kAnswers, code, now);
    if (outcome) {
      // 503 may come after the message was taken, unless it says when to come again.
      const bool open = outcome->kind == Kind::kRetry && response != nullptr &&
                        response->status >= 500 && outcome->retry_after == 0 &&
                        answer.error == TransportError::kNone;
      return open ? MakeOutcome(Kind::kUnknown, "server_error") : *std::move(outcome);
    }
    if (!code.empty()) {
      return WithCode(MakeOutcome(Kind::kRejected, "refused"), code);
    }
    const std::string id = ValueOf(body, "sid");
    if (id.empty()) {
      return MakeOutcome(Kind::kUnknown, "bad_answer");
    }
    Outcome accepted = MakeOutcome(Kind::kAccepted, "");
    accepted.provider_message_id = id;
    return accepted;
  }

  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs /*now*/) const override {
    if (settings_.callback_url.empty()) {
      return RefuseCallback(403);
    }
    if (request.method != "POST") {
      return RefuseCallback(405);
    }
    const std::optional<FormFields> fields = ParseForm(request.body);
    if (!fields || !IsSigned(request, *fields)) {
      return RefuseCallback(403);
    }
    FlatObject values;
    for (const auto& [name, value] : *fields) {
      values.emplace(name, value);
    }
    CallbackReply reply = AcceptCallback("text/xml", kNothingToSay);
    if (values.contains("MessageStatus")) {
      reply.receipts = CallbackReceipts(values, Id128::Parse(QueryValue(request.url, "dispatch")));
    } else if (values.contains("Body") && values.contains("From")) {
      reply.receipts.push_back(IncomingReceipt(values));
    }
    return reply;
  }

 private:
  HttpRequest Call(const std::string& path) const {
    HttpRequest request;
    request.url = settings_.endpoint + "/2010-04-01/Accounts/" + settings_.account_sid + path;
    request.headers = {{"accept", "application/json"},
                       {"authorization", "Basic " + ToBase64(settings_.credentials)}};
    return request;
  }

  // Over the URL as the provider knows it, which proxies change on the way: the configured one,
  // with the query that came.
  bool IsSigned(const CallbackRequest& request, const FormFields& fields) const {
    const size_t query = std::min(request.url.find('?'), request.url.size());
    return IsTwilioSigned(settings_.auth_token, settings_.callback_url + request.url.substr(query),
                          fields, HeaderValue(request.headers, "x-twilio-signature"));
  }

  const TwilioSettings settings_;
};

// Who sends: one number or one pool of them.
Status ReadSender(const config::Settings& values, TwilioSettings* settings) {
  const std::string from = values.Get("from");
  const std::string service = values.Get("messaging_service_sid");
  if (from.empty() == service.empty()) {
    return Invalid(from.empty() ? "from: missing; give it, or messaging_service_sid"
                                : "from: stands beside messaging_service_sid; give one of them");
  }
  if (!service.empty() && !service.starts_with("MG")) {
    return Invalid("messaging_service_sid: not an id such as MG0123456789abcdef...");
  }
  settings->sender = from.empty()
                         ? std::pair<std::string, std::string>("MessagingServiceSid", service)
                         : std::pair<std::string, std::string>("From", from);
  return Status::Ok();
}

Status ReadKeys(const config::Settings& values, TwilioSettings* settings) {
  for (const char* name : {"account_sid", "auth_token"}) {
    if (Status status = CheckPlainWord(values, name); !status.ok()) {
      return status;
    }
  }
  settings->account_sid = values.Get("account_sid");
  settings->auth_token = values.Get("auth_token");
  if (!settings->account_sid.starts_with("AC") ||
      PercentEncode(settings->account_sid) != settings->account_sid) {
    return Invalid("account_sid: not an id such as AC0123456789abcdef...");
  }
  settings->credentials = settings->account_sid + ":" + settings->auth_token;
  if (values.Get("api_key").empty() && values.Get("api_key_secret").empty()) {
    return Status::Ok();
  }
  for (const char* name : {"api_key", "api_key_secret"}) {
    if (Status status = CheckPlainWord(values, name); !status.ok()) {
      return status;
    }
  }
  settings->credentials = values.Get("api_key") + ":" + values.Get("api_key_secret");
  return Status::Ok();
}

Status ReadCallbackUrl(const config::Settings& values, TwilioSettings* settings) {
  settings->callback_url = values.Get("callback_url");
  if (settings->callback_url.empty()) {
    return Status::Ok();
  }
  if (Status status = CheckHttpUrl("callback_url", settings->callback_url); !status.ok()) {
    return status;
  }
  return settings->callback_url.find_first_of("?#") == std::string::npos
             ? Status::Ok()
             : Invalid("callback_url: without a query and a fragment; huitou adds its own");
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  TwilioSettings settings;
  for (const auto read : {&ReadKeys, &ReadSender, &ReadCallbackUrl}) {
    if (Status status = read(values, &settings); !status.ok()) {
      return status;
    }
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://api.twilio.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  settings.endpoint = OriginOf(*endpoint);
  const std::string valid_for = values.Get("valid_for");
  const std::optional<DurationUs> valid = ParseDuration(valid_for.empty() ? "1h" : valid_for);
  if (!valid || *valid < limits::kSmsValidMin || *valid > limits::kSmsValidMax) {
    return Invalid("valid_for: not between 1s and 10h");
  }
  settings.valid_s = std::to_string(*valid / kSecondUs);
  return std::unique_ptr<Channel>(std::make_unique<TwilioChannel>(std::move(settings)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "account_sid", .required = true, .help = "The account's id, `AC...`."},
      {.name = "auth_token",
       .type = SettingType::kSecret,
       .required = true,
       .help = "Of the account; verifies callbacks, and sends where there is no `api_key`."},
      {.name = "api_key",
       .type = SettingType::kSecret,
       .help = "The SID of an API key, `SK...`, to send with instead of the auth token."},
      {.name = "api_key_secret", .type = SettingType::kSecret, .help = "Of the same API key."},
      {.name = "from",
       .help = "The number, short code or alphanumeric sender that sends; this or "
               "`messaging_service_sid`."},
      {.name = "messaging_service_sid", .help = "The pool of senders, `MG...`."},
      {.name = "callback_url",
       .type = SettingType::kUrl,
       .help = "The public address of `/v1/callbacks/<channel>`. Every message asks for its "
               "statuses there; enter the same one for incoming messages. Without it no callback "
               "is believed.",
       .example = "https://huitou.example.com/v1/callbacks/sms"},
      {.name = "valid_for",
       .type = SettingType::kDuration,
       .default_value = "1h",
       .help = "How long Twilio may keep a message in its queue, up to 10h: what goes out later "
               "could fall into quiet hours."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://api.twilio.com",
       .help = "The API's address, where another region's is wanted."},
  };
}

}  // namespace

Registration TwilioRegistration() {
  Registration registration;
  registration.schema.name = "twilio";
  registration.schema.help =
      "Sends SMS by Twilio (Messages of API 2010-04-01); the text is the template's, up to 1,600 "
      "characters. Set `rate` to what your sender may do: a toll-free number about 3/s, a short "
      "code 10/s to 100/s.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kPhone;
  registration.schema.sms = config::SmsRule{SmsAlphabet::kGsm7, limits::kTwilioSmsUnitsMax};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second =
      1;  // of a long code; more would only wait in Twilio's queue
  registration.cost =
      "Charged per segment: 160 characters of GSM-7, 153 each when there are several; 70 and 67 "
      "with any other character. A repeat is charged again.";
  registration.receipts = true;
  registration.receipts_need = {"callback_url"};
  registration.answers_queries = true;
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
