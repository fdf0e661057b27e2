// An SMS gateway that speaks HTTP in words of its own, described in the config: what to send with
// {placeholders}, and how to read code and message id out of the answer.
//
// Placeholders are escaped for where they stand, so that no text gets out of its place. Secrets are
// placeholders too, so that they stay env: or file:.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/settings.h"
#include "channels/sms.h"
#include "channels/url.h"
#include "triggers/base/json.h"
#include "triggers/base/markup.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;
using Values = std::map<std::string, std::string, std::less<>>;
using Escape = std::string (*)(std::string_view text);

constexpr std::string_view kFieldPrefix = "field.";
constexpr std::array<std::string_view, 11> kPlaceholders = {
    "to",   "to_digits", "text",     "dispatch", "customer", "template",
    "unix", "username",  "password", "token",    "basic"};

// --- escaping: for each place its own ------------------------------------------------------------

std::string EscapeJson(std::string_view text) {
  std::string json;
  AppendJsonString(&json, text);
  return json.substr(1, json.size() - 2);  // the template has the quotes
}

// Line ends as references, or XML's readers would change them; what XML cannot say becomes a blank.
std::string EscapeXml(std::string_view text) {
  std::string xml;
  for (const char c : EscapeMarkup(text)) {
    if (c == '\r' || c == '\n' || c == '\t') {
      xml += "&#" + std::to_string(c) + ";";
    } else {
      xml += c >= '\0' && c < ' ' ? ' ' : c;
    }
  }
  return xml;
}

std::string EscapeHeader(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return line;
}

std::string AsItIs(std::string_view text) {
  return std::string(text);
}

struct ContentType {
  std::string_view name;
  Escape escape;
};

constexpr ContentType kContentTypes[] = {{"application/json", &EscapeJson},
                                         {"application/x-www-form-urlencoded", &PercentEncode},
                                         {"text/xml", &EscapeXml},
                                         {"text/plain", &AsItIs}};

// --- templates -----------------------------------------------------------------------------------

// "a {to} b": braces around anything but letters, digits, '_' and '.' are only braces.
class Template {
 public:
  static Result<Template> Parse(const std::string& setting, std::string_view text) {
    Template parsed;
    while (!text.empty()) {
      const size_t open = std::min(text.find('{'), text.size());
      parsed.parts_.push_back({false, std::string(text.substr(0, open))});
      text.remove_prefix(open);
      const size_t close = text.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.", 1);
      if (text.size() > 2 && close != std::string_view::npos && close > 1 && text[close] == '}') {
        const std::string_view name = text.substr(1, close - 1);
        if (!name.starts_with(kFieldPrefix) &&
            std::find(kPlaceholders.begin(), kPlaceholders.end(), name) == kPlaceholders.end()) {
          return Invalid(setting +
                         ": a placeholder that does not exist; there are {to}, "
                         "{to_digits}, {text}, {dispatch}, {customer}, {template}, {unix}, "
                         "{username}, {password}, {token}, {basic} and {field.<name>}");
        }
        parsed.parts_.push_back({true, std::string(name)});
        text.remove_prefix(close + 1);
      } else if (!text.empty()) {
        parsed.parts_.push_back({false, "{"});
        text.remove_prefix(1);
      }
    }
    return parsed;
  }

  bool Uses(std::string_view name) const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [name](const Part& part) { return part.is_name && part.text == name; });
  }
  bool UsesFields() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
      return part.is_name && part.text.starts_with(kFieldPrefix);
    });
  }
  bool empty() const { return parts_.empty(); }

  // With "0" for each value, which is one also where no quotes are around it.
  std::string Sample() const {
    std::string text;
    for (const Part& part : parts_) {
      text += part.is_name ? "0" : part.text;
    }
    return text;
  }

  std::string Render(const Values& values, Escape escape) const {
    std::string text;
    for (const Part& part : parts_) {
      const auto found = part.is_name ? values.find(part.text) : values.end();
      text += !part.is_name ? part.text : found == values.end() ? "" : escape(found->second);
    }
    return text;
  }

 private:
  struct Part {
    bool is_name = false;
    std::string text;
  };
  std::vector<Part> parts_;
};

// --- reading answers -----------------------------------------------------------------------------

// A JSON Pointer ("/data/id"), or a regular expression whose first group is the value.
class Selector {
 public:
  static Result<Selector> Parse(const std::string& setting, const std::string& text) {
    Selector selector;
    if (text.empty() || text.front() == '/') {
      selector.pointer_ = text;
      return selector;
    }
    selector.pattern_ = std::make_shared<const RE2>(text, RE2::Quiet);
    if (!selector.pattern_->ok() || selector.pattern_->NumberOfCapturingGroups() < 1) {
      return Invalid(setting +
                     ": neither a JSON Pointer such as /code nor a regular expression "
                     "with one group");
    }
    return selector;
  }

