// What the channels of a WeCom (企业微信) company share: its settings, its access token, the codes
// that any call may answer (developer.work.weixin.qq.com, path/90455), and its callbacks, which are
// always encrypted (path/90238, path/92130).
//
// gettoken gives the same token to all who ask with the same secret until it nears its end, so
// instances do not push each other out; each app has a secret, and a token, of its own.
//
// Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/wechat_callback.h"

namespace huitou::channels {

inline constexpr AnswerRule kWecomAnswers[] = {
    {"0", Outcome::Kind::kAccepted, ""},
    // The access token.
    {"40001", Outcome::Kind::kTokenExpired, "token"},
    {"40014", Outcome::Kind::kTokenExpired, "token"},
    {"41001", Outcome::Kind::kTokenExpired, "token"},
    {"42001", Outcome::Kind::kTokenExpired, "token"},
    // The recipient.
    {"40003", Outcome::Kind::kRejected, "bad_recipient"},
    {"40031", Outcome::Kind::kRejected, "bad_recipient"},
    {"60111", Outcome::Kind::kRejected, "bad_recipient"},
    // What is sent.
    {"40058", Outcome::Kind::kRejected, "bad_request"},
    {"40063", Outcome::Kind::kRejected, "bad_request"},
    {"47001", Outcome::Kind::kRejected, "bad_request"},
    {"44004", Outcome::Kind::kRejected, "bad_content"},
    {"45002", Outcome::Kind::kRejected, "too_long"},
    // The account.
    {"40013", Outcome::Kind::kChannelPaused, "account"},
    {"48002", Outcome::Kind::kChannelPaused, "unauthorized"},
    {"60020", Outcome::Kind::kChannelPaused, "unauthorized"},  // this IP is not on the app's list
    {"301002", Outcome::Kind::kChannelPaused, "unauthorized"},
    // Load.
    {"-1", Outcome::Kind::kRetry, "unavailable"},
    {"6000", Outcome::Kind::kRetry, "unavailable"},  // somebody changed the same at the same time
    {"45009", Outcome::Kind::kRetry, "rate_limited"},
    {"45033", Outcome::Kind::kRetry, "rate_limited"},
};

struct WecomApp {
  std::string corp_id;
  std::string corp_secret;
  std::string endpoint;  // without a slash at the end
  WechatCallbackSettings callback;
};

// `callbacks_help` says what comes of them.
std::vector<config::Setting> WecomSettings(std::string_view recipient_help,
                                           std::string_view callbacks_help);
Result<WecomApp> ReadWecomApp(const config::Settings& values);

// An id as WeCom allows one, that means one person; "_", which is nobody's, for any other text: for
// "@all", and for several in one.
std::string OneUserid(std::string_view address);

class WecomChannel : public Channel {
 public:
  std::optional<HttpRequest> TokenRequest() const override;
  Result<Token> DecodeToken(const HttpResponse& response) const override;
  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs now) const override;

 protected:
  explicit WecomChannel(WecomApp app);

  HttpRequest Post(std::string_view path, const EncodeContext& context, std::string body) const;
  // What a message or an event says of a person, without its time; nothing for those of no concern.
  virtual std::optional<Receipt> ReceiptOf(const FlatObject& message) const = 0;

 private:
  const WecomApp app_;
};

}  // namespace huitou::channels
