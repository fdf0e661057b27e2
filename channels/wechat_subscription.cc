// WeChat subscription messages (订阅通知, 订阅消息) of a service account or a mini program: each
// yes of the customer lets one message of one template pass.
//
// Such a yes is a one-time consent of the engine. The shop tells it by a `consent.granted` event
// with `credits`; or WeChat does, by the callback of its window, where `templates` says which
// template of ours an id is. Error 43101 (no yes is left, or the customer has said no) and the
// customer's no in the settings become a revocation for that template.
//
// There is no key against repeats (developers.weixin.qq.com, api_sendsubscribemessage): by default
// nothing is repeated, since a repeat takes the next yes, or is refused as if there had been none.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "channels/settings.h"
#include "channels/wechat_app.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr AnswerRule kOwnAnswers[] = {
    {"40037", Kind::kRejected, "bad_template"}, {"47003", Kind::kRejected, "bad_template"},
    {"41030", Kind::kRejected, "bad_content"},  // the page
    {"40165", Kind::kRejected, "bad_content"},  // the mini program's page
    {"40166", Kind::kRejected, "bad_content"},  // its app id
    {"43108", Kind::kRetry, "rate_limited"},    // two at once to one openid
};
constexpr auto kAnswers = Joined(kWechatAnswers, kOwnAnswers);

// WeChat's template id -> our template.
using TemplateNames = std::map<std::string, std::string, std::less<>>;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// "id=name, id=name"
Result<TemplateNames> ReadTemplates(std::string_view text) {
  TemplateNames names;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string id(Trimmed(pair.substr(0, equals)));
    const std::string name(Trimmed(pair.substr(std::min(equals + 1, pair.size()))));
    if (id.empty() || name.empty() || !names.emplace(id, name).second) {
      return Invalid("templates: not `template id=template, ...`, each id once");
    }
  }
  return names;
}

class WechatSubscriptionChannel : public WechatAppChannel {
 public:
  WechatSubscriptionChannel(WechatApp app, std::string path, TemplateNames templates)
      : WechatAppChannel(std::move(app), kAnswers),
        path_(std::move(path)),
        templates_(std::move(templates)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    constexpr std::string_view kMembers[] = {"page", "miniprogram_state", "lang"};
    return Post(path_, context, WechatTemplateBody(message, kMembers, ""));
  }

 private:
  std::vector<Receipt> ReceiptsOf(const WechatCall& call, const Receipt& receipt) const override {
    const std::string event = ValueOf(*call.message, "Event");
    std::vector<Receipt> receipts;
    for (const FlatObject& item : call.items) {
      Receipt one = receipt;
      if (event == "subscribe_msg_sent_event" ? ReadSent(item, &one)
                                              : ReadWish(event, item, &one)) {
        receipts.push_back(std::move(one));
      }
    }
    return receipts;
  }

  static bool ReadSent(const FlatObject& item, Receipt* receipt) {
    receipt->provider_message_id = WechatMessageId(item, "MsgID");
    const std::string code = ValueOf(item, "ErrorCode");
    const bool delivered = code == "0";
    receipt->kind = delivered ? Receipt::Kind::kDelivered : Receipt::Kind::kUndelivered;
    if (!delivered) {
      const AnswerRule* rule = FindRule(kAnswers, code);
      receipt->reason = rule == nullptr ? "undelivered" : rule->reason;
    }
    return !receipt->provider_message_id.empty() && !code.empty();
  }

  // A no in the window takes back no earlier yes; one in the settings does.
  bool ReadWish(std::string_view event, const FlatObject& item, Receipt* receipt) const {
    const auto name = templates_.find(ValueOf(item, "TemplateId"));
    const std::string status = ValueOf(item, "SubscribeStatusString");
    const bool yes = event == "subscribe_msg_popup_event" && status == "accept";
    const bool no = event == "subscribe_msg_change_event" && status == "reject";
    if (name == templates_.end() || !(yes || no)) {
      return false;
    }
    receipt->kind = yes ? Receipt::Kind::kSubscribed : Receipt::Kind::kUnsubscribed;
    receipt->reason = yes ? "" : "opted_out";
    receipt->template_name = name->second;
    return true;
  }

  const std::string path_;
  const TemplateNames templates_;
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  Result<WechatApp> app = ReadWechatApp(values);
  if (!app.ok()) {
    return app.status();
  }
  Result<TemplateNames> templates = ReadTemplates(values.Get("templates"));
  if (!templates.ok()) {
    return templates.status();
  }
  const bool mini_program = values.Get("account") == "mini_program";
  return std::unique_ptr<Channel>(std::make_unique<WechatSubscriptionChannel>(
      *std::move(app),
      mini_program ? "/cgi-bin/message/subscribe/send" : "/cgi-bin/message/subscribe/bizsend",
      *std::move(templates)));
}

std::vector<config::Setting> SettingsTable() {
  std::vector<config::Setting> settings = WechatAppSettings();
  settings.push_back({.name = "account",
                      .type = config::SettingType::kEnum,
                      .default_value = "service_account",
                      .choices = {"service_account", "mini_program"},
                      .help = "Whose subscriptions they are; openids differ between the two."});
  settings.push_back(
      {.name = "templates",
       .help = "Which template of ours WeChat's template id is, `id=name, id=name`: then a yes in "
               "WeChat's window is a one-time consent to it, and a no in WeChat's settings a "
               "revocation. Without it the shop tells consents by events."});
  return settings;
}

}  // namespace

Registration WechatSubscriptionRegistration() {
  Registration registration;
  registration.schema.name = "wechat_subscription";
  registration.schema.help =
      "Sends WeChat subscription messages (订阅通知, 订阅消息): one for each time that the "
      "customer "
      "said yes to this template, which is a consent with `credits`.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kWechatOpenid;
  registration.schema.needs_yes = true;
  registration.schema.required_fields = {"template_id"};
  registration.schema.optional_fields = {
      "page", "miniprogram.appid", "miniprogram.pagepath", "miniprogram_state", "lang", "data.*"};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second = 100;  // none is published
  registration.cost =
      "Free; takes one yes of the customer each. Give the consents to the template's name: "
      "`consent: {channel, template, credits: 1}`. A repeat would take another yes, which is why "
      "it is not the default.";
  registration.receipts = true;
  registration.receipts_of_delivery = false;  // nobody says that every answer has the msgid
  registration.receipts_need = {"callback_token"};
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
