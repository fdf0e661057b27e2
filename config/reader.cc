#include "config/reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "config/limits.h"
#include "triggers/base/text.h"

namespace huitou::config {
namespace {

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view KindOf(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kText:
      return "text";
  }
  return "text";
}

// "5000/d" as "5000" and its period; the text alone is for ever.
std::optional<CampaignLimits::Period> SplitPeriod(std::string_view* text) {
  const size_t slash = text->rfind('/');
  if (slash == std::string_view::npos) {
    return CampaignLimits::Period::kTotal;
  }
  const std::string_view period = text->substr(slash + 1);
  *text = text->substr(0, slash);
  if (period == "h") {
    return CampaignLimits::Period::kHour;
  }
  if (period == "d") {
    return CampaignLimits::Period::kDay;
  }
  if (period == "mo") {
    return CampaignLimits::Period::kMonth;
  }
  return std::nullopt;
}

// Names of the language that conditions cannot use yet.
constexpr std::array<std::string_view, 4> kLaterNames = {"rfm", "level", "value_days",
                                                         "percentile"};

// The identifier that byte `offset` of a condition lies in or before.
std::string_view NameAt(std::string_view text, size_t offset) {
  while (offset < text.size() && !IsNameByte(text[offset])) {
    ++offset;
  }
  size_t begin = offset;
  while (begin > 0 && IsNameByte(text[begin - 1])) {
    --begin;
  }
  while (offset < text.size() && IsNameByte(text[offset])) {
    ++offset;
  }
  return text.substr(begin, offset - begin);
}

// Also the identifier behind "customer.", when the mistake is told at the path's head.
std::string_view LaterNameAt(std::string_view text, size_t offset) {
  for (int names = 0; names < 2 && offset < text.size(); ++names) {
    const std::string_view name = NameAt(text, offset);
    if (std::find(kLaterNames.begin(), kLaterNames.end(), name) != kLaterNames.end()) {
      return name;
    }
    const auto end = static_cast<size_t>(name.data() + name.size() - text.data());
    if (name.empty() || end >= text.size() || text[end] != '.') {
      break;
    }
    offset = end + 1;
  }
  return {};
}

}  // namespace

void Reader::Error(const Node& node, std::string message, std::string hint) const {
  diagnostics_->Error(document_.PlaceOf(node), std::move(message), std::move(hint));
}

void Reader::Warning(const Node& node, std::string message, std::string hint) const {
  diagnostics_->Warning(document_.PlaceOf(node), std::move(message), std::move(hint));
}

std::optional<TimeUs> ParseInstant(std::string_view text, const Zone& zone, bool end_of_day) {
  constexpr size_t kDateBytes = 10;
  constexpr size_t kMinuteBytes = 16;
  const auto day = ParseDate(text.substr(0, kDateBytes));
  if (!day) {
    return std::nullopt;
  }
  if (text.size() == kDateBytes) {
    return zone.FromLocal((*day + (end_of_day ? 1 : 0)) * kDayUs);
  }
  if (text[kDateBytes] != 'T') {
    return std::nullopt;
  }
  // Seconds may be left out.
  std::string full(text);
  if (full.size() == kMinuteBytes || (full.size() > kMinuteBytes && full[kMinuteBytes] != ':')) {
    full.insert(kMinuteBytes, ":00");
  }
  if (const auto exact = ParseRfc3339(full)) {
    return exact;
  }
  const auto local = ParseRfc3339(full + "Z");
  return local ? std::optional(zone.FromLocal(*local)) : std::nullopt;
}

const Node& Value::where() const {
  CHECK(node_ != nullptr || key_node_ != nullptr);
  const bool empty = node_ == nullptr || node_->kind == Node::Kind::kNull;
  return empty && key_node_ != nullptr ? *key_node_ : *node_;
}

void Value::Refuse(std::string_view expectation, std::string hint) const {
  std::string message = '\'' + name_ + "' must be " + std::string(expectation) + ", not ";
  message += node_->kind == Node::Kind::kText ? Quote(node_->text) : std::string(KindOf(*node_));
  reader_->Error(where(), std::move(message), std::move(hint));
}

void Value::Error(std::string_view message, std::string hint) const {
  reader_->Error(where(), Quote(name_) + ' ' + std::string(message), std::move(hint));
}

void Value::Warning(std::string_view message, std::string hint) const {
  reader_->Warning(where(), Quote(name_) + ' ' + std::string(message), std::move(hint));
}

const std::string* Value::Scalar(std::string_view expectation) const {
  if (!present()) {
    return nullptr;
  }
  if (node_->kind != Node::Kind::kText) {
    Refuse(expectation);
    return nullptr;
  }
  return &node_->text;
}

