// Alibaba Cloud SMS: SendSms, SendBatchSms and QuerySendDetails of Dysmsapi 2017-05-25, the
// receipts (SmsReport) and replies (SmsUp).
//
// Neither has idempotency: a repeat is a second message on the phone and on the bill. So the
// promise is at most once unless the config says otherwise; the OutId that travels with the message
// comes back in the receipt, and in the details that can be asked for, and settles what a lost
// answer left open. A batch has one OutId and one answer for all its numbers: its messages are
// known by that and the number.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/beijing.h"
#include "channels/channel.h"
#include "channels/cloud_signature.h"
#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/settings.h"
#include "channels/sms.h"
#include "channels/url.h"
#include "triggers/base/hash.h"
#include "triggers/base/json.h"
#include "triggers/base/text.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr std::string_view kParameterPrefix = "param.";
constexpr std::string_view kBatchPrefix = "batch-";
constexpr std::string_view kMainland = "+86";
constexpr std::string_view kAcknowledged = R"({"code":0,"msg":"接收成功"})";

// The documented codes of SendSms and of the gateway before it. No flag says which may be
// repeated: what a code's own description says decides. Unknown is what may have been sent.
constexpr AnswerRule kAnswers[] = {
    {"OK", Kind::kAccepted, ""},
    // The recipient.
    {"isv.MOBILE_NUMBER_ILLEGAL", Kind::kRejected, "bad_number", true},
    {"isv.DOMESTIC_NUMBER_NOT_SUPPORTED", Kind::kRejected, "bad_number"},
    {"isv.CUSTOMER_REFUSED", Kind::kRejected, "opted_out", false, true},
    {"isv.BLACK_KEY_CONTROL_LIMIT", Kind::kRejected, "blocked"},
    {"isv.BUSINESS_LIMIT_CONTROL", Kind::kRetry, "recipient_limit"},
    // The template and what was put into it.
    {"isv.SMS_TEMPLATE_ILLEGAL", Kind::kRejected, "bad_template"},
    {"isv.SMS_SIGNATURE_SCENE_ILLEGAL", Kind::kRejected, "bad_template"},
    {"isv.TEMPLATE_MISSING_PARAMETERS", Kind::kRejected, "bad_template"},
    {"isv.TEMPLATE_PARAMS_ILLEGAL", Kind::kRejected, "bad_template"},
    {"isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", Kind::kRejected, "bad_template"},
    {"isv.PARAM_LENGTH_LIMIT", Kind::kRejected, "too_long"},
    {"isv.PARAM_NOT_SUPPORT_URL", Kind::kRejected, "bad_content"},
    {"isv.SMS_CONTENT_ILLEGAL", Kind::kRejected, "bad_content"},
    {"isv.UNSUPPORTED_CONTENT", Kind::kRejected, "bad_content"},
    {"isv.INVALID_PARAMETERS", Kind::kRejected, "bad_request"},
    {"isv.INVALID_JSON_PARAM", Kind::kRejected, "bad_request"},
    {"isv.MOBILE_COUNT_OVER_LIMIT", Kind::kRejected, "bad_request"},
    {"isv.EXTEND_CODE_ERROR", Kind::kRejected, "bad_request"},
    {"isv.SMS_TEST_NUMBER_LIMIT", Kind::kRejected, "test_account"},
    {"isv.SMS_TEST_SIGN_TEMPLATE_LIMIT", Kind::kRejected, "test_account"},
    {"isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL", Kind::kRejected, "test_account"},
    // The signature shown to the customer: a setting of the channel, wrong for every message.
    {"isv.SMS_SIGNATURE_ILLEGAL", Kind::kChannelPaused, "bad_sign_name"},
    {"isv.SMS_SIGN_ILLEGAL", Kind::kChannelPaused, "bad_sign_name"},
    {"isv.SIGN_NAME_ILLEGAL", Kind::kChannelPaused, "bad_sign_name"},
    {"isv.SIGN_STATE_ILLEGAL", Kind::kChannelPaused, "bad_sign_name"},
    // The account.
    {"isv.DAY_LIMIT_CONTROL", Kind::kChannelPaused, "quota"},
    {"isv.MONTH_LIMIT_CONTROL", Kind::kChannelPaused, "quota"},
    {"isv.OUT_OF_SERVICE", Kind::kChannelPaused, "no_balance"},
    {"isv.AMOUNT_NOT_ENOUGH", Kind::kChannelPaused, "no_balance"},
    {"isv.PRODUCT_UN_SUBSCRIPT", Kind::kChannelPaused, "account"},
    {"isv.PRODUCT_UNSUBSCRIBE", Kind::kChannelPaused, "account"},
    {"isv.ACCOUNT_NOT_EXISTS", Kind::kChannelPaused, "account"},
    {"isv.ACCOUNT_ABNORMAL", Kind::kChannelPaused, "account"},
    {"isv.SECURITY_FROZEN_ACCOUNT", Kind::kChannelPaused, "account"},
    {"isp.RAM_PERMISSION_DENY", Kind::kChannelPaused, "unauthorized"},
    {"isv.DENY_IP_RANGE", Kind::kChannelPaused, "unauthorized"},
    {"Forbidden.RAM", Kind::kChannelPaused, "unauthorized"},
    {"NoPermission", Kind::kChannelPaused, "unauthorized"},
    {"SignatureDoesNotMatch", Kind::kChannelPaused, "unauthorized"},
    {"IncompleteSignature", Kind::kChannelPaused, "unauthorized"},
    {"InvalidAccessKeyId.NotFound", Kind::kChannelPaused, "unauthorized"},
    {"InvalidAccessKeyId.Inactive", Kind::kChannelPaused, "unauthorized"},
    {"MissingAccessKeyId", Kind::kChannelPaused, "unauthorized"},
    {"InvalidTimeStamp.Expired", Kind::kChannelPaused, "clock"},
    {"InvalidTimeStamp.Format", Kind::kChannelPaused, "clock"},
    {"InvalidVersion", Kind::kChannelPaused, "no_endpoint"},
    {"InvalidAction.NotFound", Kind::kChannelPaused, "no_endpoint"},
    // Load: refused before anything was done.
    {"Throttling", Kind::kRetry, "rate_limited"},
    {"Throttling.User", Kind::kRetry, "rate_limited"},
    {"Throttling.Api", Kind::kRetry, "rate_limited"},
    {"ServiceUnavailable", Kind::kRetry, "unavailable"},
    // Failures at any point.
    {"isp.SYSTEM_ERROR", Kind::kUnknown, "server_error"},
    {"isp.GATEWAY_ERROR", Kind::kUnknown, "server_error"},
    {"InternalError", Kind::kUnknown, "server_error"},
    // Every attempt draws a new nonce; a used one means that something repeated the request.
    {"SignatureNonceUsed", Kind::kUnknown, "repeated"},
};

