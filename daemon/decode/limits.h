// Every bound of the decoder, with the arithmetic that chose it. What is past a bound is refused
// with a reason, never cut in silence.
#pragma once

#include <cstddef>
#include <cstdint>

namespace huitou::limits {

// The longest real order seen has 100 items of 90 bytes; Kafka's default ceiling for a message is
// 1 MiB. 256 KiB hold 2,900 such items, and 4,000 events in flight stay below 1 GiB.
inline constexpr size_t kEventBytesMax = 256 * 1024;

// Ids are keys of the state and parts of hashes: a UUID has 36 bytes, a URN below 200.
inline constexpr size_t kIdBytesMax = 256;
// Phone (16), email (254 by RFC 5321), openid (28), locale, time zone, region, category path.
inline constexpr size_t kWordBytesMax = 512;
// A review's or a reply's text: 10,000 Chinese characters.
inline constexpr size_t kTextBytesMax = 32 * 1024;
// 256 KiB of items of 64 bytes.
inline constexpr size_t kItemsMax = 4096;
// Four times what a profile keeps.
inline constexpr size_t kEventTagsMax = 256;
// Pieces of an item and points of a rating: sums over kItemsMax stay far below 2^63.
inline constexpr int64_t kQuantityMax = 1'000'000'000;
inline constexpr int64_t kRatingMax = 1'000'000;
inline constexpr int64_t kCreditsMax = 1'000'000;
// Nesting of attributes; each level takes some 200 bytes of stack.
inline constexpr int kAttributeDepthMax = 32;

// One HTTP body: at 355 bytes an event 10,000 are 3.6 MB.
inline constexpr size_t kBatchEventsMax = 10'000;

// A line that is longer cannot be an event; four times the size leaves room for white space.
inline constexpr size_t kLineBytesMax = 4 * kEventBytesMax;
// Read at once: large enough that a system call (1 us) is nothing beside the copy (50 us).
inline constexpr size_t kReadBytes = 512 * 1024;

}  // namespace huitou::limits
