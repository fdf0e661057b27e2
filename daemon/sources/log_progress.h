// How far the shards are behind in one stream of the embedded log: what tells the writers of the
// log to wait. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "daemon/state/store.h"

namespace huitou {

class LogProgress {
 public:
  LogProgress(Store* store, uint16_t stream)
      : store_(store), stream_(stream), consumed_(store->shards()) {
    for (std::atomic<int64_t>& offset : consumed_) {
      offset = kUnknown;
    }
  }

  // The shard has committed everything before this offset.
  void Consumed(ShardNumber shard, int64_t next_offset) { consumed_[shard] = next_offset; }

  // Records that are in the log and not committed; of shards that have begun.
  int64_t Backlog() const {
    int64_t backlog = 0;
    for (size_t shard = 0; shard < consumed_.size(); ++shard) {
      const int64_t consumed = consumed_[shard];
      const Result<int64_t> end = store_->LogEnd(static_cast<ShardNumber>(shard), stream_);
      if (consumed != kUnknown && end.ok()) {
        backlog += *end - consumed;
      }
    }
    return backlog;
  }

 private:
  static constexpr int64_t kUnknown = -1;

  Store* const store_;
  const uint16_t stream_;
  std::vector<std::atomic<int64_t>> consumed_;
};

}  // namespace huitou
