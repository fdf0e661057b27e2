// Tencent Cloud SMS: SendSms 2021-01-11, its statuses and replies, by callback or fetched.
//
// SendSms has no idempotency, and its callbacks do not echo the SessionContext; statuses that are
// asked for do, for accounts that have asked Tencent for it. Without, a lost answer stays open. So
// the promise is at most once unless the config says otherwise.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/beijing.h"
#include "channels/channel.h"
#include "channels/cloud_signature.h"
#include "channels/limits.h"
#include "channels/settings.h"
#include "channels/sms.h"
#include "triggers/base/json.h"
#include "triggers/base/text.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr std::string_view kParameterPrefix = "param.";
constexpr std::string_view kAcknowledged = R"({"result":0,"errmsg":"OK"})";

// The documented codes of SendSms and of the gateway before it, spelled as the provider spells
// them. A row without a dot is for all of its family that have none of their own.
constexpr AnswerRule kAnswers[] = {
    {"Ok", Kind::kAccepted, ""},
    // The recipient.
    {"InvalidParameterValue.IncorrectPhoneNumber", Kind::kRejected, "bad_number", true},
    {"UnsupportedOperation.UnsuportedRegion", Kind::kRejected, "bad_number"},
    {"LimitExceeded.AppCountryOrRegionInBlacklist", Kind::kRejected, "bad_number"},
    {"FailedOperation.PhoneNumberInBlacklist", Kind::kRejected, "opted_out", false, true},
    {"LimitExceeded.PhoneNumberThirtySecondLimit", Kind::kRetry, "recipient_limit"},
    {"LimitExceeded.PhoneNumberOneHourLimit", Kind::kRetry, "recipient_limit"},
    {"LimitExceeded.PhoneNumberDailyLimit", Kind::kRetry, "recipient_limit"},
    {"LimitExceeded.PhoneNumberSameContentDailyLimit", Kind::kRetry, "recipient_limit"},
    {"LimitExceeded.DeliveryFrequencyLimit", Kind::kRetry, "recipient_limit"},
    // The template and what was put into it.
    {"FailedOperation.TemplateIncorrectOrUnapproved", Kind::kRejected, "bad_template"},
    {"FailedOperation.TemplateUnapprovedOrNotExist", Kind::kRejected, "bad_template"},
    {"FailedOperation.TemplateParamSetNotMatchApprovedTemplate", Kind::kRejected, "bad_template"},
    {"InvalidParameterValue.TemplateParameterFormatError", Kind::kRejected, "bad_template"},
    {"InvalidParameterValue.MarketingTemplateWithoutUnsubscribe", Kind::kRejected, "bad_template"},
    {"UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", Kind::kRejected, "bad_template"},
    {"UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", Kind::kRejected, "bad_template"},
    {"FailedOperation.ContainSensitiveWord", Kind::kRejected, "bad_content"},
    {"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", Kind::kRejected, "bad_content"},
    {"InvalidParameterValue.ContentLengthLimit", Kind::kRejected, "too_long"},
    {"InvalidParameterValue.TemplateParameterLengthLimit", Kind::kRejected, "too_long"},
    {"FailedOperation.FailResolvePacket", Kind::kRejected, "bad_request"},
    {"FailedOperation.JsonParseFail", Kind::kRejected, "bad_request"},
    {"MissingParameter.EmptyPhoneNumberSet", Kind::kRejected, "bad_request"},
    {"LimitExceeded.PhoneNumberCountLimit", Kind::kRejected, "bad_request"},
    {"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", Kind::kRejected,
     "bad_request"},
    {"RequestSizeLimitExceeded", Kind::kRejected, "too_long"},
    {"FailedOperation", Kind::kRejected, "refused"},
    {"InvalidParameter", Kind::kRejected, "bad_request"},
    {"InvalidParameterValue", Kind::kRejected, "bad_request"},
    {"InvalidRequest", Kind::kRejected, "bad_request"},
    {"MissingParameter", Kind::kRejected, "bad_request"},
    {"UnknownParameter", Kind::kRejected, "bad_request"},
    {"UnsupportedOperation", Kind::kRejected, "bad_request"},
    // The hour: marketing messages from 8 to 22 only.
    {"FailedOperation.MarketingSendTimeConstraint", Kind::kRetry, "send_window"},
    // The signature shown to the customer: a setting of the channel, wrong for every message.
    {"FailedOperation.SignatureIncorrectOrUnapproved", Kind::kChannelPaused, "bad_sign_name"},
    // The account.
    {"LimitExceeded.AppDailyLimit", Kind::kChannelPaused, "quota"},
    {"LimitExceeded.AppGlobalDailyLimit", Kind::kChannelPaused, "quota"},
    {"LimitExceeded.AppMainlandChinaDailyLimit", Kind::kChannelPaused, "quota"},
    {"LimitExceeded.AppCountryOrRegionDailyLimit", Kind::kChannelPaused, "quota"},
    {"LimitExceeded.DailyLimit", Kind::kChannelPaused, "quota"},
    {"LimitExceeded", Kind::kChannelPaused, "quota"},
    {"FailedOperation.InsufficientBalanceInSmsPackage", Kind::kChannelPaused, "no_balance"},
    {"UnauthorizedOperation.SerivceSuspendDueToArrears", Kind::kChannelPaused, "no_balance"},
    {"UnauthorizedOperation.ServiceSuspendDueToArrears", Kind::kChannelPaused, "no_balance"},
    {"InvalidParameterValue.SdkAppIdNotExist", Kind::kChannelPaused, "account"},
    {"UnauthorizedOperation.SdkAppIdIsDisabled", Kind::kChannelPaused, "account"},
    {"UnauthorizedOperation.SmsSdkAppIdVerifyFail", Kind::kChannelPaused, "account"},
    {"UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny", Kind::kChannelPaused,
     "account"},
    {"UnauthorizedOperation", Kind::kChannelPaused, "unauthorized"},
    {"AuthFailure.SignatureExpire", Kind::kChannelPaused, "clock"},
    {"AuthFailure", Kind::kChannelPaused, "unauthorized"},
    {"IpInBlacklist", Kind::kChannelPaused, "unauthorized"},
    {"IpNotInWhitelist", Kind::kChannelPaused, "unauthorized"},
    {"InternalError.SigFieldMissing", Kind::kChannelPaused, "unauthorized"},
    {"InternalError.SigVerificationFail", Kind::kChannelPaused, "unauthorized"},
    {"InternalError.RequestTimeException", Kind::kChannelPaused, "clock"},
    {"InternalError.RestApiInterfaceNotExist", Kind::kChannelPaused, "no_endpoint"},
    {"ActionOffline", Kind::kChannelPaused, "no_endpoint"},
    {"InvalidAction", Kind::kChannelPaused, "no_endpoint"},
    {"NoSuchProduct", Kind::kChannelPaused, "no_endpoint"},
    {"NoSuchVersion", Kind::kChannelPaused, "no_endpoint"},
    {"UnsupportedProtocol", Kind::kChannelPaused, "no_endpoint"},
    {"UnsupportedRegion", Kind::kChannelPaused, "no_endpoint"},
    // Load: refused before anything was done.
    {"RequestLimitExceeded", Kind::kRetry, "rate_limited"},
    {"ResourceInsufficient", Kind::kRetry, "unavailable"},
    {"ResourceUnavailable", Kind::kRetry, "unavailable"},
    {"ServiceUnavailable", Kind::kRetry, "unavailable"},
    // Failures at any point: SendAndRecvFail and Timeout may have sent.
    {"InternalError", Kind::kUnknown, "server_error"},
};

