// What the channels of one WeChat app (service account or mini program) share: its settings, its
// access token, the codes that any call may answer, and what a person tells by its callbacks.
//
// The token comes from stable_token, which gives the same one to all who ask until it nears its
// end; the outbox asks for it by TokenRequest, keeps it for all channels of the app, and asks again
// when an answer says kTokenExpired.
//
// Immutable; any thread.
//
//   class MyChannel : public WechatAppChannel { Request Encode(...) const override; };
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/wechat_callback.h"

namespace huitou::channels {

// errcode, which comes with HTTP status 200.
inline constexpr AnswerRule kWechatAnswers[] = {
    {"0", Outcome::Kind::kAccepted, ""},
    // The access token.
    {"40001", Outcome::Kind::kTokenExpired, "token"},
    {"40014", Outcome::Kind::kTokenExpired, "token"},
    {"41001", Outcome::Kind::kTokenExpired, "token"},
    {"42001", Outcome::Kind::kTokenExpired, "token"},
    {"42007", Outcome::Kind::kTokenExpired, "token"},
    // The recipient.
    {"40003", Outcome::Kind::kRejected, "bad_openid", true},
    {"43004", Outcome::Kind::kRejected, "not_following", false, true},
    {"50005", Outcome::Kind::kRejected, "not_following", false, true},
    {"43019", Outcome::Kind::kRejected, "blocked", false, true},
    {"43101", Outcome::Kind::kRejected, "opted_out", false, true},
    {"48002", Outcome::Kind::kRejected, "opted_out", false, true},
    // What is sent.
    {"44004", Outcome::Kind::kRejected, "bad_content"},
    {"87014", Outcome::Kind::kRejected, "bad_content"},
    {"45002", Outcome::Kind::kRejected, "too_long"},
    {"47001", Outcome::Kind::kRejected, "bad_request"},
    // The account.
    {"40013", Outcome::Kind::kChannelPaused, "account"},
    {"48001", Outcome::Kind::kChannelPaused, "unauthorized"},
    {"48004", Outcome::Kind::kChannelPaused, "banned"},
    {"50001", Outcome::Kind::kChannelPaused, "unauthorized"},
    {"50002", Outcome::Kind::kChannelPaused, "banned"},
    {"40164", Outcome::Kind::kChannelPaused, "unauthorized"},  // this IP is not on the list
    {"61004", Outcome::Kind::kChannelPaused, "unauthorized"},
    // Load.
    {"-1", Outcome::Kind::kRetry, "unavailable"},
    {"45009", Outcome::Kind::kRetry, "quota"},
    {"45011", Outcome::Kind::kRetry, "rate_limited"},
};

// One table of both.
template <size_t kA, size_t kB>
constexpr std::array<AnswerRule, kA + kB> Joined(const AnswerRule (&a)[kA],
                                                 const AnswerRule (&b)[kB]) {
  std::array<AnswerRule, kA + kB> all;
  for (size_t i = 0; i < kA + kB; ++i) {
    all[i] = i < kA ? a[i] : b[i - kA];
  }
  return all;
}

// The outcome of an answer with an errcode and, perhaps, a msgid.
Outcome DecodeErrcode(const Answer& answer, std::span<const AnswerRule> rules, TimeUs now);
// The access token of an answer with an errcode.
Result<Channel::Token> DecodeErrcodeToken(const HttpResponse& response);
// "msgid" or "MsgID" as text; empty for 0, which means none.
std::string WechatMessageId(const FlatObject& object, std::string_view key);

struct WechatApp {
  std::string app_id;
  std::string app_secret;
  std::string endpoint;  // without a slash at the end
  WechatCallbackSettings callback;
};

std::vector<config::Setting> WechatAppSettings();
Result<WechatApp> ReadWechatApp(const config::Settings& values);
// The settings of callbacks: `callback_token`, `encoding_aes_key`.
std::vector<config::Setting> WechatCallbackSettingsTable();
Status ReadWechatCallback(const config::Settings& values, WechatCallbackSettings* callback);

class WechatAppChannel : public Channel {
 public:
  Outcome Decode(const Answer& answer, TimeUs now) const override;
  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs now) const override;
  std::optional<HttpRequest> TokenRequest() const override;
  Result<Token> DecodeToken(const HttpResponse& response) const override;

 protected:
  WechatAppChannel(WechatApp app, std::span<const AnswerRule> answers);

  HttpRequest Post(std::string_view path, const EncodeContext& context, std::string body) const;
  // What an event says that is not about a person's message, following or leaving; `receipt` has
  // its address and time.
  virtual std::vector<Receipt> ReceiptsOf(const WechatCall& call, const Receipt& receipt) const;

 private:
  const WechatApp app_;
  const std::span<const AnswerRule> answers_;
};

// The front matter `data.*`, `miniprogram.*` and others of a message of a template, as WeChat
// writes it: `members` are taken as they stand, in this order, where they are not empty.
std::string WechatTemplateBody(const Message& message, std::span<const std::string_view> members,
                               std::string_view client_msg_id);

}  // namespace huitou::channels
