// Times and lengths as text, with nanoseconds, and zones by name or offset. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "triggers/cel/value.h"

namespace huitou::cel {

struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

// RFC 3339 with an offset, years 1 to 9999.
std::optional<Instant> ParseInstant(std::string_view text);
// UTC with Z; a fraction only where it is not zero.
std::string InstantText(const Value& timestamp);

// "1h45m47s", "-1.5s", "100ms", "0": nanoseconds.
std::optional<int64_t> ParseLength(std::string_view text);
// Seconds: "5400s", "1.5s".
std::string LengthText(const Value& duration);

// What a zone's clock is ahead of UTC at an instant, in seconds: an IANA name, or "+08:00",
// "-09:30", "02:00".
std::optional<int64_t> OffsetInZone(std::string_view zone, int64_t seconds);

}  // namespace huitou::cel