// The row of the code, else that of its family.
std::string KnownCode(const std::string& code) {
  return FindRule(kAnswers, code) != nullptr ? code : code.substr(0, code.find('.'));
}

// How long a limit holds whose code says so; the daily ones count Beijing's days.
DurationUs LimitWindow(std::string_view code, TimeUs now) {
  if (code.ends_with("ThirtySecondLimit")) {
    return 30 * kSecondUs;
  }
  if (code.ends_with("OneHourLimit")) {
    return kHourUs;
  }
  if (code.ends_with("MarketingSendTimeConstraint")) {
    return UntilBeijingHour(now, 8);
  }
  return code.ends_with("DailyLimit") ? UntilBeijingHour(now, 0) : 0;
}

// TemplateParamSet knows no names: param.1 is {1}, param.2 is {2}; other names keep their order
// behind the numbers.
std::string ParameterList(const Message& message) {
  std::vector<std::pair<int, std::string>> parameters;
  for (const auto& [name, value] : message.fields) {
    if (!name.starts_with(kParameterPrefix)) {
      continue;
    }
    const std::string_view place = std::string_view(name).substr(kParameterPrefix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), number);
    const bool whole = error == std::errc() && end == place.data() + place.size();
    parameters.emplace_back(whole ? number : std::numeric_limits<int>::max(), value);
  }
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> values;
  values.reserve(parameters.size());
  for (auto& [number, value] : parameters) {
    values.push_back(std::move(value));
  }
  return JsonTexts(values);
}

