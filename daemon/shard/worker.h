// A shard's thread: reads the inputs, turns the shard, sleeps when there is nothing to do.
//
//   auto worker = ShardWorker::Open(options, parts, std::move(inputs), &clock, on_fatal);
//   worker->Start();
//   ...
//   worker->StopReading();  dispatcher drains;  worker->Stop();   // everything is committed
//
// A full disk pauses the worker, which goes on by itself; any other error of the store ends it,
// with a message to on_fatal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/shard/input.h"
#include "daemon/shard/shard.h"
#include "triggers/base/status.h"

namespace huitou {

class ShardWorker final : public Waker {
 public:
  // `parts.inputs` and `parts.waker` are filled in here. `on_fatal` is called once, on the worker's
  // thread, which ends then.
  static Result<std::unique_ptr<ShardWorker>> Open(ShardOptions options, ShardParts parts,
                                                   std::vector<std::unique_ptr<ShardInput>> inputs,
                                                   const WallClock* clock,
                                                   std::function<void(const Status&)> on_fatal);
  ~ShardWorker() override;

  void Start();
  // No more records and no more sends; results, receipts and tasks still count.
  void StopReading();
  // Commits and ends the thread.
  void Stop();
  // Ends the thread as a crash would: nothing more is committed. For a partition that was lost.
  void Abandon();

  Shard& shard() { return *shard_; }
  // Whether all inputs have begun and the store takes what they bring; while not, why not.
  Status readiness() const;
  void Wake() override;

 private:
  ShardWorker(std::vector<std::unique_ptr<ShardInput>> inputs, const WallClock* clock,
              std::function<void(const Status&)> on_fatal);
  void Run();
  // Whether anything was read.
  Result<bool> Read();
  Status BeginInputs();
  void TellCommitted();
  void Sleep(TimeUs until);
  void End(bool commit);

  const std::vector<std::unique_ptr<ShardInput>> inputs_;
  const WallClock* const clock_;
  const std::function<void(const Status&)> on_fatal_;
  std::unique_ptr<Shard> shard_;
  std::vector<bool> begun_;
  std::vector<std::vector<SourceRecord>> records_;
  std::thread thread_;
  std::atomic<bool> reading_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> commit_at_end_{true};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;                                              // under mutex_
  Status readiness_{StatusCode::kUnavailable, "inputs not begun"};  // under mutex_
};

}  // namespace huitou
