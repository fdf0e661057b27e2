#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

ProviderCase Console() {
  ProviderCase c;
  c.provider = "console";
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

ProviderCase Smtp() {
  ProviderCase c;
  c.provider = "smtp";
  c.settings.values = {{"url", "smtp://mail.example.com:587"},
                       {"from", "回头小店 <shop@example.com>"},
                       {"username", "shop"},
                       {"password", "correct horse battery"},
                       {"unsubscribe_url", "https://shop.example.com/u/{token}"},
                       {"unsubscribe_secret", "sixteen bytes or more"}};
  c.secrets = {"correct horse battery", "sixteen bytes or more"};
  c.bad_settings = {{"url", "http://mail.example.com"},
                    {"url", "smtp://user:pass@mail.example.com"},
                    {"from", "nobody"},
                    {"from", "Shop <a@b> trailing"},
                    {"from", "Shop <a@b,c@d>"},
                    {"from", "Shop <a@b\r\nRCPT TO:<x@y>>"},
                    {"reply_to", "@b"},
                    {"password", ""},
                    {"unsubscribe_url", "http://shop.example.com/u/{token}"},
                    {"unsubscribe_url", "https://other.example.com/u/"},
                    {"unsubscribe_secret", "short"}};
  c.message = ExampleMessage();
  c.message.address = "xiaoming@example.com";
  c.message.fields = {{"subject", "回头客专享优惠 🎁"}};
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
  return c;
}

}  // namespace

const std::vector<ProviderCase>& AllCases() {
  static const std::vector<ProviderCase> cases = {Console(), File(), Webhook(), Smtp()};
  return cases;
}

}  // namespace huitou::channels
