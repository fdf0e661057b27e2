// WeChat Official Account (服务号) template messages.
//
// The dispatch id travels as client_msg_id: WeChat drops a repeat within ten minutes, after that a
// repeat arrives.
#include <algorithm>
#include <memory>
#include <utility>

#include "channels/wechat_app.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr AnswerRule kOwnAnswers[] = {
    {"40241", Kind::kAccepted, ""},  // a repeat within 60 s: the first one went out
    {"43117", Kind::kRetry, "recipient_limit"},
    {"40037", Kind::kRejected, "bad_template"},
    {"47003", Kind::kRejected, "bad_template"},
    {"40039", Kind::kRejected, "bad_content"},
    {"40066", Kind::kRejected, "bad_content"},
    {"40165", Kind::kRejected, "bad_content"},  // the mini program's page
    {"40166", Kind::kRejected, "bad_content"},  // its app id
    {"43116", Kind::kChannelPaused, "banned"},
};
constexpr auto kAnswers = Joined(kWechatAnswers, kOwnAnswers);

// "failed:user block" and "failed: system failed" as "user_block" and "system_failed".
std::string FailureReason(std::string_view status) {
  status.remove_prefix(std::min(status.find(':') + 1, status.size()));
  status.remove_prefix(std::min(status.find_first_not_of(' '), status.size()));
  return status.empty() ? "undelivered" : ReasonWord(status);
}

class WechatTemplateChannel : public WechatAppChannel {
 public:
  explicit WechatTemplateChannel(WechatApp app) : WechatAppChannel(std::move(app), kAnswers) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    constexpr std::string_view kMembers[] = {"url"};
    return Post("/cgi-bin/message/template/send", context,
                WechatTemplateBody(message, kMembers, message.dispatch.ToString()));
  }

 private:
  std::vector<Receipt> ReceiptsOf(const WechatCall& call, const Receipt& about) const override {
    const FlatObject& message = *call.message;
    if (ValueOf(message, "Event") != "TEMPLATESENDJOBFINISH") {
      return {};
    }
    Receipt receipt = about;
    receipt.provider_message_id = WechatMessageId(message, "MsgID");
    if (ValueOf(message, "Status") == "success") {
      receipt.kind = Receipt::Kind::kDelivered;
      return {receipt};
    }
    receipt.kind = Receipt::Kind::kUndelivered;
    receipt.reason = FailureReason(ValueOf(message, "Status"));
    std::vector<Receipt> receipts = {receipt};
    if (receipt.reason == "user_block") {
      receipt.kind = Receipt::Kind::kUnsubscribed;
      receipts.push_back(receipt);
    }
    return receipts;
  }
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  Result<WechatApp> app = ReadWechatApp(values);
  if (!app.ok()) {
    return app.status();
  }
  return std::unique_ptr<Channel>(std::make_unique<WechatTemplateChannel>(*std::move(app)));
}

}  // namespace

Registration WechatTemplateRegistration() {
  Registration registration;
  registration.schema.name = "wechat_template";
  registration.schema.help = "Sends template messages of a WeChat Official Account (服务号).";
  registration.schema.settings = WechatAppSettings();
  registration.schema.address = config::Address::kWechatOpenid;
  registration.schema.required_fields = {"template_id"};
  registration.schema.optional_fields = {"url", "miniprogram.appid", "miniprogram.pagepath",
                                         "data.*"};
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.limits.rate_per_second = 100;  // none is published; -1 is reported at 400 at once
  registration.cost =
      "Free, within the account's daily quota. Template messages are for what the "
      "customer did or asked for: WeChat bans accounts that push advertising. A "
      "repeat within ten minutes is dropped by WeChat.";
  registration.receipts = true;
  registration.receipts_need = {"callback_token"};
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