std::optional<std::string> Value::Text() const {
  const std::string* text = Scalar("text");
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::string> Value::Name() const {
  constexpr std::string_view kExpectation = "a name of letters, digits, '_' and '-'";
  const std::string* text = Scalar(kExpectation);
  if (text == nullptr) {
    return std::nullopt;
  }
  const bool good = !text->empty() && std::all_of(text->begin(), text->end(),
                                                  [](char c) { return IsNameByte(c) || c == '-'; });
  if (!good || text->front() == '-') {
    Refuse(kExpectation);
    return std::nullopt;
  }
  if (text->size() > limits::kNameBytesMax) {
    Refuse("at most " + std::to_string(limits::kNameBytesMax) + " characters long");
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> Value::Locale() const {
  const std::string* text = Scalar(Description(Type::kLocale));
  if (text == nullptr) {
    return std::nullopt;
  }
  if (!IsLocale(*text)) {
    Refuse(Description(Type::kLocale));
    return std::nullopt;
  }
  return *text;
}

std::optional<int64_t> Value::Integer(int64_t min, int64_t max) const {
  const std::string* text = Scalar("a whole number");
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto number = ParseNumber<int64_t>(*text);
  if (!number || node_->quoted) {
    Refuse("a whole number", number ? "write it without quotes" : "");
    return std::nullopt;
  }
  if (*number < min || *number > max) {
    Refuse(max >= std::numeric_limits<int32_t>::max()
               ? "at least " + std::to_string(min)
               : "from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::optional<double> Value::Decimal() const {
  const std::string* text = Scalar("a number");
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto number = ParseNumber<double>(*text);
  constexpr double kMagnitudeMax = 1e15;  // exact as minor units; also refuses inf and nan
  if (!number || !(*number >= 0 && *number <= kMagnitudeMax)) {
    Refuse("a number of zero or more");
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Value::Boolean() const {
  const std::string* text = Scalar("true or false");
  if (text == nullptr) {
    return std::nullopt;
  }
  if (node_->quoted || (*text != "true" && *text != "false")) {
    Refuse("true or false");
    return std::nullopt;
  }
  return *text == "true";
}

std::optional<bool> Value::Switch() const {
  const std::string* text = Scalar("on or off");
  if (text == nullptr) {
    return std::nullopt;
  }
  const bool on = *text == "on" || *text == "true";
  if (!on && *text != "off" && *text != "false") {
    Refuse("on or off");
    return std::nullopt;
  }
  return on;
}

std::optional<DurationUs> Value::Duration(bool zero) const {
  const std::string* text = Scalar(Description(Type::kDuration));
  if (text == nullptr) {
    return std::nullopt;
  }
  // "0d" is as clear as "0s".
  const size_t unit = text->find_first_not_of('0');
  const bool none = !text->empty() && unit != 0 &&
                    (unit == std::string::npos || ParseDuration("1" + text->substr(unit)));
  const auto duration = none ? std::optional<DurationUs>(0) : ParseDuration(*text);
  if (!duration) {
    if (text->ends_with("mo") && ParseNumber<int>(text->substr(0, text->size() - 2))) {
      Refuse("a length of time", "a calendar month has none; write 30d");
    } else {
      Refuse("a duration", "write it like 90s, 10m, 12h, 47d or 2w");
    }
    return std::nullopt;
  }
  if (*duration == 0 && !zero) {
    Refuse("longer than zero");
    return std::nullopt;
  }
  if (*duration > limits::kDurationDaysMax * kDayUs) {
    Refuse("at most " + std::to_string(limits::kDurationDaysMax) + "d");
    return std::nullopt;
  }
  return duration;
}

std::optional<Money> Value::MoneyIn(Currency shop_currency) const {
  const bool any = shop_currency == Currency();
  const std::string code(any ? "CNY" : shop_currency.code());
  const std::string* text = Scalar("money such as 50 " + code);
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto money = ParseMoney(*text);
  if (!money || money->minor < 0) {
    const bool bare = ParseNumber<double>(*text).has_value();
    Refuse("money", "write " + (bare ? *text : std::string("50")) + ' ' + code);
    return std::nullopt;
  }
  if (!any && !(money->currency == shop_currency)) {
    Refuse("in the shop's currency", "write it in " + code);
    return std::nullopt;
  }
  return money;
}

std::optional<Value::Limit> Value::CountPerPeriod() const {
  const std::string* text = Scalar(Description(Type::kCountRate));
  if (text == nullptr) {
    return std::nullopt;
  }
  std::string_view count = *text;
  const auto period = SplitPeriod(&count);
  const auto number = ParseNumber<int64_t>(count);
  if (!period || !number || *number < 0) {
    Refuse("a number for a period", "write 100/h, 5000/d, 20000/mo, or 5000 for ever");
    return std::nullopt;
  }
  return Limit{*number, *period};
}

std::optional<Value::Limit> Value::MoneyPerPeriod(Currency shop_currency) const {
  const bool any = shop_currency == Currency();
  const std::string code(any ? "CNY" : shop_currency.code());
  const std::string* text = Scalar("money such as 10000 " + code + "/d");
  if (text == nullptr) {
    return std::nullopt;
  }
  std::string_view amount = *text;
  const auto period = SplitPeriod(&amount);
  const auto money = ParseMoney(amount);
  if (!period || !money || money->minor < 0) {
    Refuse("money for a period", "write 10000 " + code + "/d for a day, 10000 " + code +
                                     "/mo for a month, or 10000 " + code + " in all");
    return std::nullopt;
  }
  if (!any && !(money->currency == shop_currency)) {
    Refuse("in the shop's currency", "write it in " + code);
    return std::nullopt;
  }
  return Limit{money->minor, *period};
}

std::optional<double> Value::Rate() const {
  const std::string* text = Scalar(Description(Type::kRate));
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto rate = ParseRate(*text);
  if (!rate) {
    Refuse("a rate", "write it like 100/s, 1000/m or 5000/d");
  }
  return rate;
}

std::optional<uint32_t> Value::Percent() const {
  const std::string* text = Scalar(Description(Type::kPercent));
  if (text == nullptr) {
    return std::nullopt;
  }
  constexpr int64_t kAll = 10'000;
  const std::string_view digits = std::string_view(*text).substr(0, text->size() - 1);
  // A percentage has two decimals at most, like a currency of hundredths.
  const auto share = text->ends_with('%') ? ParseMinor(digits, Currency()) : std::nullopt;
  if (!share || *share < 0 || *share > kAll) {
    const auto bare = ParseNumber<double>(*text);
    const bool share_of_one = bare && *bare > 0 && *bare < 1;
    Refuse("a percentage from 0% to 100%", share_of_one ? "write 10% for one in ten"
                                           : bare && *bare >= 0 && *bare <= 100
                                               ? "write " + *text + '%'
                                               : "");
    return std::nullopt;
  }
  return static_cast<uint32_t>(*share);
}

std::optional<DurationUs> Value::TimeOfDay() const {
  const std::string* text = Scalar(Description(Type::kTimeOfDay));
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto time = ParseTimeOfDay(*text);
  if (!time) {
    Refuse("a time of day", "write it like \"09:00\"");
  }
  return time;
}

std::optional<TimeUs> Value::Instant(const Zone& zone, bool end_of_day) const {
  const std::string* text = Scalar(Description(Type::kDate));
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto instant = ParseInstant(*text, zone, end_of_day);
  if (!instant) {
    Refuse("a date", "write it like 2026-11-01, 2026-11-01T09:00 or 2026-11-01T09:00:00+08:00");
  }
  return instant;
}

std::optional<size_t> Value::Enum() const {
  if (!present()) {
    return std::nullopt;
  }
  CHECK(key_ != nullptr);
  const std::vector<std::string> choices(key_->choices.begin(), key_->choices.end());
  std::string expectation;
  for (size_t i = 0; i < choices.size(); ++i) {
    expectation += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  const std::string* text = Scalar(expectation);
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found == choices.end()) {
    const std::string hint = Choices(*text, choices);
    Refuse(expectation, hint.starts_with("did") ? hint : "");
    return std::nullopt;
  }
  return static_cast<size_t>(found - choices.begin());
}

std::optional<Zone> Value::TimeZone() const {
  const std::string* text = Scalar(Description(Type::kZone));
  if (text == nullptr) {
    return std::nullopt;
  }
  auto zone = Zone::Find(*text);
  if (!zone) {
    Refuse("a time zone of the IANA database", "write it like Asia/Shanghai or UTC");
  }
  return zone;
}

Condition Value::Cel(const cel::Environment& environment, const cel::Type& expected) const {
  const std::string* text = Scalar("a condition in CEL, as text");
  if (text == nullptr) {
    return nullptr;
  }
  cel::Compiled compiled = cel::Compile(*text, environment, expected);
  for (const cel::CompileError& error : compiled.errors) {
    const Place place = reader_->document().PlaceOf(*node_, error.offset);
    const std::string_view later = LaterNameAt(*text, error.offset);
    if (later.empty()) {
      const bool of_steps = error.message.starts_with("coupons has no field") ||
                            error.message.starts_with("messages has no field");
      reader_->diagnostics().Error(place, error.message,
                                   of_steps && error.hint.empty()
                                       ? "a step is named by its 'id:'; give it one"
                                       : error.hint);
    } else {
      reader_->diagnostics().Error(place, Quote(later) + " comes with a later version");
    }
  }
  return compiled.program;
}

std::optional<double> ParseRate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto count = ParseNumber<double>(text.substr(0, slash));
  const std::string_view period = text.substr(slash + 1);
  const double seconds = period == "s"   ? 1
                         : period == "m" ? 60
                         : period == "h" ? 3600
                         : period == "d" ? 86400
                                         : 0;
  constexpr double kRateMax = 1e9;
  if (!count || seconds == 0 || !(*count > 0 && *count <= kRateMax)) {
    return std::nullopt;
  }
  return *count / seconds;
}

bool IsLocale(std::string_view text) {
  const size_t dash = text.find('-');
  const std::string_view language = text.substr(0, dash);
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto letter = [](char c) { return IsNameByte(c) && c != '_'; };
  if (language.size() < 2 || language.size() > 3 ||
      !std::all_of(language.begin(), language.end(), lower)) {
    return false;
  }
  if (dash == std::string_view::npos) {
    return true;
  }
  const std::string_view rest = text.substr(dash + 1);
  return rest.size() >= 2 && rest.size() <= 8 && std::all_of(rest.begin(), rest.end(), letter);
}

}  // namespace huitou::config