std::string TemplateId(const Message& message) {
  const auto found = std::find_if(message.fields.begin(), message.fields.end(),
                                  [](const auto& field) { return field.first == "template_id"; });
  return found == message.fields.end() ? "" : found->second;
}

// What is known of one number.
struct NumberStatus {
  std::string code;
  std::string serial_no;
};

Outcome OutcomeOfStatus(const Answer& answer, const NumberStatus& status, TimeUs now) {
  const std::string code = KnownCode(status.code);
  std::optional<Outcome> outcome = RuledOutcome(answer, kAnswers, code, now);
  if (!outcome) {
    return WithCode(MakeOutcome(Kind::kUnknown, code.empty() ? "bad_answer" : "server_error"),
                    code);
  }
  if (outcome->kind == Kind::kAccepted) {
    outcome->provider_message_id = status.serial_no;
  } else if (outcome->kind == Kind::kRetry && outcome->retry_after == 0) {
    outcome->retry_after = LimitWindow(code, now);
  }
  return *std::move(outcome);
}

// By number, of an answer to a call with so many; empty for an error of the whole call, and for
// what is no such answer.
std::map<std::string, NumberStatus> ReadStatuses(const Answer& answer, size_t count) {
  std::vector<std::string> names = {"/Response/Error/Code"};
  for (size_t i = 0; i < count; ++i) {
    for (const char* member : {"PhoneNumber", "Code", "SerialNo"}) {
      names.push_back(fmt::format("/Response/SendStatusSet/{}/{}", i, member));
    }
  }
  const std::vector<std::string_view> pointers(names.begin(), names.end());
  const HttpResponse* response = HttpResponseOf(answer);
  const auto values = ParseJsonAt(response == nullptr ? "" : response->body, pointers);
  std::map<std::string, NumberStatus> statuses;
  const bool whole_error = values && !values->front().empty();
  for (size_t i = 1; values && !whole_error && i < values->size(); i += 3) {
    if (!(*values)[i].empty()) {
      statuses[E164((*values)[i])] = {(*values)[i + 1], (*values)[i + 2]};
    }
  }
  return statuses;
}

// One status as PullSmsSendStatus and PullSmsSendStatusByPhoneNumber give it. SessionContext is
// there for accounts that have asked Tencent for it.
Receipt StatusReceipt(const FlatObject& item) {
  Receipt receipt;
  SetFate(ValueOf(item, "ReportStatus") == "SUCCESS", ValueOf(item, "Description"), &receipt);
  receipt.dispatch = Id128::Parse(ValueOf(item, "SessionContext"));
  receipt.provider_message_id = ValueOf(item, "SerialNo");
  receipt.time = FromUnixSeconds(ValueOf(item, "UserReceiveTime"));
  return receipt;
}

