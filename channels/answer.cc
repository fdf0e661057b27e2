#include "channels/answer.h"

#include <date/date.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <locale>
#include <sstream>
#include <utility>

#include "channels/limits.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

std::optional<TimeUs> ParseDate(const char* format, const std::string& text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  date::sys_seconds time;
  date::from_stream(stream, format, time);
  if (stream.fail()) {
    return std::nullopt;
  }
  return time.time_since_epoch().count() * kSecondUs;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the only date that HTTP may still write.
std::optional<TimeUs> ParseHttpDate(const std::string& text) {
  return ParseDate("%a, %d %b %Y %H:%M:%S GMT", text);
}

std::string ScalarText(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
    case simdjson::dom::element_type::BOOL:
      return simdjson::minify(element);
    default:
      return {};
  }
}

FlatObject Flatten(simdjson::dom::object object) {
  FlatObject flat;
  for (const auto field : object) {
    if (!field.value.is_object() && !field.value.is_array()) {
      flat.insert_or_assign(std::string(field.key), ScalarText(field.value));
    }
  }
  return flat;
}

Outcome StatusOutcome(const HttpResponse& response, TimeUs now) {
  const int status = response.status;
  if (status == 429 || status == 503) {
    Outcome outcome = MakeOutcome(Kind::kRetry, status == 429 ? "rate_limited" : "unavailable");
    outcome.retry_after = RetryAfter(response.headers, now);
    return outcome;
  }
  if (status == 408 || status == 425) {
    return MakeOutcome(Kind::kRetry, "unavailable");
  }
  if (status == 401 || status == 403 || status == 407) {
    return MakeOutcome(Kind::kChannelPaused, "unauthorized");
  }
  if (status == 404 || status == 405 || status == 410) {
    return MakeOutcome(Kind::kChannelPaused, "no_endpoint");
  }
  if (status >= 300 && status < 400) {
    // Following it would hand the message to a host that nobody configured.
    return MakeOutcome(Kind::kChannelPaused, "redirect");
  }
  if (status >= 400 && status < 500) {
    return MakeOutcome(Kind::kRejected, "bad_request");
  }
  // 500, 502 and 504 say nothing about what was done before.
  return MakeOutcome(Kind::kUnknown, status >= 500 && status < 600 ? "server_error" : "bad_answer");
}

}  // namespace

Outcome MakeOutcome(Outcome::Kind kind, std::string_view reason) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.reason = reason;
  return outcome;
}

Outcome WithCode(Outcome outcome, std::string_view code) {
  const std::string_view number = code.starts_with('-') ? code.substr(1) : code;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_of_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  };
  const bool is_number = number.size() <= limits::kCodeDigitsMax &&
                         std::all_of(number.begin(), number.end(), is_digit);
  const bool is_word =
      code.size() <= limits::kCodeBytesMax && std::all_of(code.begin(), code.end(), is_of_word);
  if (!number.empty() && (is_number || is_word) && outcome.kind != Kind::kAccepted) {
    outcome.detail = "code " + std::string(code);
  }
  return outcome;
}

std::optional<Outcome> LostAnswer(const Answer& answer) {
  if (answer.error == TransportError::kNone) {
    return std::nullopt;
  }
  Outcome outcome = answer.error == TransportError::kNotSent
                        ? MakeOutcome(Kind::kRetry, "not_sent")
                        : MakeOutcome(Kind::kUnknown, "no_answer");
  outcome.detail = answer.error_text;
  return outcome;
}

Outcome LineOutcome(const Answer& answer) {
  if (std::optional<Outcome> lost = LostAnswer(answer)) {
    return *std::move(lost);
  }
  return std::holds_alternative<std::monostate>(answer.response)
             ? MakeOutcome(Kind::kAccepted, "")
             : MakeOutcome(Kind::kUnknown, "bad_answer");
}

const HttpResponse* HttpResponseOf(const Answer& answer) {
  return std::get_if<HttpResponse>(&answer.response);
}

std::optional<Outcome> HttpFailure(const Answer& answer, TimeUs now) {
  if (std::optional<Outcome> lost = LostAnswer(answer)) {
    return lost;
  }
  const HttpResponse* response = HttpResponseOf(answer);
  if (response == nullptr) {
    return MakeOutcome(Kind::kUnknown, "bad_answer");
  }
  if (response->status >= 200 && response->status < 300) {
    return std::nullopt;
  }
  return StatusOutcome(*response, now);
}

std::string HeaderValue(const Headers& headers, std::string_view lower_case_name) {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) {
      return value;
    }
  }
  return {};
}

DurationUs RetryAfter(const Headers& headers, TimeUs now) {
  const std::string text = HeaderValue(headers, "retry-after");
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const int64_t seconds_max = limits::kRetryAfterMax / kSecondUs;
  if (end == text.data() + text.size() && error == std::errc::result_out_of_range) {
    return text.front() == '-' ? 0 : limits::kRetryAfterMax;
  }
  if (error == std::errc() && end == text.data() + text.size()) {
    return std::clamp<int64_t>(seconds, 0, seconds_max) * kSecondUs;
  }
  const std::optional<TimeUs> date = ParseHttpDate(text);
  if (!date || *date <= now) {
    return 0;
  }
  return std::min(*date - now, limits::kRetryAfterMax);
}

