#include "triggers/cel/time_text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

#include "triggers/base/civil_time.h"
#include "triggers/base/time.h"
#include "triggers/cel/arithmetic.h"

namespace huitou::cel {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "08:00" in minutes.
std::optional<int64_t> ParseHoursMinutes(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') {
    return std::nullopt;
  }
  for (const size_t i : {0, 1, 3, 4}) {
    if (!IsDigit(text[i])) {
      return std::nullopt;
    }
  }
  const int64_t hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int64_t minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (hours > 23 || minutes > 59) {
    return std::nullopt;
  }
  return hours * 60 + minutes;
}

// The digits after the point of a fraction of a second; further ones than nine are cut off.
int32_t FractionNanos(std::string_view digits) {
  int32_t nanos = 0;
  for (size_t i = 0; i < 9; ++i) {
    nanos = nanos * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  return nanos;
}

std::string FractionText(int64_t nanos) {
  if (nanos == 0) {
    return {};
  }
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), ".%09d", static_cast<int>(nanos));
  std::string text(buffer);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};

// Longer names before those that they begin with.
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"\u00b5s", 1'000},
                           {"\u03bcs", 1'000},
                           {"ms", 1'000'000},
                           {"s", kNanosPerSecond},
                           {"m", 60 * kNanosPerSecond},
                           {"h", 3600 * kNanosPerSecond}};

// Takes "1.5h" off the front of `text` and adds it to `total`.
bool TakePart(std::string_view* text, __int128* total) {
  // Past this every unit but ns is out of range, and nothing below overflows.
  constexpr int64_t kNumberMax = std::numeric_limits<int64_t>::max() / 10 - 1;
  int64_t whole = 0;
  size_t i = 0;
  for (; i < text->size() && IsDigit((*text)[i]); ++i) {
    if (whole > kNumberMax) {
      return false;
    }
    whole = whole * 10 + ((*text)[i] - '0');
  }
  size_t digits = i;
  std::string_view fraction;
  if (i < text->size() && (*text)[i] == '.') {
    const size_t start = ++i;
    while (i < text->size() && IsDigit((*text)[i])) {
      ++i;
    }
    fraction = text->substr(start, i - start);
    digits += fraction.size();
  }
  text->remove_prefix(i);
  for (const Unit& unit : kUnits) {
    if (digits > 0 && text->starts_with(unit.name)) {
      text->remove_prefix(unit.name.size());
      *total += static_cast<__int128>(whole) * unit.nanos +
                static_cast<__int128>(FractionNanos(fraction)) * unit.nanos / kNanosPerSecond;
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<Instant> ParseInstant(std::string_view text) {
  // The base's parser knows the calendar but cuts fractions to microseconds, so that is ours.
  std::string whole(text);
  Instant instant;
  const size_t point = text.find('.');
  if (point != std::string_view::npos) {
    const size_t end = std::min(text.find_first_not_of("0123456789", point + 1), text.size());
    if (end == point + 1) {
      return std::nullopt;
    }
    instant.nanos = FractionNanos(text.substr(point + 1, end - point - 1));
    whole.erase(point, end - point);
  }
  const std::optional<TimeUs> time = ParseRfc3339(whole);
  if (!time.has_value()) {
    return std::nullopt;
  }
  instant.seconds = *time / kSecondUs;
  return instant;
}

std::string InstantText(const Value& timestamp) {
  using std::chrono::floor;
  const std::chrono::sys_seconds time{std::chrono::seconds(timestamp.seconds())};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::seconds> clock(time - day);
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return buffer + FractionText(timestamp.nanos()) + "Z";
}

std::optional<int64_t> ParseLength(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (text == "0") {
    return 0;
  }
  if (text.empty()) {
    return std::nullopt;
  }
  __int128 total = 0;
  while (!text.empty()) {
    if (!TakePart(&text, &total) || total > std::numeric_limits<int64_t>::max()) {
      return std::nullopt;
    }
  }
  return static_cast<int64_t>(negative ? -total : total);
}

std::string LengthText(const Value& duration) {
  const int64_t seconds = duration.seconds();
  const int64_t nanos = duration.nanos();
  const std::string sign = seconds < 0 || nanos < 0 ? "-" : "";
  const uint64_t magnitude =
      seconds < 0 ? 0 - static_cast<uint64_t>(seconds) : static_cast<uint64_t>(seconds);
  return sign + std::to_string(magnitude) + FractionText(nanos < 0 ? -nanos : nanos) + "s";
}

std::optional<int64_t> OffsetInZone(std::string_view zone, int64_t seconds) {
  if (zone.empty()) {
    return std::nullopt;
  }
  const bool negative = zone.front() == '-';
  const bool sign = negative || zone.front() == '+';
  if (sign || IsDigit(zone.front())) {
    const std::optional<int64_t> minutes = ParseHoursMinutes(zone.substr(sign ? 1 : 0));
    return minutes.has_value() ? std::optional<int64_t>((negative ? -*minutes : *minutes) * 60)
                               : std::nullopt;
  }
  if (zone == "UTC") {
    return 0;
  }
  const std::optional<Zone> found = Zone::Find(zone);
  if (!found.has_value()) {
    return std::nullopt;
  }
  return found->OffsetAt(seconds * kSecondUs) / kSecondUs;
}

}  // namespace huitou::cel
