// What WeChat calls us with: signatures, encrypted bodies and the small XML inside
// (developers.weixin.qq.com, 消息推送 and 消息加解密). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"

namespace huitou::channels {

struct WechatCallbackSettings {
  std::string token;    // empty: nothing is believed
  std::string aes_key;  // 32 raw bytes; empty: plain mode
  std::string app_id;   // who encrypted bodies must be for
};

// The 43 letters of an EncodingAESKey as 32 raw bytes; nothing for any other text.
std::optional<std::string> ParseEncodingAesKey(std::string_view text);

// The message inside an encrypted text; nothing unless it is whole and for `app_id`.
std::optional<std::string> DecryptWechat(std::string_view aes_key, std::string_view app_id,
                                         std::string_view base64);

// What a call, its signature verified, carries.
struct WechatCall {
  CallbackReply reply;                // not verified: answer it as it stands
  std::optional<FlatObject> message;  // of a verified POST; else empty
  std::vector<FlatObject> items;      // those of its <List>, each
};

// Verifies a call; answers the console's GET. A signature older or newer than ten minutes is not
// believed, since it covers no body in plain mode.
WechatCall VerifyWechatCall(const CallbackRequest& request, const WechatCallbackSettings& settings,
                            TimeUs now);

}  // namespace huitou::channels
