// Mail by SMTP. The message carries a Message-ID made of the dispatch id, so that a repeat after a
// lost answer is the same message to every server and reader that drops repeats.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/crypto.h"
#include "channels/dkim.h"
#include "channels/limits.h"
#include "channels/mail_callback.h"
#include "channels/mail_report.h"
#include "channels/mime.h"
#include "channels/settings.h"
#include "channels/sns.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

constexpr std::string_view kDispatchPlaceholder = "{dispatch}";
constexpr std::string_view kSnsHeader = "x-amz-sns-message-type";

// RFC 3463 enhanced codes, and RFC 5321 replies for servers that send none.
constexpr AnswerRule kAnswers[] = {
    {"5.1.1", Kind::kRejected, "bad_address", true},   // no such mailbox
    {"5.1.2", Kind::kRejected, "bad_address", true},   // no such domain
    {"5.1.3", Kind::kRejected, "bad_address", true},   // bad syntax
    {"5.1.6", Kind::kRejected, "bad_address", true},   // mailbox has moved
    {"5.1.10", Kind::kRejected, "bad_address", true},  // the domain takes no mail
    {"5.2.1", Kind::kRejected, "bad_address", true},   // mailbox disabled
    {"5.1.7", Kind::kChannelPaused, "bad_sender"},     // sender's address: syntax
    {"5.1.8", Kind::kChannelPaused, "bad_sender"},     // sender's domain
    {"5.2.2", Kind::kRejected, "mailbox_full"},
    {"5.2.3", Kind::kRejected, "too_large"},
    {"5.3.4", Kind::kRejected, "too_large"},
    {"5.7.1", Kind::kRejected, "policy"},              // also spam
    {"5.7.8", Kind::kChannelPaused, "unauthorized"},   // bad user or password
    {"5.7.9", Kind::kChannelPaused, "unauthorized"},   // mechanism too weak
    {"5.7.11", Kind::kChannelPaused, "unauthorized"},  // encryption needed
    {"5.7.20", Kind::kChannelPaused, "bad_sender"},    // no valid DKIM signature
    {"5.7.23", Kind::kChannelPaused, "bad_sender"},    // SPF failed
    {"5.7.26", Kind::kChannelPaused, "bad_sender"},    // DKIM and SPF failed
    {"5.7.515", Kind::kChannelPaused, "bad_sender"},   // the same, at Outlook
    {"530", Kind::kChannelPaused, "unauthorized"},     // authentication or TLS required
    {"534", Kind::kChannelPaused, "unauthorized"},
    {"535", Kind::kChannelPaused, "unauthorized"},
    {"538", Kind::kChannelPaused, "unauthorized"},
    {"521", Kind::kRejected, "bad_address", true},  // the host takes no mail
    {"550", Kind::kRejected, "refused"},            // mailbox or policy: nobody knows
    {"551", Kind::kRejected, "refused"},
    {"552", Kind::kRejected, "mailbox_full"},
    {"553", Kind::kRejected, "refused"},
    {"554", Kind::kRejected, "policy"},
    {"555", Kind::kRejected, "bad_request"},
    {"556", Kind::kRejected, "bad_address", true},  // the domain takes no mail
    {"421", Kind::kRetry, "unavailable"},
    {"450", Kind::kRetry, "greylisted"},
    {"451", Kind::kRetry, "unavailable"},
    {"452", Kind::kRetry, "unavailable"},
    {"454", Kind::kRetry, "unavailable"},
};

struct SmtpSettings {
  std::string url;
  Mailbox from;
  std::optional<Mailbox> reply_to;
  std::string username;
  std::string password;
  bool require_tls = false;
  std::shared_ptr<const DkimSigner> dkim;  // null: not signed
  std::string return_path;
  std::string callback_token;
  std::optional<SnsTopic> ses_topic;
};

class SmtpChannel : public Channel {
 public:
  explicit SmtpChannel(SmtpSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    Mail mail;
    mail.url = settings_.url;
    mail.username = settings_.username;
    mail.password = settings_.password;
    mail.require_tls = settings_.require_tls;
    mail.from = ReturnPathOf(message);
    mail.to = SafeAddress(message.address);
    mail.data = HeadersOf(message, mail.to, context.now);
    mail.data += "MIME-Version: 1.0\r\n";
    const bool html = Field(message, "content_type") == "text/html";
    mail.data += message.html.empty()
                     ? EncodePart(html ? "text/html" : "text/plain", message.text)
                     : EncodeAlternatives(message.text, message.html, message.dispatch.ToString());
    if (settings_.dkim != nullptr) {
      mail.sign = [signer = settings_.dkim, now = context.now](std::string_view data) {
        return signer->Sign(data, now);
      };
    }
    return mail;
  }

