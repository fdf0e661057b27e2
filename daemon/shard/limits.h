// Bounds of a shard, with the arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>

#include "triggers/base/time.h"

namespace huitou::limits {

// Timer entries held ahead of the cursor: 4,096 x some 100 bytes = 400 kB a shard; one read of the
// store serves as many firings.
inline constexpr size_t kTimersAhead = 4096;
// Drained entries per DeleteRange: a live shard that fires ten a second deletes every 7 minutes;
// a range tombstone costs every reader of the memtable, a drained entry only the next opening.
inline constexpr size_t kTimersPerDeletion = 4096;
// Customers fetched together ahead of their timers or events: sorted reads are three times as fast.
inline constexpr size_t kCustomersTogether = 256;
// Steps (events and timers) of one turn: some 2 ms, so that results and sends never wait long.
inline constexpr size_t kStepsPerTurn = 1000;
// Leases of one turn, over all channels.
inline constexpr size_t kLeasesPerTurn = 256;
// Planned dispatches of a blocked channel looked at in kAwaitedInterval: 1,024 x some 3 us; the
// 100,000 of a provider that is down take a minute and a half.
inline constexpr size_t kBlockedTogether = 1024;
// Planned dispatches held in memory per channel: 4,096 x some 600 bytes = 2.5 MB a channel and
// shard. The rest waits in the store.
inline constexpr size_t kPlannedAhead = 4096;
// Accepted or unknown dispatches looked at together when they are due.
inline constexpr size_t kAwaitedTogether = 256;
// Customers with one address who are told of one receipt in one turn: families share a phone, and
// everybody without one a shop's placeholder. A profile read and a step each: some 20 ms.
inline constexpr size_t kCustomersPerReceipt = 1000;
// Of a customer's newest decisions, those among which a click's dispatch is looked for: half a year
// of a campaign a day, some 100 us.
inline constexpr size_t kDecisionsPerClick = 500;
// How often the store is asked for dispatches that are due.
inline constexpr DurationUs kAwaitedInterval = kSecondUs;
// A commit while catching up: so many events or so long, whichever comes first; a shard counts as
// live when it stood at the end of its inputs within kLiveWithin.
inline constexpr size_t kEventsPerCommit = 500'000;
inline constexpr DurationUs kCatchUpCommitInterval = 5 * kSecondUs;
inline constexpr DurationUs kLiveWithin = kSecondUs;
// An idle shard writes down how far its frontier came: six small commits a minute. Lost, it comes
// again by itself.
inline constexpr DurationUs kFrontierCommitInterval = 10 * kSecondUs;
// Bytes that one commit may hold besides customers: 64 MB is one memtable.
inline constexpr size_t kCommitBytesMax = size_t{64} << 20;
// Sink records held in memory per sink until they are handed over; the rest is read again.
inline constexpr size_t kSinkRecordsAhead = 4096;
// Delivered sink records, or consumed log records, per DeleteRange.
inline constexpr uint64_t kRecordsPerTrim = 4096;
// Dead letters kept where no sink takes them: 10,000 x at most 256 KiB of payload.
inline constexpr uint64_t kDeadLettersKept = 10'000;
// Of a payload in a dead letter.
inline constexpr size_t kDeadLetterBytesMax = 256 * 1024;
// Results and receipts taken from the inbox in one turn.
inline constexpr size_t kInboxPerTurn = 4096;
// Periods kept of one quota: 64 hours, days or months.
inline constexpr size_t kQuotaPeriodsKept = 64;

// Records of one poll: some 2 ms of work, and 1 MB of payload.
inline constexpr size_t kRecordsPerPoll = 1000;
// A worker that has nothing to do looks around this often: how late the frontier may follow the
// clock.
inline constexpr DurationUs kWorkerNap = 50 * 1000;

}  // namespace huitou::limits
