// Civil time: what a shop's clock on the wall says. Zones are IANA names, read from the system's
// tz database (a process-wide constant table). Pure otherwise; any thread.
//
// Daylight-saving edges: a local time that does not exist (spring) becomes the first instant after
// the gap; one that exists twice (autumn) is the first of the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "triggers/base/time.h"

namespace date {
class time_zone;
}

namespace huitou {

// A resolved zone; cheap to copy. The default is UTC.
class Zone {
 public:
  Zone() = default;
  // Nothing when the tz database has no such name.
  static std::optional<Zone> Find(std::string_view iana_name);

  // Microseconds to add to UTC to get local time, at `time`.
  DurationUs OffsetAt(TimeUs time) const;
  // The instant at which the wall shows this local time (microseconds since 1970-01-01 local).
  TimeUs FromLocal(TimeUs local) const;
  TimeUs ToLocal(TimeUs time) const { return time + OffsetAt(time); }

 private:
  explicit Zone(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_ = nullptr;
};

// Days since 1970-01-01 on the zone's calendar.
int64_t CivilDay(TimeUs time, const Zone& zone);
// Months since 1970-01 on the zone's calendar.
int64_t CivilMonth(TimeUs time, const Zone& zone);
// The first instant of the day / month after the one that `time` is in.
TimeUs NextCivilDay(TimeUs time, const Zone& zone);
TimeUs NextCivilMonth(TimeUs time, const Zone& zone);

// "HH:MM" as a length since midnight; nothing otherwise. "24:00" is allowed.
std::optional<DurationUs> ParseTimeOfDay(std::string_view text);
// The first instant at or after `time` at which the wall shows `time_of_day`.
TimeUs NextTimeOfDay(TimeUs time, DurationUs time_of_day, const Zone& zone);

// Whether the wall shows a time in [from, to), where from > to wraps over midnight and from == to
// is never; `until` gets the instant at which the quiet span ends.
bool InDailySpan(TimeUs time, DurationUs from, DurationUs to, const Zone& zone, TimeUs* until);

// "YYYY-MM-DD" as days since 1970-01-01; nothing when there is no such day.
std::optional<int64_t> ParseDate(std::string_view text);
std::string FormatDate(int64_t days_since_1970);

// Calendar months added on the zone's calendar, the day cut to the month's length.
TimeUs AddMonths(TimeUs time, int months, const Zone& zone);

}  // namespace huitou