// What is put into a message: a template and the values of its variables.
struct Filled {
  std::string code;
  std::string parameters;  // a JSON object; empty for none
};

Filled FilledOf(const Message& message) {
  Filled filled;
  JsonObject parameters;
  bool any = false;
  for (const auto& [name, value] : message.fields) {
    if (name == "code") {
      filled.code = value;
    } else if (name.starts_with(kParameterPrefix)) {
      parameters.Add(std::string_view(name).substr(kParameterPrefix.size()), value);
      any = true;
    }
  }
  filled.parameters = any ? parameters.Close() : "";
  return filled;
}

// The OutId of a batch: another one for other messages.
std::string BatchId(std::span<const Message> messages) {
  std::string dispatches;
  for (const Message& message : messages) {
    dispatches += message.dispatch.ToString();
  }
  return std::string(kBatchPrefix) + Hash128({dispatches}).ToString();
}

// One message of a batch, also by the number as receipts write it, without 86.
std::string IdInBatch(std::string_view batch_id, std::string_view phone) {
  return Hash128({batch_id, E164(Digits(phone))}).ToString();
}

// "触发天级流控Permits:10": how long the window is that the recipient's limit counts in.
DurationUs LimitWindow(std::string_view message) {
  const auto says = [message](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  };
  if (says("天") || says("日") || says("day")) {
    return kDayUs;
  }
  return says("小时") || says("hour") ? kHourUs : kMinuteUs;
}

