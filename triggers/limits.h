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
// Macros within macros; each needs one local, 24 bytes of stack.
inline constexpr size_t kCelMacroDepthMax = 32;
// Memory of one compiled pattern: one of 100 bytes takes under 20 kB; longer ones and large counted
// repetitions are refused.
inline constexpr int64_t kCelPatternBytesMax = 256 * 1024;
// A pattern known only when evaluating is compiled then, for some 10 us per 50 bytes: it is paid
// with this many steps and one per byte, and may have so many bytes.
inline constexpr uint64_t kCelPatternSteps = 2'000;
inline constexpr size_t kCelPatternTextBytesMax = 1024;
// Steps of one evaluation: a customer's 64 categories x a nested macro over 100 items x 10
// operators stays below 100,000; at some 10 ns a step that is 1 ms, the longest one condition may
// hold a shard.
inline constexpr uint64_t kCelStepsMax = 100'000;
// Bytes that one evaluation may create.
inline constexpr size_t kCelBytesMax = 1 << 20;

// --- customers ---
// Orders kept one by one for the 30, 90 and 365 day sums: a weekly shopper has 52 a year; past 64
// the oldest are folded pairwise, which moves an order by at most the gap to its neighbour.
inline constexpr size_t kPurchasesMax = 64;
// Event ids remembered per customer to drop repeats: a producer repeats within minutes; the busiest
// customer sends some 10 events a day, so 32 span days, and all of a usual customer's life.
// 32 x 8 bytes = 256 bytes for the busiest.
inline constexpr size_t kEventIdsMax = 32;
// Categories per customer: the widest real customer (online_retail) has under 30.
inline constexpr size_t kCategoriesMax = 128;
// Instants of one clock newer than the frontier. Within a window they merge, so more than a few
// need a window shorter than the allowed lateness.
inline constexpr size_t kClockPendingMax = 16;
// Exits and goals met behind a deadline that the frontier has not passed: the first one counts,
// more are there only in case that the deadline still moves, by an order that comes out of order.
inline constexpr size_t kEarlyNewsMax = 16;
// Sends remembered for caps, of each channel: a cap of more than 64 messages is refused by `check`,
// and whether `max` were sent within any window is known from the newest `max` of its channels.
inline constexpr size_t kSendsMax = 64;
// Of all channels: 16 of them full, 16 kB for the customer who is written to most.
inline constexpr size_t kSendsAllMax = 16 * kSendsMax;
// Re-entry keys remembered per customer, over all campaigns (oldest forgotten first).
inline constexpr size_t kProgressMax = 128;
// Open or watched episodes per customer: campaigns x keys; past it a candidate is refused (limit).
inline constexpr size_t kEpisodesMax = 64;
// Distinct categories of one order that start clocks.
inline constexpr size_t kOrderCategoriesMax = 64;
inline constexpr size_t kTagsMax = 64;
inline constexpr size_t kAttributesMax = 64;
inline constexpr size_t kAttributeBytesMax = 1024;
inline constexpr size_t kConsentsMax = 32;

// --- shards ---
// Distinct names (categories, campaigns, channels): 65,000 names of 30 bytes are 2 MB a shard.
inline constexpr uint32_t kSymbolsMax = 65'000;

// --- campaigns ---
inline constexpr size_t kStepsMax = 256;
inline constexpr int kStepDepthMax = 8;
// Instructions that one input may run in one episode: every step once, with room for branches.
inline constexpr int kInstructionsPerStepMax = 4 * static_cast<int>(kStepsMax);

// --- events ---
// What the attributes of one decoded event may take: 256 KiB of JSON are at most 87,382 empty
// objects ("{},"), each under 128 bytes as a value.
inline constexpr size_t kEventArenaBytesMax = 87'382 * 128;
// A copy of it holds its texts as well, those of `coupon` and the like perhaps twice.
inline constexpr size_t kOwnedEventBytesMax = kEventArenaBytesMax + 2 * 256 * 1024;

// An event's type: "order.delivered" has 15 bytes, a reverse domain name with a product below 100.
inline constexpr size_t kTypeBytesMax = 128;

}  // namespace huitou::limits