  bool empty() const { return pointer_.empty() && pattern_ == nullptr; }

  std::string Read(const std::string& body) const {
    if (pattern_ != nullptr) {
      std::string value;
      return body.size() <= limits::kAnswerBytesMax && RE2::PartialMatch(body, *pattern_, &value)
                 ? value
                 : std::string();
    }
    const std::string_view pointer = pointer_;
    const auto values = ParseJsonAt(body, {&pointer, 1});
    return empty() || !values ? std::string() : values->front();
  }

 private:
  std::string pointer_;
  std::shared_ptr<const RE2> pattern_;  // shared: an expression cannot be copied
};

// The settings that list codes, and what such a code means.
constexpr AnswerRule kCodeLists[] = {{"accepted", Kind::kAccepted, ""},
                                     {"retry", Kind::kRetry, "rate_limited"},
                                     {"rejected", Kind::kRejected, "refused"},
                                     {"bad_number", Kind::kRejected, "bad_number", true},
                                     {"opted_out", Kind::kRejected, "opted_out", false, true},
                                     {"paused", Kind::kChannelPaused, "account"}};

struct SmsHttpSettings {
  std::string method;
  Template url;
  std::string content_type;
  Escape escape = nullptr;
  std::vector<std::pair<std::string, Template>> headers;
  Template body;
  Values secrets;
  Selector code;
  Selector id;
  std::map<std::string, const AnswerRule*, std::less<>> codes;
};

class SmsHttpChannel : public Channel {
 public:
  explicit SmsHttpChannel(SmsHttpSettings settings) : settings_(std::move(settings)) {}

  Request Encode(const Message& message, const EncodeContext& context) const override {
    Values values = settings_.secrets;
    values["to"] = message.address;
    values["to_digits"] = Digits(message.address);
    values["text"] = SmsText(message);
    values["dispatch"] = message.dispatch.ToString();
    values["customer"] = message.customer;
    values["template"] = message.template_name;
    values["unix"] = std::to_string(context.now / kSecondUs);
    for (const auto& [name, value] : message.fields) {
      values[std::string(kFieldPrefix) + name] = value;
    }
    HttpRequest request;
    request.method = settings_.method;
    request.url = settings_.url.Render(values, &PercentEncode);
    for (const auto& [name, value] : settings_.headers) {
      request.headers.emplace_back(name, value.Render(values, &EscapeHeader));
    }
    if (request.method != "GET") {
      request.headers.emplace_back("content-type", settings_.content_type);
      request.body = settings_.body.Render(values, settings_.escape);
    }
    return request;
  }

  Outcome Decode(const Answer& answer, TimeUs now) const override {
    std::optional<Outcome> failure = HttpFailure(answer, now);
    const HttpResponse* response = HttpResponseOf(answer);
    if (response == nullptr || answer.error != TransportError::kNone) {
      return *std::move(failure);
    }
    const std::string code = settings_.code.Read(response->body);
    const auto found = settings_.codes.find(code);
    const AnswerRule* rule = found == settings_.codes.end() ? nullptr : found->second;
    if (failure && (rule == nullptr || rule->kind == Kind::kAccepted)) {
      return *std::move(failure);
    }
    if (rule == nullptr && !settings_.code.empty()) {
      return WithCode(MakeOutcome(Kind::kUnknown, "bad_answer"), code);
    }
    Outcome outcome =
        rule == nullptr ? MakeOutcome(Kind::kAccepted, "") : WithCode(OutcomeOf(*rule), code);
    if (outcome.kind == Kind::kAccepted) {
      outcome.provider_message_id = settings_.id.Read(response->body);
    } else if (outcome.kind == Kind::kRetry) {
      outcome.retry_after = RetryAfter(response->headers, now);
    }
    return outcome;
  }

 private:
  const SmsHttpSettings settings_;
};

// --- settings ------------------------------------------------------------------------------------

std::string_view Trimmed(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(" \t\r"), text.size());
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!Trimmed(word).empty()) {
      words.push_back(Trimmed(word));
    }
  }
  return words;
}

