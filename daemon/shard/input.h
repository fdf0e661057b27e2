// Where a shard's records come from: one ShardInput per source and topic, read by the shard's
// worker thread alone. The Kafka consumer, the embedded log and the tests each have their own.
//
// A worker does, for ever:
//   input->Poll(...)  ->  shard.Feed(...)  ->  shard.Turn(...)  ->  input->Committed(...)
// and sleeps on its Waker when there is nothing to do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/status.h"
#include "triggers/base/time.h"
#include "triggers/event.h"

namespace huitou {

// One record as it came. Views stay valid until the next Poll of the same input.
struct SourceRecord {
  int64_t offset = 0;
  std::string_view key;  // the customer's id where the producer keyed by it; may be empty
  std::string_view payload;
  bool tombstone = false;  // a Kafka record without a value
  std::span<const std::pair<std::string_view, std::string_view>> headers;
};

struct InputSpec {
  std::string name;       // durable and unique within a shard: "shop/orders", "api"
  std::string source;     // the source's name, for metrics and dead letters
  std::string topic;      // of Kafka; empty for the embedded log
  int32_t partition = 0;  // likewise; else the shard
  DurationUs allowed_lateness = 0;
  std::optional<DurationUs> expect_event_within;
  std::optional<uint16_t> log_stream;  // of the embedded log: consumed records are dropped
};

// Turns a record into an event. One per input and shard: it keeps the buffers that the event's
// views point into, until its next call.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // On failure `*detail` names the field at fault and holds no value.
  virtual EventError Decode(const SourceRecord& record, Event* event, std::string* detail) = 0;
};

class ShardInput {
 public:
  virtual ~ShardInput() = default;
  virtual const InputSpec& spec() const = 0;
  virtual Decoder& decoder() = 0;

  // Called once before the first Poll: the offset to begin at, or InputPosition::kNoOffset to begin
  // where the source's settings say. kUnavailable: not yet, ask again. kNotFound: the log no longer
  // has this offset (retention, truncation); the worker refuses to go on.
  virtual Status Begin(int64_t next_offset) = 0;

  // Appends up to `max` records in the order of their offsets, without waiting. Offsets may have
  // gaps, and older ones may come again: the shard drops them.
  // `*at_end` becomes the wall clock at which the input was seen to stand at its end *behind these
  // records*, or nothing while there may be more. For Kafka: the end was asked of the broker at
  // that time, and everything before it is in `records` or was delivered. For a feed that is still
  // being copied into the embedded log (a file): not before it is copied.
  virtual Status Poll(size_t max, std::vector<SourceRecord>* records,
                      std::optional<TimeUs>* at_end) = 0;

  // Everything before this offset is durable. For showing lag and for trimming; never needed to
  // be right.
  virtual void Committed(int64_t next_offset) = 0;
};

// Wakes a sleeping worker. Any thread; cheap when it is awake.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void Wake() = 0;
};

}  // namespace huitou
