#include "triggers/base/time.h"

#include <date/date.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

namespace huitou {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Two digits at `p`; -1 when they are not digits.
int TwoDigits(const char* p) {
  if (!IsDigit(p[0]) || !IsDigit(p[1])) {
    return -1;
  }
  return (p[0] - '0') * 10 + (p[1] - '0');
}

void PutTwoDigits(char* p, unsigned value) {
  p[0] = static_cast<char>('0' + value / 10);
  p[1] = static_cast<char>('0' + value % 10);
}

// "YYYY-MM-DD" at `p` as days since 1970-01-01.
std::optional<int64_t> ParseDays(const char* p) {
  const int century = TwoDigits(p);
  const int years = TwoDigits(p + 2);
  const int month = TwoDigits(p + 5);
  const int day = TwoDigits(p + 8);
  if ((century | years | month | day) < 0 || p[4] != '-' || p[7] != '-') {
    return std::nullopt;
  }
  const date::year_month_day ymd{date::year(century * 100 + years),
                                 date::month(static_cast<unsigned>(month)),
                                 date::day(static_cast<unsigned>(day))};
  if (!ymd.ok()) {
    return std::nullopt;
  }
  return date::sys_days(ymd).time_since_epoch().count();
}

// ".25" at the start of `text`: microseconds, finer digits cut off; moves `text` behind it.
std::optional<DurationUs> ParseFraction(std::string_view* text) {
  DurationUs us = 0;
  DurationUs scale = kSecondUs / 10;
  size_t length = 1;
  for (; length < text->size() && IsDigit((*text)[length]); ++length) {
    us += ((*text)[length] - '0') * scale;
    scale /= 10;
  }
  if (length == 1) {
    return std::nullopt;
  }
  text->remove_prefix(length);
  return us;
}

// "Z" or "+08:00", the whole of `text`.
std::optional<DurationUs> ParseOffset(std::string_view text) {
  if (text == "Z" || text == "z") {
    return 0;
  }
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
    return std::nullopt;
  }
  const int hours = TwoDigits(text.data() + 1);
  const int minutes = TwoDigits(text.data() + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
    return std::nullopt;
  }
  const DurationUs offset = hours * kHourUs + minutes * kMinuteUs;
  return text[0] == '-' ? -offset : offset;
}

struct Unit {
  std::string_view name;
  DurationUs length;
};
// Falling; "ms" stands before "m" in the text, so the longer name is tried first.
constexpr std::array<Unit, 6> kUnits = {{{"w", 7 * kDayUs},
                                         {"d", kDayUs},
                                         {"h", kHourUs},
                                         {"m", kMinuteUs},
                                         {"s", kSecondUs},
                                         {"ms", kSecondUs / 1000}}};

// A unit's name at the start of `text`; the end when there is none.
const Unit* FindUnit(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && text[length] >= 'a' && text[length] <= 'z') {
    ++length;
  }
  return std::find_if(kUnits.begin(), kUnits.end(),
                      [&](const Unit& unit) { return unit.name == text.substr(0, length); });
}

// "1.5s": whole seconds and what is below them, without trailing zeros.
std::string FormatSeconds(DurationUs duration) {
  std::string text = std::to_string(duration / kSecondUs);
  if (const DurationUs below = duration % kSecondUs; below != 0) {
    std::string digits = std::to_string(kSecondUs + below).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text.append(1, '.').append(digits);
  }
  return text.append(1, 's');
}

}  // namespace

