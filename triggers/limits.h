// Every bound of the core, with the arithmetic that chose it. What is past a bound is refused or
// folded and counted, never silently lost.
#pragma once

#include <cstddef>
#include <cstdint>

namespace huitou::limits {

// --- conditions (CEL) ---
// The longest shipped condition has 120 bytes; generated ones stay below 10 kB.
inline constexpr size_t kCelTextBytesMax = 64 * 1024;
// Nesting of the parser: the specification asks for at least 12 to 32 of each construct; a frame
// takes under 1 kB of stack, so 250 stay below 256 kB.
inline constexpr int kCelDepthMax = 250;
// Steps of one evaluation: a customer's 64 categories x a nested macro over 100 items x 10
// operators stays below 100,000; at some 10 ns a step that is 1 ms, the longest one condition may
// hold a shard.
inline constexpr uint64_t kCelStepsMax = 100'000;
// Bytes that one evaluation may create.
inline constexpr size_t kCelBytesMax = 1 << 20;

}  // namespace huitou::limits
