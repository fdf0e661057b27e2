// Appends to the embedded log for many threads at once (requests): those that wait together share
// one commit. Refuses while the shards are too far behind.
//
// Example:
//   LogWriter writer({.store = store, .stream = 0, .progress = progress, .wake = wake});
//   Status status = writer.Append(std::move(records));   // durable when OK
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "daemon/sources/log_progress.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"

namespace huitou {

class LogWriter {
 public:
  struct Parts {
    Store* store = nullptr;
    uint16_t stream = 0;
    const LogProgress* progress = nullptr;       // null: never too far behind
    std::function<void(ShardNumber)> wake = {};  // these shards have something to read
  };

  explicit LogWriter(Parts parts) : parts_(std::move(parts)) {}

  // All or nothing. kExhausted: too much waits already, or the shards are too far behind; come
  // again later. kUnavailable: the store does not take it (a full disk).
  Status Append(std::vector<LogAppend> records);

 private:
  struct Request {
    std::vector<LogAppend> records;
    size_t bytes = 0;
    bool done = false;
    Status status;
  };

  // With `lock` held: commits what waits, the own request among it or not.
  void Lead(std::unique_lock<std::mutex>* lock);
  Status Commit(const std::vector<Request*>& group) const;
  void WakeShards(const std::vector<Request*>& group) const;

  const Parts parts_;
  std::mutex mutex_;
  std::condition_variable done_;
  bool leading_ = false;  // these under mutex_
  std::vector<Request*> waiting_;
  size_t waiting_bytes_ = 0;
};

}  // namespace huitou