constexpr std::string_view kStatuses = "/Response/PullSmsSendStatusSet";
constexpr std::string_view kReplies = "/Response/PullSmsReplyStatusSet";

Receipt ReportReceipt(const FlatObject& item) {
  Receipt receipt;
  SetFate(ValueOf(item, "report_status") == "SUCCESS", ValueOf(item, "errmsg"), &receipt);
  receipt.provider_message_id = ValueOf(item, "sid");
  receipt.time = BeijingTime(ValueOf(item, "user_receive_time"));
  return receipt;
}

struct TencentSettings {
  std::string secret_id;
  std::string secret_key;
  std::string sdk_app_id;
  std::string sign_name;
  std::string sender_id;
  std::string region;
  Url endpoint;
  std::string callback_token;
  size_t batch = 1;
  DurationUs poll = 0;
};

class TencentChannel : public Channel {
 public:
  explicit TencentChannel(TencentSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    return EncodeBatch(std::span(&message, 1), context);
  }

  // One text for all, and no number of the mainland beside one from elsewhere.
  size_t BatchMax() const override { return settings_.batch; }
  std::string BatchKey(const Message& message) const override {
    const bool mainland = message.address.starts_with("+86");
    return TemplateId(message) + ParameterList(message) + (mainland ? "86" : "");
  }

  Request EncodeBatch(std::span<const Message> messages,
                      const EncodeContext& context) const override {
    return Call("SendSms", Body(messages), context);
  }

  // What carriers have said of a number's messages since then.
  std::optional<HttpRequest> EncodeQuery(const SentMessage& sent,
                                         const EncodeContext& context) const override {
    JsonObject body;
    body.AddInteger("BeginTime", sent.sent_at / kSecondUs)
        .AddInteger("Offset", 0)
        .AddInteger("Limit", limits::kTencentPullMax)
        .Add("PhoneNumber", sent.message.address)
        .Add("SmsSdkAppId", settings_.sdk_app_id);
    return Call("PullSmsSendStatusByPhoneNumber", body.Close(), context);
  }

