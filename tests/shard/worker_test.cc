#include "daemon/shard/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>

#include "tests/shard/harness.h"

namespace huitou {
namespace {

// A log that another thread appends to.
class QueueInput final : public ShardInput {
 public:
  QueueInput(std::shared_ptr<std::vector<std::string>> log, std::mutex* mutex,
             const WallClock* clock)
      : log_(std::move(log)), mutex_(mutex), clock_(clock) {
    spec_.name = spec_.source = "api";
  }
  const InputSpec& spec() const override { return spec_; }
  Decoder& decoder() override { return decoder_; }
  Status Begin(int64_t next_offset) override {
    next_ = std::max<int64_t>(0, next_offset);
    // The first time it is not ready.
    return std::exchange(asked_, true) ? Status::Ok()
                                       : Status(StatusCode::kUnavailable, "not assigned yet");
  }
  Status Poll(size_t max, std::vector<SourceRecord>* records,
              std::optional<TimeUs>* at_end) override {
    std::lock_guard lock(*mutex_);
    const TimeUs now = clock_->Now();
    copies_.clear();
    for (; static_cast<size_t>(next_) < log_->size() && copies_.size() < max; ++next_) {
      copies_.push_back((*log_)[static_cast<size_t>(next_)]);
    }
    for (size_t i = 0; i < copies_.size(); ++i) {
      SourceRecord record;
      record.offset = next_ - static_cast<int64_t>(copies_.size() - i);
      record.payload = copies_[i];
      records->push_back(record);
    }
    *at_end = now;
    return Status::Ok();
  }
  void Committed(int64_t next_offset) override { committed_ = next_offset; }

 private:
  const std::shared_ptr<std::vector<std::string>> log_;
  std::mutex* const mutex_;
  const WallClock* const clock_;
  InputSpec spec_;
  JsonDecoder decoder_;
  std::vector<std::string> copies_;
  int64_t next_ = 0;
  int64_t committed_ = 0;
  bool asked_ = false;
};

// Lets the test wait for what the worker sends.
class WaitingGate final : public SendGate {
 public:
  bool TryAcquire(std::string_view /*channel*/) override { return true; }
  void Release(std::string_view /*channel*/) override {}
  bool IsDown(std::string_view /*channel*/) override { return false; }
  void Send(std::vector<SendJob> jobs) override {
    std::lock_guard lock(mutex_);
    std::move(jobs.begin(), jobs.end(), std::back_inserter(sent_));
    came_.notify_all();
  }
  void Query(QueryJob /*job*/) override {}
  // Those that came so far, at least `count`.
  std::vector<SendJob> Await(size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, std::chrono::seconds(60), [&] { return sent_.size() >= count; });
    return sent_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<SendJob> sent_;
};

class WorkerTest : public testing::Test {
 protected:
  std::unique_ptr<ShardWorker> Start() {
    StoreOptions store_options;
    store_options.shards = 1;
    store_ = *Store::Open(std::make_unique<MemoryKeyValue>(disk_), store_options);
    quotas_ = std::make_unique<QuotaBook>();
    EXPECT_TRUE(quotas_->Load(*store_).ok());
    ShardParts parts;
    parts.store = store_.get();
    parts.quotas = quotas_.get();
    parts.gate = &gate_;
    parts.rendering = &rendering_;
    parts.random = &random_;
    parts.campaigns = SetOf({Thanks()});
    std::vector<std::unique_ptr<ShardInput>> inputs;
    inputs.push_back(std::make_unique<QueueInput>(log_, &log_mutex_, &clock_));
    auto worker = *ShardWorker::Open({}, std::move(parts), std::move(inputs), &clock_,
                                     [this](const Status& status) { fatal_ = status; });
    worker->Start();
    return worker;
  }
  void Append(const std::string& payload) {
    std::lock_guard lock(log_mutex_);
    log_->push_back(payload);
  }

  ManualClock clock_{At(1)};
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<QuotaBook> quotas_;
  WaitingGate gate_;
  TestRendering rendering_;
  SeededRandom random_{1};
  std::shared_ptr<std::vector<std::string>> log_ = std::make_shared<std::vector<std::string>>();
  std::mutex log_mutex_;
  Status fatal_;
};

TEST_F(WorkerTest, ReadsDecidesSendsAndTakesUpWhereItStopped) {
  auto worker = Start();
  Append(EventJson(At(0.5), "review.posted", "c1"));
  worker->Wake();
  EXPECT_EQ("c1", gate_.Await(1).at(0).message.customer);
  EXPECT_TRUE(worker->readiness().ok());
  SendResult result;
  result.dispatch = gate_.Await(1)[0].dispatch;
  result.outcome.kind = channels::Outcome::Kind::kAccepted;
  worker->shard().PostResult(result);
  worker->StopReading();
  worker->Stop();
  worker.reset();

  worker = Start();
  Append(EventJson(At(0.6), "review.posted", "c2"));
  worker->Wake();
  EXPECT_EQ("c2", gate_.Await(2).at(1).message.customer);
  worker->Stop();
  EXPECT_EQ(2u, gate_.Await(2).size());
  EXPECT_TRUE(fatal_.ok());
}

TEST_F(WorkerTest, TasksRunOnItsThreadWithEverythingCommitted) {
  auto worker = Start();
  Append(EventJson(At(0.5), "review.posted", "c1"));
  worker->Wake();
  gate_.Await(1);
  std::mutex mutex;
  std::condition_variable ran;
  size_t messages = 0;
  worker->shard().Post([&](ShardView& view) {
    std::vector<std::string> lines;
    EXPECT_TRUE(view.store().ReadJournal(0, "c1", At(1), 100, &lines).ok());
    std::lock_guard lock(mutex);
    messages = lines.size();
    ran.notify_all();
  });
  std::unique_lock lock(mutex);
  ASSERT_TRUE(ran.wait_for(lock, std::chrono::seconds(60), [&] { return messages > 0; }));
  EXPECT_EQ(3u, messages);
}

TEST_F(WorkerTest, AFullDiskPausesItAndItGoesOnByItself) {
  auto worker = Start();
  {
    std::lock_guard lock(disk_->mutex);
    disk_->full = true;
  }
  Append(EventJson(At(0.5), "review.posted", "c1"));
  worker->Wake();
  while (worker->readiness().code() != StatusCode::kExhausted) {
    std::this_thread::yield();
  }
  {
    std::lock_guard lock(disk_->mutex);
    disk_->full = false;
  }
  EXPECT_EQ(1u, gate_.Await(1).size());
  while (!worker->readiness().ok()) {
    std::this_thread::yield();
  }
}

TEST_F(WorkerTest, AnErrorOfTheStoreEndsItWithAMessage) {
  auto worker = Start();
  {
    std::lock_guard lock(disk_->mutex);
    disk_->fail_after_commits = 0;
  }
  Append(EventJson(At(0.5), "review.posted", "c1"));
  worker->Wake();
  while (worker->readiness().code() != StatusCode::kInternal) {
    std::this_thread::yield();
  }
  worker->Stop();
  EXPECT_EQ(StatusCode::kInternal, fatal_.code());
}

}  // namespace
}  // namespace huitou