std::optional<FlatObject> ParseJsonObject(std::string_view json) {
  if (json.size() > limits::kAnswerBytesMax) {
    return std::nullopt;
  }
  std::optional<std::vector<FlatObject>> objects = ParseJsonObjects(json);
  const size_t first = json.find_first_not_of(" \t\r\n");
  if (!objects || objects->size() != 1 || json[first] != '{') {
    return std::nullopt;
  }
  return std::move(objects->front());
}

std::optional<std::vector<FlatObject>> ParseJsonObjects(std::string_view json) {
  return ParseJsonObjectsAt(json, "");
}

std::optional<std::vector<FlatObject>> ParseJsonObjectsAt(std::string_view json,
                                                          std::string_view pointer) {
  // Of no text at all simdjson would copy from a null pointer.
  if (json.empty() || json.size() > limits::kCallbackBytesMax) {
    return std::nullopt;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root.at_pointer(pointer).get(root) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  std::vector<FlatObject> objects;
  simdjson::dom::object object;
  if (root.get(object) == simdjson::SUCCESS) {
    objects.push_back(Flatten(object));
    return objects;
  }
  simdjson::dom::array array;
  if (root.get(array) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  for (const simdjson::dom::element element : array) {
    if (element.get(object) != simdjson::SUCCESS || objects.size() == limits::kReceiptsMax) {
      return std::nullopt;
    }
    objects.push_back(Flatten(object));
  }
  return objects;
}

std::optional<std::vector<std::string>> ParseJsonAt(std::string_view json,
                                                    std::span<const std::string_view> pointers) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (json.empty() || json.size() > limits::kAnswerBytesMax ||
      parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  std::vector<std::string> values;
  for (const std::string_view pointer : pointers) {
    simdjson::dom::element element;
    const bool found = root.at_pointer(pointer).get(element) == simdjson::SUCCESS;
    values.push_back(found ? ScalarText(element) : "");
  }
  return values;
}

TimeUs FromUnixSeconds(std::string_view text) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && seconds > 0 && seconds <= kTimestampMax / kSecondUs ? seconds * kSecondUs : 0;
}

std::string ValueOf(const FlatObject& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? std::string() : found->second;
}

const AnswerRule* FindRule(std::span<const AnswerRule> rules, std::string_view code) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [code](const AnswerRule& rule) { return rule.code == code; });
  return found == rules.end() ? nullptr : &*found;
}

Outcome OutcomeOf(const AnswerRule& rule) {
  Outcome outcome = MakeOutcome(rule.kind, rule.reason);
  outcome.suppress_address = rule.suppress_address;
  outcome.revoke_consent = rule.revoke_consent;
  return outcome;
}

std::optional<Outcome> RuledOutcome(const Answer& answer, std::span<const AnswerRule> rules,
                                    std::string_view code, TimeUs now) {
  std::optional<Outcome> failure = HttpFailure(answer, now);
  const HttpResponse* response = HttpResponseOf(answer);
  const AnswerRule* rule = FindRule(rules, code);
  if (rule == nullptr || response == nullptr || answer.error != TransportError::kNone ||
      (rule->kind == Kind::kAccepted && failure)) {
    return failure;
  }
  Outcome outcome = WithCode(OutcomeOf(*rule), code);
  if (outcome.kind == Kind::kRetry) {
    outcome.retry_after = RetryAfter(response->headers, now);
  }
  return outcome;
}

std::optional<std::vector<Outcome>> OutcomesOfBatch(const Outcome& whole, size_t count) {
  // A key may have leave to send one message and not several.
  const bool each_alone = whole.kind == Kind::kRejected || whole.reason == "recipient_limit" ||
                          (whole.kind == Kind::kChannelPaused && whole.reason == "unauthorized");
  return each_alone ? std::nullopt : std::optional(std::vector<Outcome>(count, whole));
}

TimeUs FromMailDate(const std::string& text) {
  return ParseDate("%a, %d %b %Y %H:%M:%S %z", text).value_or(0);
}

std::string ReasonWord(std::string_view text) {
  std::string word;
  for (const char c : text.substr(0, limits::kReceiptReasonBytesMax)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';
    word += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
  }
  return word;
}

CallbackReply RefuseCallback(int status) {
  CallbackReply reply;
  reply.response.status = status;
  return reply;
}

CallbackReply AcceptCallback(std::string_view content_type, std::string_view body) {
  CallbackReply reply;
  reply.verified = true;
  reply.response.status = 200;
  reply.response.headers.emplace_back("content-type", content_type);
  reply.response.body = body;
  return reply;
}

}  // namespace huitou::channels