  Outcome Decode(const Answer& answer, TimeUs /*now*/) const override {
    if (std::optional<Outcome> lost = LostAnswer(answer)) {
      return *lost;
    }
    const SmtpReply* reply = std::get_if<SmtpReply>(&answer.response);
    if (reply == nullptr || reply->code < 200 || reply->code > 599 || reply->code / 100 == 3) {
      return MakeOutcome(Kind::kUnknown, "bad_answer");
    }
    if (reply->code < 300) {
      Outcome outcome = MakeOutcome(Kind::kAccepted, "");
      if (settings_.ses_topic) {
        // "250 Ok 0102018f...": what SES calls the mail, in its notifications too.
        outcome.provider_message_id = reply->text.substr(reply->text.rfind(' ') + 1);
      }
      return outcome;
    }
    if (reply->code < 500) {
      const AnswerRule* rule = FindRule(kAnswers, std::to_string(reply->code));
      return rule != nullptr ? OutcomeOf(*rule) : MakeOutcome(Kind::kRetry, "unavailable");
    }
    const AnswerRule* by_code = FindRule(kAnswers, std::to_string(reply->code));
    if (by_code != nullptr && by_code->kind == Kind::kChannelPaused) {
      return OutcomeOf(*by_code);  // says more than the enhanced code beside it (530 5.7.0)
    }
    if (const AnswerRule* rule = FindRule(kAnswers, EnhancedCode(reply->text))) {
      return OutcomeOf(*rule);
    }
    return by_code != nullptr ? OutcomeOf(*by_code) : MakeOutcome(Kind::kRejected, "bad_request");
  }

  std::optional<HttpRequest> CallbackNeeds(const CallbackRequest& request) const override {
    const std::optional<FlatObject> message = SnsMessageIn(request);
    const std::string url = message ? settings_.ses_topic->CertificateUrl(*message) : "";
    return url.empty() ? std::nullopt : std::optional(HttpRequest{"GET", url, {}, ""});
  }

  CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs /*now*/) const override {
    if (!KnowsToken(request) || request.method != "POST") {
      return RefuseCallback(403);
    }
    if (HeaderValue(request.headers, kSnsHeader).empty()) {
      return DecodeMailCallback(request, kAnswers);
    }
    const std::optional<FlatObject> message = SnsMessageIn(request);
    if (!message || settings_.ses_topic->CertificateUrl(*message).empty()) {
      return RefuseCallback(403);
    }
    if (request.fetched.empty()) {
      return RefuseCallback(503);  // the certificate could not be had: SNS comes again
    }
    if (!SnsTopic::IsSigned(*message, request.fetched)) {
      return RefuseCallback(403);
    }
    CallbackReply reply = AcceptCallback("text/plain", "");
    if (ValueOf(*message, "Type") == "Notification") {
      reply.receipts = SesReceipts(ValueOf(*message, "Message"), kAnswers);
    } else if (const std::string url = settings_.ses_topic->ConfirmationUrl(*message);
               !url.empty()) {
      reply.follow_up = HttpRequest{"GET", url, {}, ""};
    }
    return reply;
  }

  std::optional<std::vector<Receipt>> DecodeMail(std::string_view mail) const override {
    return MailReportReceipts(mail, kAnswers);
  }

 private:
  bool KnowsToken(const CallbackRequest& request) const {
    return !settings_.callback_token.empty() &&
           SameSecret(QueryValue(request.url, "token"), settings_.callback_token);
  }

  // Nothing unless the caller knows the token and speaks of our topic.
  std::optional<FlatObject> SnsMessageIn(const CallbackRequest& request) const {
    if (!settings_.ses_topic || !KnowsToken(request) ||
        HeaderValue(request.headers, kSnsHeader).empty()) {
      return std::nullopt;
    }
    return settings_.ses_topic->Read(request.body);
  }

  std::string ReturnPathOf(const Message& message) const {
    std::string path =
        settings_.return_path.empty() ? settings_.from.address : settings_.return_path;
    if (const size_t at = path.find(kDispatchPlaceholder); at != std::string::npos) {
      path.replace(at, kDispatchPlaceholder.size(), message.dispatch.ToString());
    }
    return path;
  }

  static std::string_view Field(const Message& message, std::string_view name) {
    for (const auto& [key, value] : message.fields) {
      if (key == name) {
        return value;
      }
    }
    return {};
  }

  // What is no address becomes one that every server refuses, and never a second command.
  static std::string SafeAddress(const std::string& address) {
    return IsMailAddress(address) ? address : "invalid-address@invalid";
  }

  std::string HeadersOf(const Message& message, const std::string& to, TimeUs now) const {
    std::string headers = "Date: " + MailDate(now) + "\r\n";
    headers += EncodeMailbox("From", settings_.from);
    headers += EncodeMailbox("To", Mailbox{"", to});
    if (settings_.reply_to) {
      headers += EncodeMailbox("Reply-To", *settings_.reply_to);
    }
    headers += EncodeHeader("Subject", Field(message, "subject"));
    headers +=
        "Message-ID: <" + message.dispatch.ToString() + "@" + settings_.from.domain() + ">\r\n";
    headers += UnsubscribeHeaders(message);
    return headers;
  }

  // One-click (RFC 8058) is for https only.
  static std::string UnsubscribeHeaders(const Message& message) {
    const std::string line = "List-Unsubscribe: <" + message.unsubscribe_url + ">";
    if (!message.unsubscribe_url.starts_with("https://") ||
        line.size() > limits::kMailLineBytesMax) {
      return {};  // a line that servers refuse would cost the whole message
    }
    return line + "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  }

  const SmtpSettings settings_;
};

