#include <algorithm>

#include "tests/channels/case.h"
#include "triggers/base/check.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

ProviderCase Console() {
  ProviderCase c;
  c.provider = "console";
  c.sends_no_dispatch = true;
  c.message = ExampleMessage();
  c.context = ExampleContext();
  c.answers = {{"a written line", LineAnswer(), Kind::kAccepted, ""}};
  return c;
}

ProviderCase File() {
  ProviderCase c;
  c.provider = "file";
  c.settings.values = {{"path", "/var/outbox.jsonl"}};
  c.bad_settings = {{"path", ""}};
  c.message = ExampleMessage();
  c.context = ExampleContext();
  c.answers = {{"a written line", LineAnswer(), Kind::kAccepted, ""}};
  return c;
}

ProviderCase PhoneList() {
  ProviderCase c;
  c.provider = "phone_list";
  c.settings.values = {{"path", "/var/phones.csv"}};
  c.bad_settings = {{"path", ""}};
  c.message = ExampleMessage();
  c.message.address = "+8613800000000";
  c.context = ExampleContext();
  c.answers = {{"a written line", LineAnswer(), Kind::kAccepted, ""}};
  return c;
}

ProviderCase Webhook() {
  ProviderCase c;
  c.provider = "webhook";
  c.settings.values = {{"url", "https://shop.example.com/hooks?key=hidden"},
                       {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  c.secrets = {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key=hidden"};
  c.bad_settings = {{"url", "ftp://shop.example.com/"},
                    {"url", "https://user:pass@shop.example.com/"},
                    {"url", "https://shop.example.com/a b"},
                    {"secret", ""},
                    {"secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
                    {"secret", "whsec_c2hvcnQ="},
                    {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"},
                    {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*"}};
  c.message = ExampleMessage();
  c.context = ExampleContext();
  c.answers = {{"no content", HttpAnswer(204, ""), Kind::kAccepted, ""},
               {"the endpoint is gone", HttpAnswer(410, ""), Kind::kChannelPaused, "no_endpoint"},
               {"a body it cannot read", HttpAnswer(422, "{}"), Kind::kRejected, "bad_request"}};
  c.status_is_enough = true;
  return c;
}

ProviderCase Kafka() {
  ProviderCase c;
  c.provider = "kafka";
  c.settings.values = {
      {"brokers", "k1.example.com:9093,k2.example.com:9093"},
      {"topic", "shop.messages"},
      {"properties",
       R"({"security.protocol":"SASL_SSL","sasl.password":"correct horse battery"})"}};
  c.secrets = {"correct horse battery"};
  c.bad_settings = {{"brokers", ""},
                    {"brokers", "k1.example.com"},
                    {"topic", ""},
                    {"topic", ".."},
                    {"topic", "two words"},
                    {"topic", std::string(250, 'x')},
                    {"properties", "sasl.password=x"},
                    {"properties", R"({"acks":"0"})"},
                    {"properties", R"({"enable.idempotence":"false"})"}};
  c.message = ExampleMessage();
  c.context = ExampleContext();
  c.answers = {
      {"acknowledged", RecordAnswer("shop.messages-3-42", ""), Kind::kAccepted, ""},
      {"too large", RecordAnswer("", "MSG_SIZE_TOO_LARGE"), Kind::kRejected, "too_large"},
      {"may not write there", RecordAnswer("", "TOPIC_AUTHORIZATION_FAILED"), Kind::kChannelPaused,
       "unauthorized"},
      {"no such topic", RecordAnswer("", "_UNKNOWN_TOPIC"), Kind::kChannelPaused, "no_endpoint"},
      {"not written, whatever it is called", RecordAnswer("", "NOT_ENOUGH_REPLICAS"), Kind::kRetry,
       "unavailable"},
      {"neither written nor refused", RecordAnswer("", ""), Kind::kUnknown, "bad_answer"},
      {"a written line", LineAnswer(), Kind::kUnknown, "bad_answer"},
  };
  return c;
}

std::vector<CallbackCase> MailCallbacks() {
  const std::string url = "/v1/callbacks/email?token=0123456789abcdef0123";
  const std::string id = R"("message_id":"<0123456789abcdef0123456789abcdef@example.com>")";
  const std::string dispatch = " dispatch=0123456789abcdef0123456789abcdef";
  CallbackRequest sns = Post(url, R"({"Type":"Notification","TopicArn":)"
                                  R"("arn:aws:sns:eu-west-1:123456789012:bounces","Message":"{}",)"
                                  R"("SigningCertURL":"https://evil.example/x.pem"})");
  sns.headers.emplace_back("x-amz-sns-message-type", "Notification");
  return {
      {"a mailbox that is not there",
       Post(url, R"({"event":"bounce","address":"a@example.com","status":"5.1.1",)" + id + "}"),
       kNow,
       "unsubscribed" + dispatch + " address=a@example.com reason=bad_address; undelivered" +
           dispatch + " reason=bad_address"},
      {"one that is full, with a time",
       Post(url,
            R"([{"event":"bounce","status":"5.2.2","time":"2026-11-11T00:03:12Z",)" + id + "}]"),
       kNow, "undelivered" + dispatch + " reason=mailbox_full time=2026-11-11T00:03:12Z"},
      {"a complaint", Post(url, R"({"event":"complaint","address":"a@example.com"})"), kNow,
       "unsubscribed address=a@example.com reason=opted_out"},
      {"delivered", Post(url, R"({"event":"delivered",)" + id + "}"), kNow, "delivered" + dispatch},
      {"another's mail", Post(url, R"({"event":"opened","message_id":"<x@example.com>"})"), kNow,
       ""},
      {"no JSON", Post(url, "bounce"), kNow, "refused"},
      {"another's token", Post("/v1/callbacks/email?token=1123456789abcdef0123", "{}"), kNow,
       "refused"},
      {"SNS whose certificate is elsewhere", sns, kNow, "refused"},
  };
}

ProviderCase Smtp() {
  ProviderCase c;
  c.provider = "smtp";
  c.settings.values = {{"url", "smtp://mail.example.com:587"},
                       {"from", "回头小店 <shop@example.com>"},
                       {"username", "shop"},
                       {"password", "correct horse battery"},
                       {"dkim_key", kEd25519Pem},
                       {"dkim_selector", "huitou"},
                       {"return_path", "bounces+{dispatch}@example.com"},
                       {"callback_token", "0123456789abcdef0123"},
                       {"ses_topic", "arn:aws:sns:eu-west-1:123456789012:bounces"}};
  c.secrets = {"correct horse battery", "MC4CAQAwBQYDK2VwBCIEIJ1h", "0123456789abcdef0123"};
  c.bad_settings = {{"url", "http://mail.example.com"},
                    {"url", "smtp://user:pass@mail.example.com"},
                    {"from", "nobody"},
                    {"from", "Shop <a@b> trailing"},
                    {"from", "Shop <a@b,c@d>"},
                    {"from", "Shop <a@b\r\nRCPT TO:<x@y>>"},
                    {"reply_to", "@b"},
                    {"password", ""},
                    {"dkim_key", "-----BEGIN PRIVATE KEY-----"},
                    {"dkim_selector", "two words"},
                    {"dkim_domain", "shop@example.com"},
                    {"dkim_key", ""},
                    {"url", "smtp://mail.example.com:99999"},
                    {"return_path", "nobody"},
                    {"return_path", "bounces+{dispach}@example.com"},
                    {"return_path", "<shop@example.com>"},
                    {"callback_token", "too short"},
                    {"ses_topic", "https://sns.example.com"},
                    {"ses_topic", "arn:aws:sns:evil.example/:123456789012:bounces"}};
  c.message = ExampleMessage();
  c.message.address = "xiaoming@example.com";
  c.message.fields = {{"subject", "回头客专享优惠 🎁"}};
  c.message.unsubscribe_url = "https://shop.example.com/u/token";
  c.context = ExampleContext();
  c.answers = {
      {"queued", SmtpAnswer(250, "2.0.0 Ok: queued as 4X"), Kind::kAccepted, ""},
      {"no such mailbox", SmtpAnswer(550, "5.1.1 <x>: unknown user"), Kind::kRejected,
       "bad_address"},
      {"the reply's code stands in its text", SmtpAnswer(550, "550 5.1.1 unknown user"),
       Kind::kRejected, "bad_address"},
      {"no more said than 550", SmtpAnswer(550, "no"), Kind::kRejected, "refused"},
      {"spam", SmtpAnswer(550, "5.7.1 blocked"), Kind::kRejected, "policy"},
      {"wrong password", SmtpAnswer(535, "5.7.8 no"), Kind::kChannelPaused, "unauthorized"},
      {"TLS first", SmtpAnswer(530, "5.7.0 STARTTLS"), Kind::kChannelPaused, "unauthorized"},
      {"greylisting", SmtpAnswer(450, "4.2.0 later"), Kind::kRetry, "greylisted"},
      {"closing", SmtpAnswer(421, "4.3.2 closing"), Kind::kRetry, "unavailable"},
      {"half a dialogue", SmtpAnswer(354, "go ahead"), Kind::kUnknown, "bad_answer"},
      {"no reply", SmtpAnswer(0, ""), Kind::kUnknown, "bad_answer"},
      {"no SMTP at all", SmtpAnswer(999, "HTTP/1.1"), Kind::kUnknown, "bad_answer"},
  };
  c.callbacks = MailCallbacks();
  return c;
}

}  // namespace

const std::vector<ProviderCase>& AllCases() {
  static const std::vector<ProviderCase> cases = {Console(),
                                                  File(),
                                                  PhoneList(),
                                                  Webhook(),
                                                  Kafka(),
                                                  Smtp(),
                                                  AliyunCase(),
                                                  TencentCase(),
                                                  TwilioCase(),
                                                  SmsHttpCase(),
                                                  WechatTemplateCase(),
                                                  WechatSubscriptionCase(),
                                                  WechatCustomerServiceCase(),
                                                  WecomAppCase(),
                                                  WecomExternalCase()};
  return cases;
}

const ProviderCase& CaseOf(std::string_view provider) {
  const auto found =
      std::find_if(AllCases().begin(), AllCases().end(),
                   [provider](const ProviderCase& c) { return c.provider == provider; });
  CHECK(found != AllCases().end());
  return *found;
}

}  // namespace huitou::channels
