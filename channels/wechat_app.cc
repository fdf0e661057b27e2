#include "channels/wechat_app.h"

#include <algorithm>
#include <utility>

#include "channels/beijing.h"
#include "channels/opt_out.h"
#include "channels/settings.h"
#include "channels/url.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr std::string_view kDataPrefix = "data.";
constexpr std::string_view kProgramPrefix = "miniprogram.";
// "Too frequent to this openid": the threshold is unpublished; an hour is what people report.
constexpr DurationUs kRecipientPause = kHourUs;

HttpRequest JsonPost(std::string url, std::string body) {
  HttpRequest request;
  request.url = std::move(url);
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  request.body = std::move(body);
  return request;
}

}  // namespace

std::string WechatMessageId(const FlatObject& object, std::string_view key) {
  const std::string id = ValueOf(object, key);
  return id == "0" ? "" : id;
}

Outcome DecodeErrcode(const Answer& answer, std::span<const AnswerRule> rules, TimeUs now) {
  if (std::optional<Outcome> failure = HttpFailure(answer, now)) {
    return *failure;
  }
  const std::optional<FlatObject> body = ParseJsonObject(HttpResponseOf(answer)->body);
  const std::string code = body ? ValueOf(*body, "errcode") : "";
  if (code.empty()) {
    return MakeOutcome(Kind::kUnknown, "bad_answer");
  }
  const AnswerRule* rule = FindRule(rules, code);
  if (rule == nullptr) {
    // An error they have added since: refused, and theirs to refuse.
    return WithCode(MakeOutcome(Kind::kRejected, "refused"), code);
  }
  Outcome outcome = WithCode(OutcomeOf(*rule), code);
  if (outcome.kind == Kind::kAccepted) {
    outcome.provider_message_id = WechatMessageId(*body, "msgid");
  } else if (outcome.kind == Kind::kRetry && outcome.reason == "quota") {
    outcome.retry_after = UntilBeijingHour(now, 0);  // daily quotas begin anew
  } else if (outcome.kind == Kind::kRetry && outcome.reason == "recipient_limit") {
    outcome.retry_after = kRecipientPause;
  }
  return outcome;
}

Result<Channel::Token> DecodeErrcodeToken(const HttpResponse& response) {
  const FlatObject body = ParseJsonObject(response.body).value_or(FlatObject());
  const DurationUs lifetime = FromUnixSeconds(ValueOf(body, "expires_in"));
  const std::string value = ValueOf(body, "access_token");
  if (response.status == 200 && !value.empty() && lifetime > 0) {
    return Channel::Token{value, lifetime};
  }
  const std::string code = ValueOf(body, "errcode");
  const bool known = !code.empty() && code.size() <= 8 &&
                     code.find_first_not_of("-0123456789") == std::string::npos;
  const bool for_now = !known || code == "-1" || code == "45009" || code == "45011";
  return Status(for_now ? StatusCode::kUnavailable : StatusCode::kInvalid,
                known ? "code " + code : "HTTP status " + std::to_string(response.status));
}

// --- settings -----------------------------------------------------------------------------------

std::vector<config::Setting> WechatCallbackSettingsTable() {
  using config::SettingType;
  return {
      {.name = "callback_token",
       .type = SettingType::kSecret,
       .help = "The Token of the message push settings; without it no callback is believed. An app "
               "has one URL for them: give it that of one of its channels, and each of them this "
               "token; all hear what is theirs."},
      {.name = "encoding_aes_key",
       .type = SettingType::kSecret,
       .help = "The EncodingAESKey of the same page; with it only encrypted callbacks are "
               "believed, which is what to choose: the plain signature covers no body."},
  };
}

Status ReadWechatCallback(const config::Settings& values, WechatCallbackSettings* callback) {
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

std::vector<config::Setting> WechatAppSettings() {
  using config::SettingType;
  std::vector<config::Setting> settings = {
      {.name = "app_id", .required = true, .help = "The account's AppID, `wx...`."},
      {.name = "app_secret",
       .type = SettingType::kSecret,
       .required = true,
       .help = "The account's AppSecret; gets the access token, which is renewed by itself and "
               "shared by all channels with this app."},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://api.weixin.qq.com",
       .help = "The API's address, where another region's is wanted."},
  };
  std::vector<config::Setting> callback = WechatCallbackSettingsTable();
  settings.insert(settings.end(), callback.begin(), callback.end());
  return settings;
}