// `receipt` names the message; what became of it is added, and that its recipient wants no more.
void AppendFate(Receipt receipt, bool delivered, const std::string& code, const std::string& phone,
                std::vector<Receipt>* receipts) {
  SetFate(delivered, code, &receipt);
  receipts->push_back(receipt);
  if (!delivered && (code == "USER_REJECT" || code == "MOBILE_IN_BLACK")) {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipt.address = E164(phone);
    receipts->push_back(std::move(receipt));
  }
}

void AppendReport(const FlatObject& item, std::vector<Receipt>* receipts) {
  const std::string phone = ValueOf(item, "phone_number");
  const std::string out_id = ValueOf(item, "out_id");
  Receipt receipt;
  receipt.dispatch = Id128::Parse(out_id);
  receipt.provider_message_id =
      out_id.starts_with(kBatchPrefix) ? IdInBatch(out_id, phone) : ValueOf(item, "biz_id");
  receipt.time = BeijingTime(ValueOf(item, "report_time"));
  AppendFate(std::move(receipt), ValueOf(item, "success") == "true", ValueOf(item, "err_code"),
             phone, receipts);
}

// How long after it was leased a message may reach Alibaba: no timeout is longer by default.
constexpr DurationUs kOnItsWay = 10 * kSecondUs;

bool CrossesMidnight(const SentMessage& sent) {
  return BeijingDay(sent.sent_at) != BeijingDay(sent.sent_at + kOnItsWay);
}

// SendStatus of QuerySendDetails.
constexpr std::string_view kFailed = "2";
constexpr std::string_view kDelivered = "3";

// One of the messages that a number got that day; nothing unless it is the one that was sent.
std::optional<QueryAnswer> AnswerOf(const FlatObject& item, const SentMessage& sent) {
  const std::string out_id = ValueOf(item, "OutId");
  const bool in_batch = !sent.provider_message_id.empty() && out_id.starts_with(kBatchPrefix) &&
                        IdInBatch(out_id, sent.message.address) == sent.provider_message_id;
  if (!in_batch && out_id != sent.message.dispatch.ToString()) {
    return std::nullopt;
  }
  QueryAnswer answer;
  answer.kind = QueryAnswer::Kind::kAccepted;
  const std::string status = ValueOf(item, "SendStatus");
  if (status == kFailed || status == kDelivered) {
    answer.kind = QueryAnswer::Kind::kTold;
    Receipt receipt;
    receipt.dispatch = sent.message.dispatch;
    receipt.time = BeijingTime(ValueOf(item, "ReceiveDate"));
    AppendFate(std::move(receipt), status == kDelivered, ValueOf(item, "ErrCode"),
               sent.message.address, &answer.receipts);
  }
  return answer;
}

struct AliyunSettings {
  std::string access_key_id;
  std::string access_key_secret;
  std::string sign_name;
  std::string endpoint;
  std::string authority;  // of the endpoint
  std::string callback_token;
  size_t batch = 1;
};

class AliyunChannel : public Channel {
 public:
  explicit AliyunChannel(AliyunSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    const Filled filled = FilledOf(message);
    FormFields query = {{"OutId", message.dispatch.ToString()},
                        {"PhoneNumbers", Digits(message.address)},
                        {"SignName", settings_.sign_name},
                        {"TemplateCode", filled.code}};
    if (!filled.parameters.empty()) {
      query.emplace_back("TemplateParam", filled.parameters);
    }
    return Call("SendSms", std::move(query), {}, context);
  }

  // One template, each with its own values.
  size_t BatchMax() const override { return settings_.batch; }
  std::string BatchKey(const Message& message) const override { return FilledOf(message).code; }