Status ReadUrl(const config::Settings& values, SmsHttpSettings* settings) {
  const std::string url = values.Get("url");
  if (Status status = CheckHttpUrl("url", url); !status.ok()) {
    return status;
  }
  if (url.substr(0, url.find('?')).find('{') != std::string::npos) {
    return Invalid("url: placeholders stand in the query only, since logs show the rest");
  }
  Result<Template> parsed = Template::Parse("url", url);
  if (!parsed.ok()) {
    return parsed.status();
  }
  settings->url = *std::move(parsed);
  return Status::Ok();
}

Status ReadHeaders(const config::Settings& values, SmsHttpSettings* settings) {
  const std::string text = values.Get("headers");
  for (const std::string_view line : Split(text, '\n')) {
    const size_t colon = std::min(line.find(':'), line.size());
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), LowerAscii);
    if (colon == line.size() ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
      return Invalid("headers: not lines of 'name: value'");
    }
    if (name == "content-type" || name == "content-length" || name == "host") {
      return Invalid("headers: content-type is a setting, length and host are huitou's to say");
    }
    Result<Template> value = Template::Parse("headers", Trimmed(line.substr(colon + 1)));
    if (!value.ok()) {
      return value.status();
    }
    settings->headers.emplace_back(std::move(name), *std::move(value));
  }
  return Status::Ok();
}

Status ReadBody(const config::Settings& values, SmsHttpSettings* settings) {
  settings->method = values.Get("method").empty() ? "POST" : values.Get("method");
  settings->content_type = values.Get("content_type").empty() ? std::string(kContentTypes[0].name)
                                                              : values.Get("content_type");
  const auto* const type =
      std::find_if(std::begin(kContentTypes), std::end(kContentTypes),
                   [&](const ContentType& one) { return one.name == settings->content_type; });
  if (type == std::end(kContentTypes)) {
    return Invalid("content_type: none that huitou can escape for");
  }
  settings->escape = type->escape;
  Result<Template> body = Template::Parse("body", values.Get("body"));
  if (!body.ok()) {
    return body.status();
  }
  settings->body = *std::move(body);
  if (type->name != "text/plain") {
    settings->content_type += "; charset=utf-8";
  }
  return Status::Ok();
}

// Whether something is so of the url, the body or a header.
template <typename Is>
bool AnyTemplate(const SmsHttpSettings& settings, Is is) {
  return is(settings.url) || is(settings.body) ||
         std::any_of(settings.headers.begin(), settings.headers.end(),
                     [&is](const auto& header) { return is(header.second); });
}

bool Uses(const SmsHttpSettings& settings, std::string_view name) {
  return AnyTemplate(settings, [name](const Template& one) { return one.Uses(name); });
}

// What would be accepted and could reach nobody.
Status CheckPlaces(const config::Settings& /*values*/, SmsHttpSettings* settings) {
  if (settings->method == "GET" && !settings->body.empty()) {
    return Invalid(
        "body: a GET has none; put the placeholders into the url's query, or say "
        "'method: POST'");
  }
  if (!Uses(*settings, "to") && !Uses(*settings, "to_digits")) {
    return Invalid(
        "body: neither {to} nor {to_digits} stands in it, in url or in headers: the "
        "gateway would not know to whom");
  }
  if (!Uses(*settings, "text") && !Uses(*settings, "template") &&
      !AnyTemplate(*settings, [](const Template& one) { return one.UsesFields(); })) {
    return Invalid(
        "body: none of {text}, {template} and {field.<name>} stands in it, in url or in "
        "headers: the gateway would not know what");
  }
  if (settings->method != "GET" && settings->escape == &EscapeJson && !settings->body.empty() &&
      !ParseJsonAt(settings->body.Sample(), {})) {
    return Invalid("body: no JSON; mend it, or say its 'content_type'");
  }
  return Status::Ok();
}

Status ReadSecrets(const config::Settings& values, SmsHttpSettings* settings) {
  for (const char* name : {"username", "password", "token"}) {
    settings->secrets[name] = values.Get(name);
  }
  const auto uses = [settings](std::string_view name) { return Uses(*settings, name); };
  for (const auto& [name, value] : settings->secrets) {
    if (value.empty() && (uses(name) || (name == "username" && uses("basic")))) {
      return Invalid(name + ": missing, though a placeholder asks for it");
    }
  }
  settings->secrets["basic"] = ToBase64(values.Get("username") + ":" + values.Get("password"));
  return Status::Ok();
}