Result<WechatApp> ReadWechatApp(const config::Settings& values) {
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
  WechatApp app;
  app.app_id = values.Get("app_id");
  app.app_secret = values.Get("app_secret");
  app.endpoint = OriginOf(*endpoint);
  app.callback.app_id = app.app_id;
  if (Status status = ReadWechatCallback(values, &app.callback); !status.ok()) {
    return status;
  }
  return app;
}

// --- the channel --------------------------------------------------------------------------------

WechatAppChannel::WechatAppChannel(WechatApp app, std::span<const AnswerRule> answers)
    : app_(std::move(app)), answers_(answers) {
}

HttpRequest WechatAppChannel::Post(std::string_view path, const EncodeContext& context,
                                   std::string body) const {
  return JsonPost(
      app_.endpoint + std::string(path) + "?access_token=" + PercentEncode(context.access_token),
      std::move(body));
}

Outcome WechatAppChannel::Decode(const Answer& answer, TimeUs now) const {
  return DecodeErrcode(answer, answers_, now);
}

std::optional<HttpRequest> WechatAppChannel::TokenRequest() const {
  JsonObject body;
  body.Add("grant_type", "client_credential")
      .Add("appid", app_.app_id)
      .Add("secret", app_.app_secret);
  return JsonPost(app_.endpoint + "/cgi-bin/stable_token", body.Close());
}

Result<Channel::Token> WechatAppChannel::DecodeToken(const HttpResponse& response) const {
  return DecodeErrcodeToken(response);
}

CallbackReply WechatAppChannel::DecodeCallback(const CallbackRequest& request, TimeUs now) const {
  WechatCall call = VerifyWechatCall(request, app_.callback, now);
  if (!call.message) {
    return std::move(call.reply);
  }
  const FlatObject& message = *call.message;
  Receipt receipt;
  receipt.address = ValueOf(message, "FromUserName");
  receipt.time = FromUnixSeconds(ValueOf(message, "CreateTime"));
  const std::string type = ValueOf(message, "MsgType");
  const std::string event = type == "event" ? ValueOf(message, "Event") : "";
  if (type == "text") {
    receipt.text = ValueOf(message, "Content");
    const bool opt_out = MeansOptOut(receipt.text);
    receipt.kind = opt_out ? Receipt::Kind::kUnsubscribed : Receipt::Kind::kReplied;
    receipt.reason = opt_out ? "opted_out" : "";
    call.reply.receipts = {receipt};
  } else if (event == "subscribe") {
    receipt.kind = Receipt::Kind::kSubscribed;
    call.reply.receipts = {receipt};
  } else if (event == "unsubscribe") {
    receipt.kind = Receipt::Kind::kUnsubscribed;
    receipt.reason = "unfollowed";
    call.reply.receipts = {receipt};
  } else if (!event.empty()) {
    call.reply.receipts = ReceiptsOf(call, receipt);
  }
  return std::move(call.reply);
}

std::vector<Receipt> WechatAppChannel::ReceiptsOf(const WechatCall& /*call*/,
                                                  const Receipt& /*receipt*/) const {
  return {};
}

std::string WechatTemplateBody(const Message& message, std::span<const std::string_view> members,
                               std::string_view client_msg_id) {
  JsonObject data;
  JsonObject program;
  bool any_program = false;
  FlatObject plain;
  for (const auto& [name, value] : message.fields) {
    if (name.starts_with(kDataPrefix)) {
      JsonObject item;
      item.Add("value", value);
      data.AddRaw(std::string_view(name).substr(kDataPrefix.size()), item.Close());
    } else if (name.starts_with(kProgramPrefix)) {
      program.Add(std::string_view(name).substr(kProgramPrefix.size()), value);
      any_program = true;
    } else {
      plain[name] = value;
    }
  }
  JsonObject body;
  body.Add("touser", message.address).Add("template_id", ValueOf(plain, "template_id"));
  for (const std::string_view member : members) {
    body.AddIfAny(member, ValueOf(plain, member));
  }
  if (any_program) {
    body.AddRaw("miniprogram", program.Close());
  }
  body.AddIfAny("client_msg_id", client_msg_id).AddRaw("data", data.Close());
  return body.Close();
}

}  // namespace huitou::channels