std::optional<TimeUs> ParseRfc3339(std::string_view text) {
  // The shortest is "2026-11-11T00:03:12Z".
  if (text.size() < 20) {
    return std::nullopt;
  }
  const char* p = text.data();
  const std::optional<int64_t> days = ParseDays(p);
  const int hour = TwoDigits(p + 11);
  const int minute = TwoDigits(p + 14);
  const int second = TwoDigits(p + 17);
  if (!days || (p[10] != 'T' && p[10] != 't') || p[13] != ':' || p[16] != ':' ||
      (hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  TimeUs time = *days * kDayUs + hour * kHourUs + minute * kMinuteUs + second * kSecondUs;
  text.remove_prefix(19);
  if (text[0] == '.') {
    const std::optional<DurationUs> fraction = ParseFraction(&text);
    if (!fraction) {
      return std::nullopt;
    }
    time += *fraction;
  }
  const std::optional<DurationUs> offset = ParseOffset(text);
  if (!offset) {
    return std::nullopt;
  }
  time -= *offset;
  // A leap second ends a day of UTC, and is the next day's first.
  if (second == 60 && time % kDayUs / kSecondUs != 0) {
    return std::nullopt;
  }
  if (time < kTimestampMin || time > kTimestampMax) {
    return std::nullopt;
  }
  return time;
}

size_t FormatRfc3339(TimeUs time, char* buffer) {
  // What lies outside cannot be written with four digits of a year.
  time = std::clamp(time, kTimestampMin, kTimestampMax);
  const date::sys_time<std::chrono::microseconds> instant{std::chrono::microseconds(time)};
  const date::sys_days day = date::floor<date::days>(instant);
  const date::year_month_day ymd(day);
  const auto year = static_cast<unsigned>(static_cast<int>(ymd.year()));
  const auto us = static_cast<uint64_t>((instant - day).count());
  const auto seconds = static_cast<unsigned>(us / kSecondUs);
  auto fraction = static_cast<unsigned>(us % kSecondUs);
  PutTwoDigits(buffer, year / 100);
  PutTwoDigits(buffer + 2, year % 100);
  buffer[4] = '-';
  PutTwoDigits(buffer + 5, static_cast<unsigned>(ymd.month()));
  buffer[7] = '-';
  PutTwoDigits(buffer + 8, static_cast<unsigned>(ymd.day()));
  buffer[10] = 'T';
  PutTwoDigits(buffer + 11, seconds / 3600);
  buffer[13] = ':';
  PutTwoDigits(buffer + 14, seconds / 60 % 60);
  buffer[16] = ':';
  PutTwoDigits(buffer + 17, seconds % 60);
  size_t length = 19;
  if (fraction != 0) {
    const size_t digits = fraction % 1000 == 0 ? 3 : 6;
    fraction = digits == 3 ? fraction / 1000 : fraction;
    buffer[length] = '.';
    for (size_t i = digits; i > 0; --i, fraction /= 10) {
      buffer[length + i] = static_cast<char>('0' + fraction % 10);
    }
    length += digits + 1;
  }
  buffer[length] = 'Z';
  return length + 1;
}

std::string FormatRfc3339(TimeUs time) {
  char buffer[32];
  return {buffer, FormatRfc3339(time, buffer)};
}

std::optional<DurationUs> ParseDuration(std::string_view text) {
  if (text == "0s") {
    return 0;
  }
  DurationUs sum = 0;
  const Unit* next = kUnits.begin();
  while (!text.empty()) {
    int64_t count = 0;
    size_t digits = 0;
    for (; digits < text.size() && IsDigit(text[digits]); ++digits) {
      if (digits > 17) {
        return std::nullopt;
      }
      count = count * 10 + (text[digits] - '0');
    }
    text.remove_prefix(digits);
    DurationUs fraction = 0;
    const bool has_fraction = digits > 0 && !text.empty() && text[0] == '.';
    if (has_fraction) {
      const size_t size = text.size();
      const std::optional<DurationUs> parsed = ParseFraction(&text);
      // A point and at most six digits: finer ones would be lost silently.
      if (!parsed || size - text.size() > 7) {
        return std::nullopt;
      }
      fraction = *parsed;
    }
    const Unit* unit = FindUnit(text);
    // Falling units: each one is at or behind `next`.
    if (digits == 0 || unit == kUnits.end() || unit < next ||
        (has_fraction && unit->length != kSecondUs)) {
      return std::nullopt;
    }
    DurationUs length = 0;
    if (__builtin_mul_overflow(count, unit->length, &length) ||
        __builtin_add_overflow(sum, length, &sum) || __builtin_add_overflow(sum, fraction, &sum)) {
      return std::nullopt;
    }
    text.remove_prefix(unit->name.size());
    next = unit + 1;
  }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

std::string FormatDuration(DurationUs duration) {
  if (duration < 0) {
    // The lowest value has no positive twin; a microsecond more does not matter 292,000 years off.
    return std::string("-").append(FormatDuration(duration == kTimeMin ? kTimeMax : -duration));
  }
  if (duration == 0) {
    return "0s";
  }
  // Weeks are left out: people count "14d" and "30d" in days.
  std::string sum;
  std::string single;
  DurationUs rest = duration;
  for (const Unit& unit : kUnits) {
    if (unit.length == 7 * kDayUs || unit.length <= kSecondUs) {
      continue;
    }
    if (rest >= unit.length) {
      sum += std::to_string(rest / unit.length).append(unit.name);
      rest %= unit.length;
    }
    if (single.empty() && duration % unit.length == 0) {
      single = std::to_string(duration / unit.length).append(unit.name);
    }
  }
  if (rest != 0) {
    sum += FormatSeconds(rest);
  }
  if (single.empty()) {
    single = FormatSeconds(duration);
  }
  return sum.size() < single.size() ? sum : single;
}

}  // namespace huitou
