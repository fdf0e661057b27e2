// Sinks into files: order, confirmation, failures.
#include "daemon/sinks/sinks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/metrics/metrics.h"
#include "daemon/sources/limits.h"

namespace {
std::atomic<int> syncs = 0;
}  // namespace

// In the place of libc's: counts.
extern "C" int fdatasync(int descriptor) {
  ++syncs;
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SinksTest : public testing::Test {
 protected:
  SinksTest() {
    std::string folder = std::filesystem::temp_directory_path() / "huitou-sinks-XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ + "/decisions.jsonl";
  }
  ~SinksTest() override {
    sinks_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start(const std::string& path, bool sync = true) {
    SinksHost host;
    host.delivered = [this](ShardNumber shard, SinkKind, uint64_t sequence) {
      const std::lock_guard lock(mutex_);
      delivered_[shard] = sequence;
      changed_.notify_all();
    };
    host.room = [this](ShardNumber shard) {
      const std::lock_guard lock(mutex_);
      room_.push_back(shard);
      changed_.notify_all();
    };
    sinks_ = Sinks::Start({.decisions = FileTarget{path, sync}}, host, &metrics_).value();
  }

  static std::vector<SinkRecord> Records(uint64_t from, uint64_t to) {
    std::vector<SinkRecord> records;
    for (uint64_t sequence = from; sequence <= to; ++sequence) {
      records.push_back({SinkKind::kDecisions, sequence, "c", std::to_string(sequence)});
    }
    return records;
  }
  bool AwaitDelivered(ShardNumber shard, uint64_t sequence) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return delivered_[shard] == sequence; });
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      lines.push_back(line);
    }
    return lines;
  }

  bool Says(const std::string& sample) const {
    return metrics_.Serialize().find(sample + "\n") != std::string::npos;
  }

  Metrics metrics_{"1"};
  std::string folder_;
  std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ShardNumber, uint64_t> delivered_;
  std::vector<ShardNumber> room_;
  std::unique_ptr<Sinks> sinks_;
};

TEST_F(SinksTest, RecordsAreWrittenInOrderAndConfirmed) {
  Start(path_);
  EXPECT_EQ(sinks_->Offer(3, SinkKind::kDecisions, Records(1, 2)), 2U);
  EXPECT_EQ(sinks_->Offer(3, SinkKind::kDecisions, Records(3, 3)), 1U);
  EXPECT_TRUE(AwaitDelivered(3, 3));
  EXPECT_THAT(Lines(), ElementsAre("1", "2", "3"));
}

TEST_F(SinksTest, ARecordIsSyncedBeforeItIsConfirmedUnlessTheStoreIsNotEither) {
  const int before = syncs;
  Start(path_);
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 3)), 3U);
  EXPECT_TRUE(AwaitDelivered(0, 3));
  const int after = syncs;
  EXPECT_GT(after, before);
  Start(path_, /*sync=*/false);
  EXPECT_EQ(sinks_->Offer(1, SinkKind::kDecisions, Records(1, 3)), 3U);
  EXPECT_TRUE(AwaitDelivered(1, 3));
  EXPECT_EQ(syncs, after);
}

TEST_F(SinksTest, WhatCannotBeSyncedIsWrittenAllTheSame) {
  Start("/dev/null");
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 3)), 3U);
  EXPECT_TRUE(AwaitDelivered(0, 3));
}

TEST_F(SinksTest, AnAlertSeesThatNothingWasDeliveredAndThatNothingWaits) {
  Start(path_);
  EXPECT_TRUE(Says(R"(huitou_sink_records_total{outcome="delivered",sink="decisions"} 0)"));
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 3)), 3U);
  EXPECT_TRUE(AwaitDelivered(0, 3));
  EXPECT_TRUE(Says(R"(huitou_sink_records_total{outcome="delivered",sink="decisions"} 3)"));
  EXPECT_TRUE(Says(R"(huitou_sink_depth{sink="decisions"} 0)"));
}

TEST_F(SinksTest, AKindWithoutASinkIsNotTaken) {
  Start(path_);
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kEmits, Records(1, 1)), 0U);
}

TEST_F(SinksTest, WhatASinkDoesNotTakeIsNotConfirmedUntilItDoes) {
  const std::string late = folder_ + "/not/there.jsonl";
  Start(late);
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 2)), 2U);
  while (Says(R"(huitou_sink_records_total{outcome="retried",sink="decisions"} 0)")) {
    std::this_thread::yield();
  }
  {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(delivered_.empty());
  }
  std::filesystem::create_directory(folder_ + "/not");
  EXPECT_TRUE(AwaitDelivered(0, 2));
}

TEST_F(SinksTest, AFullQueueTakesFewerAndSaysWhenThereIsRoom) {
  const std::string late = folder_ + "/not/there.jsonl";
  Start(late);
  const size_t taken =
      sinks_->Offer(7, SinkKind::kDecisions, Records(1, limits::kSinkInFlightMax + 10));
  EXPECT_EQ(taken, limits::kSinkInFlightMax);
  EXPECT_EQ(sinks_->Offer(7, SinkKind::kDecisions, Records(1, 1)), 0U);
  std::filesystem::create_directory(folder_ + "/not");
  EXPECT_TRUE(AwaitDelivered(7, limits::kSinkInFlightMax));
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(room_, ElementsAre(7));
}

TEST_F(SinksTest, StoppingWritesWhatWasOffered) {
  Start(path_);
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 1000)), 1000U);
  sinks_->Stop();
  EXPECT_EQ(Lines().size(), 1000U);
}

TEST_F(SinksTest, StoppingDoesNotWaitForASinkThatFails) {
  Start(folder_ + "/not/there.jsonl");
  EXPECT_EQ(sinks_->Offer(0, SinkKind::kDecisions, Records(1, 10)), 10U);
  sinks_->Stop();
  EXPECT_TRUE(delivered_.empty());
}

}  // namespace
}  // namespace huitou
