#include "daemon/sinks/sinks.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/metrics/log.h"
#include "daemon/metrics/metrics.h"
#include "daemon/sinks/writer.h"
#include "daemon/sources/limits.h"
#include "daemon/state/decision_codec.h"

namespace huitou {

// One sink: its queue, its thread, its writer.
class Sinks::Sink {
 public:
  Sink(SinkKind kind, std::unique_ptr<SinkWriter> writer, SinksHost host, Metrics* metrics)
      : kind_(kind), writer_(std::move(writer)), host_(std::move(host)), metrics_(metrics) {
    // From the start, so that "none delivered" is something an alert can see.
    Count("delivered", 0);
    Count("retried", 0);
    TellDepth();
    thread_ = std::thread([this] { Run(); });
  }
  ~Sink() { Stop(); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  size_t Offer(ShardNumber shard, std::span<const SinkRecord> records) {
    const std::lock_guard lock(mutex_);
    const size_t room = limits::kSinkInFlightMax - std::min(limits::kSinkInFlightMax, count_);
    const size_t taken = stopping_ ? 0 : std::min(room, records.size());
    for (const SinkRecord& record : records.first(taken)) {
      queue_.push_back({shard, record});
    }
    count_ += taken;
    if (taken < records.size()) {
      turned_away_.insert(shard);
    }
    wake_.notify_one();
    return taken;
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  struct Offered {
    ShardNumber shard = 0;
    SinkRecord record;
  };

  void Run() {
    std::vector<Offered> batch;
    while (NextBatch(&batch)) {
      std::vector<SinkItem> items;
      for (const Offered& offered : batch) {
        Render(offered, &items);
      }
      if (!WriteAll(&items)) {
        return;
      }
      Count("delivered", items.size());
      Confirm(batch);
    }
  }

  // What leaves for a record: a line of JSON, or those of a step's decisions.
  void Render(const Offered& offered, std::vector<SinkItem>* items) {
    const SinkRecord& record = offered.record;
    if (kind_ != SinkKind::kDecisions) {
      items->push_back({record.key, record.value});
      return;
    }
    std::vector<std::string> lines;
    if (const Status status = RenderDecisions(record.value, record.key, &lines); !status.ok()) {
      Log(LogLevel::kError, "a record of a sink is left out",
          {{"sink", ToString(kind_)}, {"shard", offered.shard}, {"why", status.message()}});
    }
    for (std::string& line : lines) {
      items->push_back({record.key, std::move(line)});
    }
  }

  bool NextBatch(std::vector<Offered>* batch) {
    batch->clear();
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    const size_t count = std::min(queue_.size(), limits::kSinkBatchMax);
    for (size_t i = 0; i < count; ++i) {
      batch->push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return !batch->empty();
  }

  // Until all are written; false when the daemon stops before.
  bool WriteAll(std::vector<SinkItem>* batch) {
    DurationUs pause = limits::kSinkRetryMin;
    while (true) {
      const Status status = writer_->Write(batch);
      if (status.ok()) {
        return true;
      }
      Count("retried", 1);
      TellDepth();
      if (const auto left_out = limiter_.Pass("sink", SteadyNow())) {
        Log(LogLevel::kWarning, "a sink does not take its records; they wait in the store",
            {{"sink", ToString(kind_)}, {"why", status.message()}, {"left_out", *left_out}});
      }
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, std::chrono::microseconds(pause), [this] { return stopping_; })) {
        return false;
      }
      pause = std::min(2 * pause, limits::kSinkRetryMax);
    }
  }

  void Confirm(const std::vector<Offered>& batch) {
    std::map<ShardNumber, uint64_t> newest;
    for (const Offered& offered : batch) {
      newest[offered.shard] = offered.record.sequence;
    }
    std::set<ShardNumber> room;
    {
      const std::lock_guard lock(mutex_);
      count_ -= batch.size();
      if (count_ <= limits::kSinkInFlightMax / 2) {
        room.swap(turned_away_);
      }
    }
    TellDepth();
    for (const auto& [shard, sequence] : newest) {
      host_.delivered(shard, kind_, sequence);
    }
    for (const ShardNumber shard : room) {
      host_.room(shard);
    }
  }

  void Count(std::string_view outcome, size_t count) {
    if (metrics_ != nullptr) {
      metrics_->Add(Metric::kSinkRecords, {ToString(kind_), outcome}, static_cast<double>(count));
    }
  }

  void TellDepth() {
    if (metrics_ != nullptr) {
      const std::lock_guard lock(mutex_);
      metrics_->Set(Metric::kSinkDepth, {ToString(kind_)}, static_cast<double>(count_));
    }
  }

  const SinkKind kind_;
  const std::unique_ptr<SinkWriter> writer_;
  const SinksHost host_;
  Metrics* const metrics_;
  LogLimiter limiter_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // these under mutex_
  std::deque<Offered> queue_;
  size_t count_ = 0;  // in the queue and in the batch at hand
  std::set<ShardNumber> turned_away_;

  std::thread thread_;
};

Result<std::unique_ptr<Sinks>> Sinks::Start(const SinksOptions& options, const SinksHost& host,
                                            Metrics* metrics) {
  std::unique_ptr<Sinks> sinks(new Sinks());
  const std::pair<SinkKind, const SinkTarget*> kTargets[] = {
      {SinkKind::kDecisions, &options.decisions},
      {SinkKind::kEmits, &options.emits},
      {SinkKind::kDeadLetters, &options.dead_letters},
  };
  for (const auto& [kind, target] : kTargets) {
    std::unique_ptr<SinkWriter> writer;
    if (const auto* file = std::get_if<FileTarget>(target)) {
      writer = MakeFileWriter(*file);
    } else if (const auto* kafka = std::get_if<KafkaTarget>(target)) {
      Result<std::unique_ptr<SinkWriter>> made = MakeKafkaWriter(*kafka);
      if (!made.ok()) {
        return made.status();
      }
      writer = std::move(*made);
    } else {
      continue;
    }
    sinks->sinks_[static_cast<size_t>(kind)] =
        std::make_unique<Sink>(kind, std::move(writer), host, metrics);
  }
  return sinks;
}

Sinks::~Sinks() = default;

size_t Sinks::Offer(ShardNumber shard, SinkKind kind, std::span<const SinkRecord> records) {
  const std::unique_ptr<Sink>& sink = sinks_[static_cast<size_t>(kind)];
  return sink == nullptr ? 0 : sink->Offer(shard, records);
}

void Sinks::Stop() {
  for (const std::unique_ptr<Sink>& sink : sinks_) {
    if (sink != nullptr) {
      sink->Stop();
    }
  }
}

}  // namespace huitou
