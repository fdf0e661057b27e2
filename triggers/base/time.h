// Time as the core sees it: a number that somebody else read from an event or a clock.
//
// TimeUs counts microseconds since 1970-01-01T00:00:00Z, without leap seconds; finer fractions in
// an input are cut off. Civil time (zones, calendar months, days of a shop) is in civil_time.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace huitou {

using TimeUs = int64_t;
using DurationUs = int64_t;

inline constexpr DurationUs kSecondUs = 1'000'000;
inline constexpr DurationUs kMinuteUs = 60 * kSecondUs;
inline constexpr DurationUs kHourUs = 60 * kMinuteUs;
inline constexpr DurationUs kDayUs = 24 * kHourUs;
inline constexpr TimeUs kTimeMin = std::numeric_limits<TimeUs>::min();
inline constexpr TimeUs kTimeMax = std::numeric_limits<TimeUs>::max();

// The years that an event may carry: what CEL's timestamps can hold.
inline constexpr TimeUs kTimestampMin = -62'135'596'800 * kSecondUs;  // 0001-01-01
inline constexpr TimeUs kTimestampMax = 253'402'300'799 * kSecondUs;  // 9999-12-31T23:59:59

// RFC 3339 with an offset ("2026-11-11T00:03:12Z", "...+08:00", a fraction of any length); nothing
// when the text is not exactly that or out of range.
std::optional<TimeUs> ParseRfc3339(std::string_view text);

// UTC with 'Z'; a fraction (3 or 6 digits) only where it is not zero. A time outside of the years
// above is written as the nearest one inside.
std::string FormatRfc3339(TimeUs time);
// The same into a buffer of at least 32 bytes; returns the length.
size_t FormatRfc3339(TimeUs time, char* buffer);

// "100ms", "1.5s", "90s", "10m", "12h", "47d", "2w" and sums of falling units ("1d12h"); nothing
// otherwise. Zero and negative lengths are refused but for "0s".
std::optional<DurationUs> ParseDuration(std::string_view text);
// The shortest of these forms (days, not weeks), e.g. "47d", "36h", "1.5s".
std::string FormatDuration(DurationUs duration);

}  // namespace huitou
