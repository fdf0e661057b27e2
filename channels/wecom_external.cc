// WeCom (企业微信) messages to customers who are contacts of the company's people (企业群发).
//
// add_msg_template sends nothing: it makes a task, and the employee who has the contact confirms it
// in the app (developer.work.weixin.qq.com, path/92135). Accepted therefore means asked for. A
// contact who cannot get it comes back in `fail_list` under errcode 0. A customer is named by the
// external_userid in the attribute that `recipient` says: a request without one would go to every
// contact of the sender, so it is always there. There is no key against repeats.
//
// A customer who deletes the employee (del_follow_user) has left, as one who unfollows a service
// account has, even if another employee still has the contact: who turns away is not written to by
// the next. Who becomes a contact (add_external_contact) is back. Not yet who adds an employee
// that has still to confirm it (add_half_external_contact): nothing can be sent to them before, and
// add_external_contact follows. An employee who deletes the customer (del_external_contact) says
// nothing about what the customer wants: other employees may have the contact, and while nobody has
// it, WeCom refuses the messages (`fail_list`, 84061), so that the next channel's turn comes
// (path/92277).
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
    {"84061", Kind::kRejected, "not_following"},  // no contact of anybody (any more)
    {"40096", Kind::kRejected, "bad_recipient"},
    {"41048", Kind::kRejected, "bad_recipient"},  // nobody to send to is left
};
constexpr auto kAnswers = Joined(kWecomAnswers, kOwnAnswers);

constexpr std::string_view kLinkPrefix = "link.";

std::string JsonText(std::string_view text) {
  std::string json;
  AppendJsonString(&json, text);
  return json;
}

std::string Array(const std::string& only) {
  return "[" + only + "]";
}

class WecomExternalChannel : public WecomChannel {
 public:
  explicit WecomExternalChannel(WecomApp app) : WecomChannel(std::move(app)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    JsonObject link;
    bool any_link = false;
    std::string sender;
    for (const auto& [name, value] : message.fields) {
      if (name.starts_with(kLinkPrefix)) {
        link.Add(std::string_view(name).substr(kLinkPrefix.size()), value);
        any_link = true;
      } else if (name == "sender") {
        sender = value;
      }
    }
    JsonObject text;
    text.Add("content", SmsText(message));
    JsonObject body;
    body.Add("chat_type", "single")
        .AddRaw("external_userid", Array(JsonText(OneUserid(message.address))));
    if (!sender.empty()) {
      body.Add("sender", OneUserid(sender));
    }
    body.AddRaw("text", text.Close());
    if (any_link) {
      JsonObject attachment;
      attachment.Add("msgtype", "link").AddRaw("link", link.Close());
      body.AddRaw("attachments", Array(attachment.Close()));
    }
    return Post("/cgi-bin/externalcontact/add_msg_template", context, body.Close());
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    Outcome outcome = DecodeErrcode(answer, kAnswers, now);
    if (outcome.kind == Kind::kAccepted) {
      constexpr std::string_view kFirstFailed[] = {"/fail_list/0"};
      const auto failed = ParseJsonAt(HttpResponseOf(answer)->body, kFirstFailed);
      if (failed && !failed->front().empty()) {
        return MakeOutcome(Kind::kRejected, "bad_recipient");
      }
    }
    return outcome;
  }

 private:
  std::optional<Receipt> ReceiptOf(const FlatObject& message) const override {
    const std::string change = ValueOf(message, "Event") == "change_external_contact"
                                   ? ValueOf(message, "ChangeType")
                                   : "";
    const bool left = change == "del_follow_user";
    if (!left && change != "add_external_contact") {
      return std::nullopt;
    }
    Receipt receipt;
    receipt.kind = left ? Receipt::Kind::kUnsubscribed : Receipt::Kind::kSubscribed;
    receipt.address = ValueOf(message, "ExternalUserID");
    receipt.reason = left ? "unfollowed" : "";
    return receipt;
  }
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  Result<WecomApp> app = ReadWecomApp(values);
  if (!app.ok()) {
    return app.status();
  }
  return std::unique_ptr<Channel>(std::make_unique<WecomExternalChannel>(*std::move(app)));
}

}  // namespace

Registration WecomExternalRegistration() {
  Registration registration;
  registration.schema.name = "wecom_external";
  registration.schema.help =
      "Asks the company's people in WeCom (企业微信) to send a message to the customer, who is one "
      "of their contacts.";
  registration.schema.settings = WecomSettings(
      "The attribute of the customer that holds the external_userid, such as `external_userid`; a "
      "customer without one is refused with the reason `contact`.",
      "A customer who deletes the employee gets no more over this channel "
      "(`channel.unsubscribed`), one who becomes a contact may (`channel.subscribed`); an employee "
      "who deletes the customer changes nothing.");
  registration.schema.address = config::Address::kAttribute;
  registration.schema.attribute_is_own = true;
  registration.schema.optional_fields = {"sender", "link.title", "link.url", "link.desc",
                                         "link.picurl"};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce};
  registration.limits.rate_per_second = 100;  // 10,000 a minute
  registration.cost =
      "Free. Accepted means that an employee was asked: nothing is sent before they confirm. "
      "`sender` in the template is the userid of who is asked; without it WeCom chooses among "
      "those who have the contact. A customer can get as many a month as it has days; WeCom "
      "refuses more.";
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