Status ReadAnswers(const config::Settings& values, SmsHttpSettings* settings) {
  for (const auto& [name, selector] :
       {std::pair("code", &settings->code), std::pair("id", &settings->id)}) {
    Result<Selector> parsed = Selector::Parse(name, values.Get(name));
    if (!parsed.ok()) {
      return parsed.status();
    }
    *selector = *std::move(parsed);
  }
  for (const AnswerRule& rule : kCodeLists) {
    const std::string list = values.Get(std::string(rule.code));
    for (const std::string_view code : Split(list, ',')) {
      if (!settings->codes.emplace(code, &rule).second) {
        return Invalid(std::string(rule.code) + ": a code that another list has too");
      }
    }
  }
  const bool has_accepted = !values.Get("accepted").empty();
  if (settings->code.empty() ? !settings->codes.empty() : !has_accepted) {
    return Invalid("accepted: 'code' and the codes that mean accepted go together");
  }
  return Status::Ok();
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& values) {
  SmsHttpSettings settings;
  for (const auto read :
       {&ReadUrl, &ReadHeaders, &ReadBody, &ReadSecrets, &CheckPlaces, &ReadAnswers}) {
    if (Status status = read(values, &settings); !status.ok()) {
      return status;
    }
  }
  return std::unique_ptr<Channel>(std::make_unique<SmsHttpChannel>(std::move(settings)));
}

std::vector<config::Setting> SettingsTable() {
  using config::SettingType;
  const std::string codes = ", several separated by commas.";
  return {
      {.name = "url",
       .type = SettingType::kUrl,
       .required = true,
       .help = "Where to send; placeholders may stand in its query."},
      {.name = "method",
       .type = SettingType::kEnum,
       .default_value = "POST",
       .choices = {"POST", "PUT", "GET"},
       .help = "A GET has no body."},
      {.name = "headers", .help = "Lines of `name: value`, with placeholders."},
      {.name = "content_type",
       .type = SettingType::kEnum,
       .default_value = "application/json",
       .choices = {"application/json", "application/x-www-form-urlencoded", "text/xml",
                   "text/plain"},
       .help = "Of the body; decides how placeholders are escaped in it."},
      {.name = "body", .help = "With placeholders, such as `{\"to\": \"{to}\"}`."},
      {.name = "username", .type = SettingType::kSecret, .help = "For `{username}` and `{basic}`."},
      {.name = "password", .type = SettingType::kSecret, .help = "For `{password}` and `{basic}`."},
      {.name = "token", .type = SettingType::kSecret, .help = "For `{token}`."},
      {.name = "code",
       .help = "Where the answer's code stands: a JSON Pointer (`/code`) or a regular expression "
               "whose first group is the code. Without it the HTTP status says it all."},
      {.name = "id", .help = "Where the message id stands, in the same way."},
      {.name = "accepted", .help = "The codes for a message taken" + codes},
      {.name = "retry", .help = "The codes for a message not taken just now" + codes},
      {.name = "rejected", .help = "The codes for a message never taken" + codes},
      {.name = "bad_number", .help = "The codes for a number that does not exist" + codes},
      {.name = "opted_out", .help = "The codes for a recipient who refuses messages" + codes},
      {.name = "paused",
       .help = "The codes for an account, balance or permission that is not in order" + codes},
  };
}

}  // namespace

Registration SmsHttpRegistration() {
  Registration registration;
  registration.schema.name = "sms_http";
  registration.schema.help =
      "Sends SMS by a gateway of your own choice that speaks HTTP. Placeholders in `url`, "
      "`headers` and `body`: `{to}` (+8613800000000), `{to_digits}`, `{text}`, `{dispatch}`, "
      "`{customer}`, `{template}`, `{unix}` (seconds), `{field.<name>}` (front matter), and the "
      "secrets `{username}`, `{password}`, `{token}` and `{basic}` (base64 of user and password). "
      "A code that no list has means unknown: it may have been sent, so under `at_least_once` it "
      "is "
      "sent again. The log and the status page say the code. A listed one has the reason "
      "`rate_limited` (`retry`), `refused` (`rejected`), `bad_number`, `opted_out` or `account` "
      "(`paused`).";
  registration.schema.settings = SettingsTable();
  registration.schema.address = config::Address::kPhone;
  registration.schema.sms = config::SmsRule{SmsAlphabet::kGsm7, 0};
  registration.schema.optional_fields = {"*"};
  registration.promise = Promise::kAtMostOnce;
  registration.promises_allowed = {Promise::kAtMostOnce, Promise::kAtLeastOnce,
                                   Promise::kExactlyOnceByKey};
  registration.limits.rate_per_second = 10;
  registration.cost =
      "What your gateway charges. With `promise: exactly_once_by_key` it must drop a `{dispatch}` "
      "that it has seen.";
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
