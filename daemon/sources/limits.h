// Bounds of the sources and sinks, with the arithmetic that chose them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "triggers/base/time.h"

namespace huitou::limits {

// --- Kafka ---
// Bytes fetched ahead, over all partitions. librdkafka 2.0.2 stops fetching for up to 1 s when a
// queue is full, so it must hold more than a second of the peak: 600,000 events/s x 355 B = 213 MB.
inline constexpr size_t kFetchAheadKilobytes = 256 * 1024;
inline constexpr size_t kFetchAheadKilobytesMin = 8 * 1024;
// Records fetched ahead, per partition; never the bound that counts (an event has over 60 bytes).
inline constexpr int kFetchAheadRecords = 5'000'000;
// The log's ends are asked this often where a shard stands at them: a timer is due this much late
// at most. Farther behind, only the shown lag hangs on it.
inline constexpr DurationUs kAskEnds = 100'000;
inline constexpr DurationUs kAskEndsBehind = kSecondUs;
// One question to the broker that is asked again at once.
inline constexpr int kAskEnds_ms = 2'000;
// Offsets of the group are for showing lag only.
inline constexpr DurationUs kCommitToGroup = 5 * kSecondUs;
// A source that cannot begin (no topic, a foreign state) looks again after this.
inline constexpr DurationUs kLookAgain = 3 * kSecondUs;
// A shard that has records and does not fetch them for so long is stuck: a commit while catching up
// takes 3 s, a full disk is said by the shard itself.
inline constexpr DurationUs kStuckShard = 60 * kSecondUs;

// --- the embedded log ---
// Records of the embedded log that no shard has applied yet: at 100,000 events/s twenty seconds,
// and at 355 B 0.7 GB. Past it senders are told to wait.
inline constexpr int64_t kLogBacklogMax = 2'000'000;
// A file is copied no farther ahead of the shards than this: 36 MB.
inline constexpr int64_t kFileAheadMax = 100'000;
// What one append may hold: one WriteBatch of 4 MB.
inline constexpr size_t kAppendRecordsMax = 10'000;
inline constexpr size_t kAppendBytesMax = 4 * 1024 * 1024;
// Bytes of requests that wait for their append: 16 bodies of 8 MiB.
inline constexpr size_t kAppendWaitingBytesMax = 128 * 1024 * 1024;
// Of the bytes before the place up to which a followed file was read: some ten events, each with
// its own id and time.
inline constexpr uint64_t kFingerprintBytes = 4096;
// A followed file is looked at this often.
inline constexpr DurationUs kFollowFile = 100'000;
// Read from the embedded log at once.
inline constexpr size_t kLogReadBytes = 4 * 1024 * 1024;

// --- sinks ---
// Records handed to a sink and not yet confirmed, over all shards: at 400 B a decision 8 MB.
inline constexpr size_t kSinkInFlightMax = 20'000;
// Written at once; the next batch waits for the confirmation, some 10 ms.
inline constexpr size_t kSinkBatchMax = 5'000;
// A sink that fails tries again after this, doubling up to the other.
inline constexpr DurationUs kSinkRetryMin = 100'000;
inline constexpr DurationUs kSinkRetryMax = 10 * kSecondUs;

}  // namespace huitou::limits
