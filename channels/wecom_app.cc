// Messages of a WeCom (企业微信) app to the company's own people: the assistant who knows the
// customer, the shop's manager. Which one is an attribute of the customer, named by `recipient`.
//
// One who cannot be written to comes back in `invaliduser` under errcode 0: with one recipient a
// message, that is a refusal (developer.work.weixin.qq.com, path/90236). WeCom can drop a request
// that is repeated byte for byte; since two customers may have the same text for the same
// assistant, that is only done where `duplicate_check` asks for it.
//
// What one of them writes to the app is a reply, whatever the words: an employee's "stop" is no
// wish of the customers whose assistant it is.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "channels/settings.h"
#include "channels/sms.h"
#include "channels/wechat_app.h"
#include "channels/wecom.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr AnswerRule kOwnAnswers[] = {
    {"81013", Kind::kRejected, "bad_recipient"},  // none of the recipients may be written to
    {"82001", Kind::kRejected, "bad_recipient"},
    {"40056", Kind::kChannelPaused, "account"},  // no such agentid
    {"60011", Kind::kChannelPaused, "unauthorized"},
};
constexpr auto kAnswers = Joined(kWecomAnswers, kOwnAnswers);

// Seconds; what WeCom takes by default.
constexpr int kDuplicateSeconds = 1800;

class WecomAppChannel : public WecomChannel {
 public:
  WecomAppChannel(WecomApp app, std::string agent_id, std::string type, bool duplicate_check)
      : WecomChannel(std::move(app)),
        agent_id_(std::move(agent_id)),
        type_(std::move(type)),
        duplicate_check_(duplicate_check) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    JsonObject content;
    content.Add("content", SmsText(message));
    JsonObject body;
    body.Add("touser", OneUserid(message.address)).Add("msgtype", type_);
    body.AddRaw("agentid", agent_id_).AddRaw(type_, content.Close());
    if (duplicate_check_) {
      body.AddInteger("enable_duplicate_check", 1)
          .AddInteger("duplicate_check_interval", kDuplicateSeconds);
    }
    return Post("/cgi-bin/message/send", context, body.Close());
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    Outcome outcome = DecodeErrcode(answer, kAnswers, now);
    if (outcome.kind == Kind::kAccepted) {
      const FlatObject body = ParseJsonObject(HttpResponseOf(answer)->body).value_or(FlatObject());
      if (!ValueOf(body, "invaliduser").empty() || !ValueOf(body, "unlicenseduser").empty()) {
        return MakeOutcome(Kind::kRejected, "bad_recipient");
      }
    }
    return outcome;
  }

 private:
  std::optional<Receipt> ReceiptOf(const FlatObject& message) const override {
    if (ValueOf(message, "MsgType") != "text") {
      return std::nullopt;
    }
    Receipt receipt;
    receipt.kind = Receipt::Kind::kReplied;
    receipt.address = ValueOf(message, "FromUserName");
    receipt.text = ValueOf(message, "Content");
    return receipt;
  }

  const std::string agent_id_;
  const std::string type_;  // "text" or "markdown"
  const bool duplicate_check_;
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  Result<WecomApp> app = ReadWecomApp(values);
  if (!app.ok()) {
    return app.status();
  }
  const std::string agent_id = values.Get("agent_id");
  if (agent_id.empty() || agent_id.size() > 10 ||
      agent_id.find_first_not_of("0123456789") != std::string::npos || agent_id[0] == '0') {
    return Invalid("agent_id: not the app's AgentId, a number such as 1000002");
  }
  const std::string type = values.Get("format") == "markdown" ? "markdown" : "text";
  return std::unique_ptr<Channel>(std::make_unique<WecomAppChannel>(
      *std::move(app), agent_id, type, values.Get("duplicate_check") == "true"));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  std::vector<config::Setting> settings = WecomSettings(
      "The attribute of the customer that holds the userid of who gets the message, such as "
      "`assistant`; a customer without one is refused with the reason `contact`. "
      "Events bring it beside the id: `\"customer\": {\"id\": \"c1\", \"assistant\": "
      "\"zhangsan\"}`.",
      "What one of the people writes to the app is counted as a reply "
      "(`huitou_receipts_total`) and changes nothing, a \"stop\" neither: one employee's wish is "
      "not that of all the customers.");
  settings.push_back({.name = "agent_id",
                      .type = SettingType::kInteger,
                      .required = true,
                      .help = "The app's AgentId."});
  settings.push_back({.name = "format",
                      .type = SettingType::kEnum,
                      .default_value = "text",
                      .choices = {"text", "markdown"},
                      .help = "What the template is written in; markdown shows in WeCom only."});
  settings.push_back({.name = "duplicate_check",
                      .type = SettingType::kBoolean,
                      .default_value = "false",
                      .help = "Lets WeCom drop a message whose text and recipient were the same "
                              "within half an hour, also one about another customer."});
  return settings;
}

}  // namespace

Registration WecomAppRegistration() {
  Registration registration;
  registration.schema.name = "wecom_app";
  registration.schema.help =
      "Sends messages of a WeCom (企业微信) app to the company's own people, such as the assistant "
      "of the customer.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kAttribute;
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.limits.rate_per_second = 100;  // 10,000 a minute
  registration.cost =
      "Free. WeCom cuts text at 2048 bytes, and drops without a word what goes over 30 a minute or "
      "1000 an hour to one person.";
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