std::string DkimDomain(const config::Settings& values, const Mailbox& from) {
  const std::string domain = values.Get("dkim_domain");
  return domain.empty() ? from.domain() : domain;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Leaves `dkim` empty where no key is set.
Status ReadDkim(const config::Settings& values, SmtpSettings* settings) {
  const std::string key = values.Get("dkim_key");
  if (key.empty()) {
    for (const char* name : {"dkim_selector", "dkim_domain"}) {
      if (!values.Get(name).empty()) {
        return Invalid(std::string(name) + ": needs a dkim_key; without one no mail is signed");
      }
    }
    return Status::Ok();
  }
  Result<DkimSigner> signer =
      DkimSigner::Make(DkimDomain(values, settings->from), values.Get("dkim_selector"), key);
  if (!signer.ok()) {
    return signer.status();
  }
  settings->dkim = std::make_shared<const DkimSigner>(*std::move(signer));
  return Status::Ok();
}

// Where bounces go and come from.
Status ReadBounces(const config::Settings& values, SmtpSettings* settings) {
  settings->return_path = values.Get("return_path");
  if (!settings->return_path.empty()) {
    std::string example = settings->return_path;
    if (const size_t at = example.find(kDispatchPlaceholder); at != std::string::npos) {
      example.replace(at, kDispatchPlaceholder.size(), Id128().ToString());
    }
    if (!IsMailAddress(example) || !IsAscii(example) ||
        example.find_first_of("{}") != std::string::npos) {
      return Invalid(
          "return_path: not an address such as bounces@example.com or "
          "bounces+{dispatch}@example.com");
    }
  }
  if (Status status = CheckCallbackToken(values); !status.ok()) {
    return status;
  }
  settings->callback_token = values.Get("callback_token");
  const std::string arn = values.Get("ses_topic");
  if (arn.empty()) {
    return Status::Ok();
  }
  settings->ses_topic = SnsTopic::Parse(arn, values.Get("sns_endpoint"));
  if (!settings->ses_topic) {
    return Invalid("ses_topic: not an ARN such as arn:aws:sns:eu-west-1:123456789012:bounces");
  }
  return settings->callback_token.empty()
             ? Invalid("ses_topic: needs a callback_token, which stands in the URL that SNS calls")
             : Status::Ok();
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  SmtpSettings settings;
  settings.url = values.Get("url");
  const std::optional<Url> url = ParseUrl(settings.url);
  if (!url || (url->scheme != "smtp" && url->scheme != "smtps")) {
    return Invalid(
        "url: not smtp://host:port or smtps://host:port; user and password have their "
        "own settings");
  }
  const std::optional<Mailbox> from = ParseMailbox(values.Get("from"));
  if (!from || !IsAscii(from->address)) {
    return Invalid("from: not an address such as \"Demo <demo@example.com>\"");
  }
  settings.from = *from;
  if (const std::string reply_to = values.Get("reply_to"); !reply_to.empty()) {
    settings.reply_to = ParseMailbox(reply_to);
    if (!settings.reply_to || !IsAscii(settings.reply_to->address)) {
      return Invalid("reply_to: not an address such as \"Service <help@example.com>\"");
    }
  }
  settings.username = values.Get("username");
  settings.password = values.Get("password");
  if (settings.username.empty() != settings.password.empty()) {
    return Invalid("username, password: one of them is missing");
  }
  const std::string require_tls = values.Get("require_tls");
  settings.require_tls = require_tls.empty() ? !settings.password.empty() : require_tls == "true";
  if (Status status = ReadDkim(values, &settings); !status.ok()) {
    return status;
  }
  if (Status status = ReadBounces(values, &settings); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Channel>(std::make_unique<SmtpChannel>(std::move(settings)));
}

bool IsLoopback(const Url& url) {
  const std::string_view host = std::string_view(url.authority).substr(0, url.authority.rfind(':'));
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

// Whether one is the other, or below it: what DMARC takes for the same sender, but for what only a
// list of all public suffixes could tell.
bool IsAligned(std::string_view domain, std::string_view other) {
  const std::string_view longer = domain.size() > other.size() ? domain : other;
  const std::string_view shorter = domain.size() > other.size() ? other : domain;
  return longer == shorter ||
         (longer.ends_with(shorter) && longer[longer.size() - shorter.size() - 1] == '.');
}

std::optional<config::ComponentSchema::Advice> Advise(const config::Settings& values) {
  using Advice = config::ComponentSchema::Advice;
  const std::optional<Url> url = ParseUrl(values.Get("url"));
  if (url && url->scheme == "smtp" && !IsLoopback(*url) && !values.Get("password").empty() &&
      values.Get("require_tls") == "false") {
    return Advice{"sends its password without encryption",
                  "leave 'require_tls: false' out, or write smtps:// in the url"};
  }
  const std::optional<Mailbox> from = ParseMailbox(values.Get("from"));
  if (from && !IsAligned(DkimDomain(values, *from), from->domain())) {
    return Advice{"signs for another domain than that of 'from', which DMARC does not count",
                  "leave 'dkim_domain' out, or name the domain of 'from'"};
  }
  return std::nullopt;
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  return {
      {.name = "url",
       .type = SettingType::kUrl,
       .required = true,
       .help = "`smtp://host:port`, or `smtps://host:port` for TLS from the first byte.",
       .example = "smtp://mail.example.com:587"},
      {.name = "from",
       .required = true,
       .help = "The sender, `Name <address>`; its domain needs SPF, DKIM and DMARC."},
      {.name = "reply_to", .help = "Where answers go, if not to the sender."},
      {.name = "username", .help = "For SMTP AUTH."},
      {.name = "password", .type = SettingType::kSecret, .help = "For SMTP AUTH."},
      {.name = "require_tls",
       .type = SettingType::kBoolean,
       .help = "Refuse to send without STARTTLS; by itself true with a password, else false."},
      {.name = "dkim_key",
       .type = SettingType::kSecret,
       .help = "The private key, PEM, RSA or Ed25519, that signs every mail (DKIM); leave it out "
               "where your mail server signs."},
      {.name = "dkim_selector",
       .help = "With `dkim_key`: the public key stands at `<selector>._domainkey.<domain>`."},
      {.name = "dkim_domain",
       .help = "With `dkim_key`: the domain that signs, if not that of `from`."},
      {.name = "return_path",
       .help = "The envelope's sender, to whom bounces go, if not `from`; `{dispatch}` in it "
               "becomes the dispatch: `bounces+{dispatch}@example.com`."},
      {.name = "bounce_dir",
       .type = SettingType::kPath,
       .help =
           "A Maildir in which bounces and complaints arrive: what is in its `new/` is read and "
           "moved to its `done/`, or to `bad/` where it is neither."},
      CallbackTokenSetting(),
      {.name = "ses_topic",
       .help = "With Amazon SES: the ARN of the SNS topic of its notifications, which calls "
               "`/v1/callbacks/<channel>?token=<callback_token>`."},
      {.name = "sns_endpoint",
       .type = SettingType::kUrl,
       .help = "The address of SNS instead of its region's own, for tests."},
  };
}

}  // namespace

Registration SmtpRegistration() {
  Registration registration;
  registration.schema.name = "smtp";
  registration.schema.help = "Sends mail by way of an SMTP server.";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kEmail;
  registration.schema.required_fields = {"subject"};
  registration.schema.optional_fields = {"content_type"};
  registration.schema.html = true;
  registration.schema.advise = &Advise;
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.limits.in_flight_max = 10;  // connections; many servers allow no more from one host
  registration.limits.timeout = 60 * kSecondUs;  // greylisting servers are slow on purpose
  registration.cost =
      "What your mail provider asks. A repeat carries the same Message-ID, which "
      "many mailboxes show once.";
  registration.receipts = true;
  registration.receipts_of_delivery = false;
  registration.receipts_need = {"callback_token", "bounce_dir"};
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