  Request EncodeBatch(std::span<const Message> messages,
                      const EncodeContext& context) const override {
    std::vector<std::string> phones;
    std::string parameters;
    bool any_parameters = false;
    for (const Message& message : messages) {
      const Filled filled = FilledOf(message);
      phones.push_back(Digits(message.address));
      parameters += parameters.empty() ? "[" : ",";
      parameters += filled.parameters.empty() ? "{}" : filled.parameters;
      any_parameters = any_parameters || !filled.parameters.empty();
    }
    const std::vector<std::string> sign_names(messages.size(), settings_.sign_name);
    FormFields form = {{"PhoneNumberJson", JsonTexts(phones)},
                       {"SignNameJson", JsonTexts(sign_names)}};
    if (any_parameters) {
      form.emplace_back("TemplateParamJson", parameters + "]");
    }
    return Call("SendBatchSms",
                {{"OutId", BatchId(messages)}, {"TemplateCode", FilledOf(messages.front()).code}},
                form, context);
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const FlatObject body =
        ParseJsonObject(response == nullptr ? "" : response->body).value_or(FlatObject());
    const std::string code = ValueOf(body, "Code");
    std::optional<Outcome> outcome = RuledOutcome(answer, kAnswers, code, now);
    if (!outcome) {
      if (code.starts_with("isv.")) {
        // New in their table; theirs to refuse.
        return WithCode(MakeOutcome(Kind::kRejected, "refused"), code);
      }
      return WithCode(MakeOutcome(Kind::kUnknown, code.empty() ? "bad_answer" : "server_error"),
                      code);
    }
    if (outcome->kind == Kind::kAccepted) {
      outcome->provider_message_id = ValueOf(body, "BizId");
    } else if (outcome->reason == "recipient_limit") {
      outcome->retry_after = LimitWindow(ValueOf(body, "Message"));
    }
    return *std::move(outcome);
  }

  std::optional<std::vector<Outcome>> DecodeBatch(const Answer& answer,
                                                  std::span<const Message> messages,
                                                  TimeUs now) const override {
    std::optional<std::vector<Outcome>> outcomes =
        OutcomesOfBatch(Decode(answer, now), messages.size());
    const std::string batch_id = BatchId(messages);
    for (size_t i = 0; outcomes && i < messages.size(); ++i) {
      Outcome& outcome = (*outcomes)[i];
      if (outcome.kind == Kind::kAccepted || outcome.kind == Kind::kUnknown) {
        outcome.provider_message_id = IdInBatch(batch_id, messages[i].address);
      }
    }
    return outcomes;
  }

  // The messages that a number got on one day. Of one that may have reached Alibaba on either side
  // of Beijing's midnight both days are asked, in turn.
  std::optional<HttpRequest> EncodeQuery(const SentMessage& sent,
                                         const EncodeContext& context) const override {
    std::string phone = Digits(sent.message.address);
    if (sent.message.address.starts_with(kMainland)) {
      phone.erase(0, kMainland.size() - 1);  // its 11 digits alone
    }
    return Call("QuerySendDetails",
                {{"CurrentPage", "1"},
                 {"PageSize", std::to_string(limits::kAliyunDetailsMax)},
                 {"PhoneNumber", phone},
                 {"SendDate", CrossesMidnight(sent) && context.now / kMinuteUs % 2 == 1
                                  ? BeijingDay(sent.sent_at + kOnItsWay)
                                  : BeijingDay(sent.sent_at)}},
                {}, context);
  }

