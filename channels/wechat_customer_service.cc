// WeChat customer-service messages (客服消息): plain text to somebody who wrote to the service
// account, or followed it, scanned its code or used its menu, a short while ago.
//
// How many may follow what is WeChat's to count (developers.weixin.qq.com, Customer Service
// Messages): 5 within 48 hours of a message, 3 within a minute of a follow, a scan or a menu. Error
// 45015 says that the time is over, 45047 that the number is used up: no is certain and final then,
// and the next channel of `via` takes over. There is no key against repeats.
#include <memory>
#include <utility>

#include "channels/settings.h"
#include "channels/sms.h"
#include "channels/wechat_app.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr AnswerRule kOwnAnswers[] = {
    {"45015", Kind::kRejected, "window_closed"},
    {"45047", Kind::kRejected, "recipient_limit"},
    {"45026", Kind::kRejected, "bad_content"},
    {"65400", Kind::kChannelPaused, "account"},     // customer service is not switched on
    {"65401", Kind::kChannelPaused, "bad_sender"},  // no such customer-service account
};
constexpr auto kAnswers = Joined(kWechatAnswers, kOwnAnswers);

class WechatCustomerServiceChannel : public WechatAppChannel {
 public:
  WechatCustomerServiceChannel(WechatApp app, std::string sender)
      : WechatAppChannel(std::move(app), kAnswers), sender_(std::move(sender)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    JsonObject text;
    text.Add("content", SmsText(message));
    JsonObject body;
    body.Add("touser", message.address).Add("msgtype", "text").AddRaw("text", text.Close());
    if (!sender_.empty()) {
      JsonObject sender;
      sender.Add("kf_account", sender_);
      body.AddRaw("customservice", sender.Close());
    }
    return Post("/cgi-bin/message/custom/send", context, body.Close());
  }

 private:
  const std::string sender_;  // empty: the account itself
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  Result<WechatApp> app = ReadWechatApp(values);
  if (!app.ok()) {
    return app.status();
  }
  const std::string sender = values.Get("kf_account");
  if (!sender.empty() &&
      (!CheckPlainWord(values, "kf_account").ok() || sender.find('@') == std::string::npos)) {
    return Invalid("kf_account: not an account such as help@gh_shop");
  }
  return std::unique_ptr<Channel>(
      std::make_unique<WechatCustomerServiceChannel>(*std::move(app), sender));
}

std::vector<config::Setting> SettingsTable() {
  std::vector<config::Setting> settings = WechatAppSettings();
  settings.push_back({.name = "kf_account",
                      .help = "The customer-service account in whose name it comes, "
                              "`name@account`; without it the service account's own."});
  return settings;
}

}  // namespace

Registration WechatCustomerServiceRegistration() {
  Registration registration;
  registration.schema.name = "wechat_customer_service";
  registration.schema.help =
      "Sends customer-service messages (客服消息) of a WeChat Official Account: text, to who "
      "wrote, "
      "followed, scanned or tapped the menu a short while ago.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kWechatOpenid;
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second = 100;  // none is published
  registration.cost =
      "Free. 5 messages within 48 hours of a message of the customer's, 3 within a minute of a "
      "follow, a scan or a menu: WeChat counts, and what it refuses goes to the next channel of "
      "`via`. Use it to answer (`message.replied`, reviews), not to advertise.";
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
