#include "channels/wecom.h"

#include <algorithm>
#include <utility>

#include "channels/settings.h"
#include "channels/url.h"
#include "channels/wechat_app.h"

namespace huitou::channels {
namespace {

constexpr size_t kUseridBytesMax = 64;

bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string OneUserid(std::string_view address) {
  const bool plain = !address.empty() && address.size() <= kUseridBytesMax &&
                     IsLetterOrDigit(address[0]) &&
                     std::all_of(address.begin(), address.end(), [](char c) {
                       return IsLetterOrDigit(c) || c == '_' || c == '-' || c == '@' || c == '.';
                     });
  return plain ? std::string(address) : "_";
}

std::vector<config::Setting> WecomSettings(std::string_view recipient_help,
                                           std::string_view callbacks_help) {
  using config::SettingType;
  return {
      {.name = "corp_id", .required = true, .help = "The company's id (企业ID), `ww...`."},
      {.name = "corp_secret",
       .type = SettingType::kSecret,
       .required = true,
       .help = "The app's Secret; gets the access token, which is renewed by itself and shared by "
               "all channels with this secret."},
      {.name = config::kRecipientSetting, .required = true, .help = std::string(recipient_help)},
      {.name = "endpoint",
       .type = SettingType::kUrl,
       .default_value = "https://qyapi.weixin.qq.com",
       .help = "The API's address, where a private one is wanted."},
      {.name = "callback_token",
       .type = SettingType::kSecret,
       .help = "The Token of the app's settings for receiving messages (接收消息), whose URL is "
               "`/v1/callbacks/<channel>`; without it no callback is believed. " +
               std::string(callbacks_help)},
      {.name = "encoding_aes_key",
       .type = SettingType::kSecret,
       .help = "The EncodingAESKey of the same page, which goes with the token."},
  };
}

Result<WecomApp> ReadWecomApp(const config::Settings& values) {
  for (const char* name : {"corp_id", "corp_secret", config::kRecipientSetting}) {
    if (Status status = CheckPlainWord(values, name); !status.ok()) {
      return status;
    }
  }
  const Result<Url> endpoint = ReadEndpoint(values, "https://qyapi.weixin.qq.com");
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  WecomApp app{values.Get("corp_id"), values.Get("corp_secret"), OriginOf(*endpoint), {}};
  app.callback.app_id = app.corp_id;
  if (Status status = ReadWechatCallback(values, &app.callback); !status.ok()) {
    return status;
  }
  if (!app.callback.token.empty() && app.callback.aes_key.empty()) {
    return Invalid("encoding_aes_key: is missing, and callback_token needs it");
  }
  return app;
}

WecomChannel::WecomChannel(WecomApp app) : app_(std::move(app)) {
}

HttpRequest WecomChannel::Post(std::string_view path, const EncodeContext& context,
                               std::string body) const {
  HttpRequest request;
  request.url =
      app_.endpoint + std::string(path) + "?access_token=" + PercentEncode(context.access_token);
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  request.body = std::move(body);
  return request;
}

std::optional<HttpRequest> WecomChannel::TokenRequest() const {
  HttpRequest request;
  request.method = "GET";
  request.url = app_.endpoint + "/cgi-bin/gettoken?corpid=" + PercentEncode(app_.corp_id) +
                "&corpsecret=" + PercentEncode(app_.corp_secret);
  return request;
}

Result<Channel::Token> WecomChannel::DecodeToken(const HttpResponse& response) const {
  return DecodeErrcodeToken(response);
}

CallbackReply WecomChannel::DecodeCallback(const CallbackRequest& request, TimeUs now) const {
  WechatCall call = VerifyWechatCall(request, app_.callback, now);
  if (!call.message) {
    return std::move(call.reply);
  }
  // What is not empty would be a message in answer, and encrypted.
  call.reply.response.body.clear();
  if (std::optional<Receipt> receipt = ReceiptOf(*call.message)) {
    receipt->time = FromUnixSeconds(ValueOf(*call.message, "CreateTime"));
    call.reply.receipts.push_back(*std::move(receipt));
  }
  return std::move(call.reply);
}

}  // namespace huitou::channels
