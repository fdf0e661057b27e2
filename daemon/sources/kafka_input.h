// One topic's partition as a shard reads it, and what the source's threads and the shard's worker
// share about it. For kafka_source.cc.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/kafka/kafka_client.h"
#include "daemon/shard/input.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

typedef struct rd_kafka_message_s rd_kafka_message_t;

namespace huitou::kafka {

// Lives from a partition's assignment to its loss.
class Feed {
 public:
  Feed(Partition partition, InputSpec spec, Queue queue)
      : partition_(std::move(partition)), spec_(std::move(spec)), queue_(std::move(queue)) {}
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const Partition& partition() const { return partition_; }  // offset: where fetching begins
  const InputSpec& spec() const { return spec_; }
  rd_kafka_queue_t* queue() const { return queue_.get(); }

  // The log's end was asked at this wall time.
  struct End {
    TimeUs wall = 0;
    int64_t offset = -1;
  };
  void SetEnd(const End& end);
  std::optional<End> end() const;

  // Written by the worker, read by the source's threads:
  std::atomic<int64_t> position = -1;      // next offset to be read
  std::atomic<int64_t> committed = -1;     // everything before it is durable
  std::atomic<int64_t> polled_steady = 0;  // when the worker came last, on the steady clock

 private:
  const Partition partition_;
  const InputSpec spec_;
  const Queue queue_;
  mutable std::mutex mutex_;
  std::optional<End> end_;  // under mutex_
};

class Input final : public ShardInput {
 public:
  Input(std::shared_ptr<Feed> feed, std::unique_ptr<Decoder> decoder);
  ~Input() override;

  const InputSpec& spec() const override { return feed_->spec(); }
  Decoder& decoder() override { return *decoder_; }
  Status Begin(int64_t next_offset) override;
  Status Poll(size_t max, std::vector<SourceRecord>* records,
              std::optional<TimeUs>* at_end) override;
  void Committed(int64_t next_offset) override;

 private:
  void Release();
  // Appends one record, or says why the partition cannot go on.
  Status Take(rd_kafka_message_t* message, std::vector<SourceRecord>* records);
  Status OffsetGone(const rd_kafka_message_t* message) const;

  const std::shared_ptr<Feed> feed_;
  const std::unique_ptr<Decoder> decoder_;
  int64_t next_offset_ = -1;
  // What the views of the last Poll point into.
  std::vector<rd_kafka_message_t*> messages_;
  std::vector<std::vector<std::pair<std::string_view, std::string_view>>> headers_;
};

}  // namespace huitou::kafka