  QueryAnswer DecodeQuery(const Answer& answer, const SentMessage& sent) const override {
    const HttpResponse* response = HttpResponseOf(answer);
    const std::string_view body = response == nullptr ? std::string_view() : response->body;
    const FlatObject head = ParseJsonObject(body).value_or(FlatObject());
    const auto items = ParseJsonObjectsAt(body, "/SmsSendDetailDTOs/SmsSendDetailDTO");
    if (ValueOf(head, "Code") != "OK" || !items) {
      return {};
    }
    // A repeat has the same OutId: what one of them has reached counts.
    QueryAnswer best;
    best.kind = CrossesMidnight(sent) ? QueryAnswer::Kind::kUnanswered  // the other day may know it
                                      : QueryAnswer::Kind::kNotFound;
    for (const FlatObject& item : *items) {
      if (std::optional<QueryAnswer> found = AnswerOf(item, sent)) {
        TakeBetter(*std::move(found), &best);
      }
    }
    return best;
  }

  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs /*now*/) const override {
    TokenCallback call = ReadTokenCallback(request, settings_.callback_token, kAcknowledged);
    for (const FlatObject& item : call.items) {
      if (item.contains("success")) {
        AppendReport(item, &call.reply.receipts);
      } else if (item.contains("content")) {
        call.reply.receipts.push_back(SmsReply(ValueOf(item, "phone_number"),
                                               ValueOf(item, "content"),
                                               BeijingTime(ValueOf(item, "send_time"))));
      }
    }
    return std::move(call.reply);
  }

 private:
  // Parameters in the query, long ones in the body.
  HttpRequest Call(std::string_view action, FormFields query, const FormFields& form,
                   const EncodeContext& context) const {
    CloudRequest acs;
    acs.query = std::move(query);
    acs.body = FormEncode(form);
    acs.headers = {{"host", settings_.authority},
                   {"x-acs-action", std::string(action)},
                   {"x-acs-version", "2017-05-25"},
                   {"x-acs-date", FormatRfc3339(context.now - context.now % kSecondUs)},
                   {"x-acs-signature-nonce", context.nonce},
                   {"x-acs-content-sha256", Sha256Hex(acs.body)}};
    if (!form.empty()) {
      acs.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
    }
    HttpRequest request;
    request.url = settings_.endpoint + "/?" + CanonicalQuery(acs);
    request.headers = acs.headers;
    request.headers.emplace_back("authorization", Acs3Authorization(acs, settings_.access_key_id,
                                                                    settings_.access_key_secret));
    request.headers.emplace_back("accept", "application/json");
    request.body = std::move(acs.body);
    return request;
  }

  const AliyunSettings settings_;
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  for (const char* name : {"access_key_id", "access_key_secret"}) {
    if (Status status = CheckPlainWord(values, name); !status.ok()) {
      return status;
    }
  }
  if (values.Get("sign_name").empty()) {
    return Invalid("sign_name: missing");
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://dysmsapi.aliyuncs.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  if (Status status = CheckCallbackToken(values); !status.ok()) {
    return status;
  }
  const Result<size_t> batch = ReadBatch(values, limits::kAliyunBatchMax);
  if (!batch.ok()) {
    return batch.status();
  }
  AliyunSettings settings;
  settings.batch = *batch;
  settings.access_key_id = values.Get("access_key_id");
  settings.access_key_secret = values.Get("access_key_secret");
  settings.sign_name = values.Get("sign_name");
  settings.endpoint = OriginOf(*endpoint);
  settings.authority = endpoint->authority;
  settings.callback_token = values.Get("callback_token");
  return std::unique_ptr<Channel>(std::make_unique<AliyunChannel>(std::move(settings)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "access_key_id",
       .type = SettingType::kSecret,
       .required = true,
       .help = "Of a RAM user that may do dysms:SendSms, dysms:SendBatchSms and "
               "dysms:QuerySendDetails and nothing else."},
      {.name = "access_key_secret",
       .type = SettingType::kSecret,
       .required = true,
       .help = "Of the same RAM user."},
      {.name = "sign_name",
       .required = true,
       .help = "The approved signature (签名) that the message opens with."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://dysmsapi.aliyuncs.com",
       .help = "The API's address, where another region's is wanted."},
      BatchSetting(
          limits::kAliyunBatchMax,
          "At most so many messages of one template go in one request, SendBatchSms, which "
          "Alibaba may deliver later than single ones; 1: each goes alone."),
      CallbackTokenSetting(),
  };
}

}  // namespace

Registration AliyunRegistration() {
  Registration registration;
  registration.schema.name = "aliyun";
  registration.schema.help =
      "Sends SMS by Alibaba Cloud (SendSms and SendBatchSms of Dysmsapi 2017-05-25).";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kPhone;
  registration.schema.sms = config::SmsRule{SmsAlphabet::kUcs2, limits::kChineseSmsUnitsMax};
  registration.schema.required_fields = {"code"};
  registration.schema.optional_fields = {"param.*"};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second = 100;  // of the 5,000/s that an account has
  registration.cost =
      "Charged per segment that a carrier confirms: 70 characters, or 67 each when "
      "there are several; the signature counts. A repeat is charged again.";
  registration.receipts = true;
  registration.receipts_need = {"callback_token"};
  registration.answers_queries = true;
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
