#include "daemon/shard/worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/shard/limits.h"

namespace huitou {

ShardWorker::ShardWorker(std::vector<std::unique_ptr<ShardInput>> inputs, const WallClock* clock,
                         std::function<void(const Status&)> on_fatal)
    : inputs_(std::move(inputs)),
      clock_(clock),
      on_fatal_(std::move(on_fatal)),
      begun_(inputs_.size(), false),
      records_(inputs_.size()) {
}

Result<std::unique_ptr<ShardWorker>> ShardWorker::Open(
    ShardOptions options, ShardParts parts, std::vector<std::unique_ptr<ShardInput>> inputs,
    const WallClock* clock, std::function<void(const Status&)> on_fatal) {
  std::unique_ptr<ShardWorker> worker(
      new ShardWorker(std::move(inputs), clock, std::move(on_fatal)));
  parts.inputs.clear();
  for (const std::unique_ptr<ShardInput>& input : worker->inputs_) {
    parts.inputs.push_back({input->spec(), &input->decoder()});
  }
  parts.waker = worker.get();
  auto shard = Shard::Open(std::move(options), std::move(parts));
  if (!shard.ok()) {
    return shard.status();
  }
  worker->shard_ = *std::move(shard);
  return worker;
}

ShardWorker::~ShardWorker() {
  End(/*commit=*/true);
}

void ShardWorker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ShardWorker::StopReading() {
  reading_.store(false);
  Wake();
}

void ShardWorker::Stop() {
  End(/*commit=*/true);
}
void ShardWorker::Abandon() {
  End(/*commit=*/false);
}

void ShardWorker::End(bool commit) {
  commit_at_end_.store(commit);
  stopping_.store(true);
  Wake();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Status ShardWorker::readiness() const {
  std::lock_guard lock(mutex_);
  return readiness_;
}

void ShardWorker::Wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void ShardWorker::Sleep(TimeUs until) {
  const DurationUs longest = std::min<DurationUs>(until - clock_->Now(), limits::kWorkerNap);
  std::unique_lock lock(mutex_);
  if (longest > 0) {
    wake_.wait_for(lock, std::chrono::microseconds(longest), [this] { return woken_; });
  }
  woken_ = false;
}

// Inputs begin where the store says; one that can't yet is asked again.
Status ShardWorker::BeginInputs() {
  Status waiting;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (begun_[i]) {
      continue;
    }
    Status status = inputs_[i]->Begin(shard_->NextOffset(i));
    if (status.ok()) {
      begun_[i] = true;
    } else if (status.code() == StatusCode::kUnavailable) {
      waiting = std::move(status);
    } else {
      return status;
    }
  }
  std::lock_guard lock(mutex_);
  readiness_ = std::move(waiting);
  return Status::Ok();
}

Result<bool> ShardWorker::Read() {
  bool any = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!begun_[i] || !shard_->Wants(i)) {
      continue;
    }
    records_[i].clear();
    std::optional<TimeUs> at_end;
    Status status = inputs_[i]->Poll(limits::kRecordsPerPoll, &records_[i], &at_end);
    if (!status.ok() && status.code() != StatusCode::kUnavailable) {
      return status;
    }
    any = any || !records_[i].empty();
    shard_->Feed(i, records_[i]);
    if (at_end.has_value()) {
      shard_->AtEnd(i, *at_end);
    }
  }
  return any;
}

void ShardWorker::TellCommitted() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (begun_[i]) {
      inputs_[i]->Committed(shard_->CommittedOffset(i));
    }
  }
}

void ShardWorker::Run() {
  Status fatal;
  bool stalled = false;
  while (!stopping_.load()) {
    bool read = false;
    const bool reading = reading_.load() && !stalled;
    shard_->SetSending(reading_.load());
    if (reading) {
      fatal = BeginInputs();
      Result<bool> any = fatal.ok() ? Read() : Result<bool>(fatal);
      if (!any.ok()) {
        fatal = any.status();
        break;
      }
      read = *any;
    }
    const Result<Shard::Progress> progress = shard_->Turn(clock_->Now());
    stalled = !progress.ok() && progress.status().code() == StatusCode::kExhausted;
    if (stalled) {
      {
        std::lock_guard lock(mutex_);
        readiness_ = progress.status();
      }
      Sleep(kTimeMax);
      continue;
    }
    if (!progress.ok()) {
      fatal = progress.status();
      break;
    }
    if (progress->committed) {
      TellCommitted();
    }
    if (!progress->more && !read) {
      Sleep(progress->wake_at);
    }
  }
  if (fatal.ok() && commit_at_end_.load()) {
    fatal = shard_->Commit(clock_->Now());
    TellCommitted();
  }
  if (!fatal.ok()) {
    std::unique_lock lock(mutex_);
    readiness_ = fatal;
    lock.unlock();
    on_fatal_(fatal);
  }
}

}  // namespace huitou
