// Bounds of metrics and logs, with the arithmetic that chose them.
#pragma once

#include <cstddef>

#include "triggers/base/time.h"

namespace huitou::limits {

// Distinct values of one label: campaigns and event types come in tens; 200 types x 5 sources stay
// at 1,000 series of some 150 bytes each scrape.
inline constexpr size_t kLabelValuesMax = 200;
// The longest label value: names are under 64 bytes; a longer one is a typing accident or an
// attack.
inline constexpr size_t kLabelBytesMax = 128;
// A log line's value is cut here: the longest reason with its hint has under 500 bytes.
inline constexpr size_t kLogValueBytesMax = 2048;
// The same complaint at most this often; what was left out is counted in the next line.
inline constexpr DurationUs kLogRepeatMin = 10 * kSecondUs;
// How long a line waits for a reader of the log that stands still: a machine that swaps takes so
// long to get to its log collector. Far below the commit of a shard that catches up (3 s).
inline constexpr DurationUs kLogPatience = kSecondUs;

}  // namespace huitou::limits
