#include "triggers/base/civil_time.h"

#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

namespace huitou {
namespace {

using Microseconds = std::chrono::microseconds;
using date::days;

// The calendar counts years in 16 bits; what lies further off keeps the offset of the edge.
TimeUs Clamped(TimeUs time) {
  return std::clamp(time, kTimestampMin, kTimestampMax);
}

date::local_time<Microseconds> LocalTime(TimeUs local) {
  return date::local_time<Microseconds>(Microseconds(local));
}

int64_t FloorDay(TimeUs local) {
  const int64_t day = local / kDayUs;
  return local % kDayUs < 0 ? day - 1 : day;
}

date::year_month_day YearMonthDay(TimeUs local) {
  return date::year_month_day(date::local_days(days(FloorDay(Clamped(local)))));
}

int64_t MonthNumber(const date::year_month_day& ymd) {
  return (static_cast<int>(ymd.year()) - 1970) * int64_t{12} +
         static_cast<int64_t>(static_cast<unsigned>(ymd.month())) - 1;
}

// The local midnight that begins day `day` of month `month` (both as numbers), the day cut to the
// month's length.
TimeUs LocalMidnight(int64_t month, unsigned day) {
  const date::year_month year_month =
      date::year(1970) / date::January + date::months(static_cast<int>(month));
  const date::year_month_day last(year_month / date::last);
  const date::year_month_day ymd = year_month / std::min(date::day(day), last.day());
  return date::local_days(ymd).time_since_epoch().count() * kDayUs;
}

}  // namespace

std::optional<Zone> Zone::Find(std::string_view iana_name) {
  // The database also answers to names outside of the table, e.g. "../etc"; IANA's have no such.
  if (iana_name.empty()) {
    return std::nullopt;
  }
  try {
    return Zone(date::locate_zone(iana_name));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

DurationUs Zone::OffsetAt(TimeUs time) const {
  if (zone_ == nullptr) {
    return 0;
  }
  const date::sys_seconds second =
      date::floor<std::chrono::seconds>(date::sys_time<Microseconds>(Microseconds(Clamped(time))));
  return zone_->get_info(second).offset.count() * kSecondUs;
}

TimeUs Zone::FromLocal(TimeUs local) const {
  if (zone_ == nullptr) {
    return local;
  }
  const date::local_info info = zone_->get_info(LocalTime(Clamped(local)));
  if (info.result == date::local_info::nonexistent) {
    return info.first.end.time_since_epoch().count() * kSecondUs;
  }
  return local - info.first.offset.count() * kSecondUs;
}

int64_t CivilDay(TimeUs time, const Zone& zone) {
  return FloorDay(zone.ToLocal(time));
}

int64_t CivilMonth(TimeUs time, const Zone& zone) {
  return MonthNumber(YearMonthDay(zone.ToLocal(time)));
}

TimeUs NextCivilDay(TimeUs time, const Zone& zone) {
  return zone.FromLocal((CivilDay(time, zone) + 1) * kDayUs);
}

TimeUs NextCivilMonth(TimeUs time, const Zone& zone) {
  return zone.FromLocal(LocalMidnight(CivilMonth(time, zone) + 1, 1));
}

std::optional<DurationUs> ParseTimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') {
    return std::nullopt;
  }
  for (const size_t i : {0, 1, 3, 4}) {
    if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    }
  }
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  const DurationUs length = hours * kHourUs + minutes * kMinuteUs;
  return minutes < 60 && length <= kDayUs ? std::optional(length) : std::nullopt;
}

TimeUs NextTimeOfDay(TimeUs time, DurationUs time_of_day, const Zone& zone) {
  // From the day before: "24:00" of yesterday is today's midnight, and a wall that jumps over the
  // time shows it late.
  for (int64_t day = CivilDay(time, zone) - 1;; ++day) {
    const TimeUs local = day * kDayUs + time_of_day;
    const TimeUs first = zone.FromLocal(local);
    if (first >= time) {
      return first;
    }
    // In autumn the wall shows it twice: the second time by the offset that holds afterwards.
    const TimeUs second = local - zone.OffsetAt(first + kDayUs);
    if (second >= time && zone.ToLocal(second) == local) {
      return second;
    }
  }
}

bool InDailySpan(TimeUs time, DurationUs from, DurationUs to, const Zone& zone, TimeUs* until) {
  const TimeUs local = zone.ToLocal(time);
  const DurationUs time_of_day = local - FloorDay(local) * kDayUs;
  const bool inside = from < to ? time_of_day >= from && time_of_day < to
                                : from > to && (time_of_day >= from || time_of_day < to);
  if (!inside) {
    return false;
  }
  // The wall shows a time inside, so the next `to` is the span's end.
  *until = NextTimeOfDay(time, to, zone);
  return true;
}

std::optional<int64_t> ParseDate(std::string_view text) {
  if (text.size() != 10) {
    return std::nullopt;
  }
  // Room for the text as a time, so that one parser knows what a day is.
  char buffer[20];
  std::copy(text.begin(), text.end(), buffer);
  std::copy_n("T00:00:00Z", 10, buffer + 10);
  const std::optional<TimeUs> time = ParseRfc3339({buffer, sizeof buffer});
  return time ? std::optional(FloorDay(*time)) : std::nullopt;
}

std::string FormatDate(int64_t days_since_1970) {
  const int64_t day = std::clamp(days_since_1970, FloorDay(kTimestampMin), FloorDay(kTimestampMax));
  return FormatRfc3339(day * kDayUs).substr(0, 10);
}

TimeUs AddMonths(TimeUs time, int months, const Zone& zone) {
  const TimeUs local = zone.ToLocal(time);
  const date::year_month_day ymd = YearMonthDay(local);
  const DurationUs time_of_day = local - FloorDay(local) * kDayUs;
  return zone.FromLocal(LocalMidnight(MonthNumber(ymd) + months, static_cast<unsigned>(ymd.day())) +
                        time_of_day);
}

}  // namespace huitou