  QueryAnswer DecodeQuery(const Answer& answer, const SentMessage& sent) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const auto items = ParseJsonObjectsAt(response == nullptr ? "" : response->body, kStatuses);
    QueryAnswer best;
    if (items) {
      best.kind = QueryAnswer::Kind::kNotFound;
    }
    for (size_t i = 0; items && i < items->size(); ++i) {
      Receipt receipt = StatusReceipt((*items)[i]);
      const bool named = !sent.provider_message_id.empty() &&
                         receipt.provider_message_id == sent.provider_message_id;
      if (named || receipt.dispatch == sent.message.dispatch) {
        receipt.dispatch = sent.message.dispatch;
        TakeBetter({QueryAnswer::Kind::kTold, "", {std::move(receipt)}}, &best);
      }
    }
    return best;
  }

  DurationUs PollInterval() const override { return settings_.poll; }

  std::vector<HttpRequest> EncodePolls(const EncodeContext& context) const override {
    JsonObject body;
    body.AddInteger("Limit", limits::kTencentPullMax).Add("SmsSdkAppId", settings_.sdk_app_id);
    const std::string json = body.Close();
    return {Call("PullSmsSendStatus", json, context), Call("PullSmsReplyStatus", json, context)};
  }

  Result<Polled> DecodePoll(const Answer& answer) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const std::string_view body = response == nullptr ? std::string_view() : response->body;
    const auto statuses = ParseJsonObjectsAt(body, kStatuses);
    const auto replies = ParseJsonObjectsAt(body, kReplies);
    if (!statuses && !replies) {
      return Status(StatusCode::kUnavailable, Decode(answer, 0).reason);
    }
    Polled polled;
    const std::vector<FlatObject>& items = statuses ? *statuses : *replies;
    for (const FlatObject& item : items) {
      polled.receipts.push_back(statuses ? StatusReceipt(item)
                                         : SmsReply(ValueOf(item, "PhoneNumber"),
                                                    ValueOf(item, "ReplyContent"),
                                                    FromUnixSeconds(ValueOf(item, "ReplyTime"))));
    }
    polled.more = items.size() >= limits::kTencentPullMax;
    return polled;
  }

  // An error of the whole call, else the result of the one number, both with HTTP status 200.
  Outcome Decode(const Answer& answer, TimeUs now) const override {
    static constexpr std::array<std::string_view, 3> kPointers = {
        "/Response/Error/Code", "/Response/SendStatusSet/0/Code",
        "/Response/SendStatusSet/0/SerialNo"};
    const HttpResponse* response = HttpResponseOf(answer);
    const auto values = ParseJsonAt(response == nullptr ? "" : response->body, kPointers)
                            .value_or(std::vector<std::string>(kPointers.size()));
    return OutcomeOfStatus(answer, {values[0].empty() ? values[1] : values[0], values[2]}, now);
  }

  std::optional<std::vector<Outcome>> DecodeBatch(const Answer& answer,
                                                  std::span<const Message> messages,
                                                  TimeUs now) const override {
    const std::map<std::string, NumberStatus> statuses = ReadStatuses(answer, messages.size());
    if (statuses.empty()) {
      return OutcomesOfBatch(Decode(answer, now), messages.size());
    }
    std::vector<Outcome> outcomes;
    for (const Message& message : messages) {
      const auto status = statuses.find(E164(message.address));
      outcomes.push_back(
          OutcomeOfStatus(answer, status == statuses.end() ? NumberStatus() : status->second, now));
    }
    return outcomes;
  }

  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs /*now*/) const override {
    TokenCallback call = ReadTokenCallback(request, settings_.callback_token, kAcknowledged);
    for (const FlatObject& item : call.items) {
      if (item.contains("report_status")) {
        call.reply.receipts.push_back(ReportReceipt(item));
      } else if (item.contains("text")) {
        call.reply.receipts.push_back(
            SmsReply("+" + ValueOf(item, "nationcode") + ValueOf(item, "mobile"),
                     ValueOf(item, "text"), FromUnixSeconds(ValueOf(item, "time"))));
      }
    }
    return std::move(call.reply);
  }

 private:
  HttpRequest Call(std::string_view action, std::string body, const EncodeContext& context) const {
    CloudRequest cloud;
    cloud.headers = {{"content-type", "application/json; charset=utf-8"},
                     {"host", settings_.endpoint.authority}};
    cloud.body = std::move(body);
    HttpRequest request;
    request.url = OriginOf(settings_.endpoint) + "/";
    request.headers = cloud.headers;  // the two that the vendor's own library signs
    request.headers.emplace_back("x-tc-action", action);
    request.headers.emplace_back("x-tc-version", "2021-01-11");
    request.headers.emplace_back("x-tc-timestamp", std::to_string(context.now / kSecondUs));
    request.headers.emplace_back("x-tc-region", settings_.region);
    request.headers.emplace_back(
        "authorization",
        Tc3Authorization(cloud, "sms", context.now, settings_.secret_id, settings_.secret_key));
    request.body = std::move(cloud.body);
    return request;
  }

  std::string Body(std::span<const Message> messages) const {
    const Message& first = messages.front();
    std::vector<std::string> phones;
    for (const Message& message : messages) {
      phones.push_back(message.address);
    }
    JsonObject body;
    body.Add("SmsSdkAppId", settings_.sdk_app_id)
        .AddIfAny("SignName", settings_.sign_name)
        .Add("TemplateId", TemplateId(first))
        .AddRaw("TemplateParamSet", ParameterList(first))
        .AddRaw("PhoneNumberSet", JsonTexts(phones))
        .AddIfAny("SessionContext", messages.size() == 1 ? first.dispatch.ToString() : "")
        .AddIfAny("SenderId", settings_.sender_id);
    return body.Close();
  }

  const TencentSettings settings_;
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  TencentSettings settings;
  settings.region = values.Get("region").empty() ? "ap-guangzhou" : values.Get("region");
  config::Settings words = values;
  words.values["region"] = settings.region;
  for (const char* name : {"secret_id", "secret_key", "sdk_app_id", "region"}) {
    if (Status status = CheckPlainWord(words, name); !status.ok()) {
      return status;
    }
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://sms.tencentcloudapi.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  if (Status status = CheckCallbackToken(values); !status.ok()) {
    return status;
  }
  const Result<size_t> batch = ReadBatch(values, limits::kTencentBatchMax);
  if (!batch.ok()) {
    return batch.status();
  }
  settings.batch = *batch;
  const std::string poll = values.Get("poll");
  const std::optional<DurationUs> interval = ParseDuration(poll.empty() ? "0s" : poll);
  if (!interval || (*interval != 0 && *interval < limits::kPollIntervalMin)) {
    return Invalid("poll: not 5s or longer");
  }
  settings.poll = *interval;
  settings.secret_id = values.Get("secret_id");
  settings.secret_key = values.Get("secret_key");
  settings.sdk_app_id = values.Get("sdk_app_id");
  settings.sign_name = values.Get("sign_name");
  settings.sender_id = values.Get("sender_id");
  settings.endpoint = *endpoint;
  settings.callback_token = values.Get("callback_token");
  return std::unique_ptr<Channel>(std::make_unique<TencentChannel>(std::move(settings)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "secret_id",
       .type = SettingType::kSecret,
       .required = true,
       .help = "Of a sub-user that may do sms:SendSms, sms:PullSmsSendStatus, "
               "sms:PullSmsSendStatusByPhoneNumber and sms:PullSmsReplyStatus and nothing else."},
      {.name = "secret_key",
       .type = SettingType::kSecret,
       .required = true,
       .help = "Of the same sub-user."},
      {.name = "sdk_app_id",
       .required = true,
       .help = "The SmsSdkAppId that the SMS console shows, `1400...`."},
      {.name = "sign_name",
       .help = "The approved signature (签名) that the message opens with; numbers of mainland "
               "China are refused without."},
      {.name = "sender_id",
       .help = "The Sender ID of messages to other places, where the account has its own."},
      {.name = "region",
       .default_value = "ap-guangzhou",
       .help = "The region of the service, as X-TC-Region."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://sms.tencentcloudapi.com",
       .help = "The API's address, where another region's is wanted."},
      BatchSetting(limits::kTencentBatchMax,
                   "At most so many messages with the same text go in one request; 1: each goes "
                   "alone."),
      CallbackTokenSetting(),
      {.name = "poll",
       .type = SettingType::kDuration,
       .help =
           "Fetches receipts and replies so often (PullSmsSendStatus, PullSmsReplyStatus), 5s "
           "or longer, where no callback can come in; Tencent enables that on request. Each is "
           "given once: only one channel of an app may fetch, and what it has just fetched when "
           "the daemon is killed is lost.",
       .example = "30s"},
  };
}

}  // namespace

Registration TencentRegistration() {
  Registration registration;
  registration.schema.name = "tencent";
  registration.schema.help =
      "Sends SMS by Tencent Cloud (SendSms 2021-01-11). The template's parameters {1}, {2} are the "
      "front matter's `param.1`, `param.2`.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kPhone;
  registration.schema.sms = config::SmsRule{SmsAlphabet::kUcs2, limits::kChineseSmsUnitsMax};
  registration.schema.required_fields = {"template_id"};
  registration.schema.optional_fields = {"param.*"};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second = 100;  // of the 3,000/s that an account has
  registration.cost =
      "Charged per segment: 70 characters, or 67 each when there are several; the signature "
      "counts. A repeat is charged again. By default the account lets a number have the same text "
      "once in 30 seconds, and ten messages a day.";
  registration.receipts = true;
  registration.receipts_need = {"callback_token", "poll"};
  registration.answers_queries = true;
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
