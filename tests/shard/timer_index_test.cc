#include "daemon/shard/timer_index.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>

#include "daemon/shard/limits.h"
#include "daemon/state/memory_key_value.h"
#include "daemon/state/rocks_key_value.h"

namespace huitou {
namespace {

class TimerIndexTest : public testing::Test {
 protected:
  TimerIndexTest() { Reopen(); }
  void Reopen() {
    index_.reset();
    StoreOptions options;
    options.shards = 4;
    store_ = *Store::Open(std::make_unique<MemoryKeyValue>(disk_), options);
    state_ = *store_->ReadState(2);
    index_ = std::make_unique<TimerIndex>(store_.get(), 2, state_);
  }
  void Commit() {
    CommitBatch batch;
    batch.state = &state_;
    index_->Prepare(&batch, &state_);
    ASSERT_TRUE(store_->Commit(2, &batch).ok());
    index_->Committed();
  }
  std::vector<std::string> Fire(TimeUs frontier) {
    std::vector<std::string> fired;
    DueTimers due;
    while (*index_->Next(frontier, &due)) {
      for (const uint64_t slot : due.slots) {
        fired.push_back(std::to_string(due.deadline) + due.customer + std::to_string(slot));
      }
    }
    return fired;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Store> store_;
  ShardState state_;
  std::unique_ptr<TimerIndex> index_;
};

using Fired = std::vector<std::string>;

TEST_F(TimerIndexTest, FiresInTheOrderOfDeadlinesCommittedOrNot) {
  index_->Add(30, "a", 1);
  index_->Add(10, "a", 1);
  Commit();
  index_->Add(20, "a", 1);
  EXPECT_EQ((Fired{"10a1", "20a1"}), Fire(30));  // 30 is not before 30
  EXPECT_EQ((Fired{"30a1"}), Fire(31));
  EXPECT_EQ(0, index_->count());
}

TEST_F(TimerIndexTest, TimersOfOneInstantAndCustomerComeTogether) {
  index_->Add(10, "a", 1);
  index_->Add(10, "ab", 1);
  Commit();
  index_->Add(10, "a", 0x6200000000000000);  // its bytes continue like "ab"
  DueTimers due;
  ASSERT_TRUE(*index_->Next(11, &due));
  EXPECT_EQ("a", due.customer);
  EXPECT_EQ(2u, due.slots.size());
}

TEST_F(TimerIndexTest, OneAddedBehindTheCursorStillFiresAndNothingDrainedComesBack) {
  for (int i = 10; i < 20; ++i) {
    index_->Add(i, "a", 1);
  }
  Commit();
  EXPECT_EQ(5u, Fire(15).size());
  index_->Add(12, "late", 1);
  Commit();  // it is written behind the cursor
  Reopen();
  EXPECT_EQ((Fired{"12late1", "15a1"}), Fire(16));
  Commit();
  Reopen();
  EXPECT_EQ((Fired{"16a1"}), Fire(17));
}

TEST_F(TimerIndexTest, FiredButNotCommittedFiresAgainAfterACrash) {
  index_->Add(10, "a", 1);
  Commit();
  EXPECT_EQ(1u, Fire(11).size());
  Reopen();
  EXPECT_EQ((Fired{"10a1"}), Fire(11));
}

TEST_F(TimerIndexTest, DrainedEntriesAreDeletedByTheStretch) {
  const auto count = static_cast<int>(limits::kTimersPerDeletion) + 10;
  for (int i = 0; i < count; ++i) {
    index_->Add(i, "a", 1);
  }
  Commit();
  EXPECT_EQ(static_cast<size_t>(count), Fire(count).size());
  Commit();
  EXPECT_TRUE(disk_->families[static_cast<size_t>(Family::kTimers)].empty());
}

// Random adds, fires, commits and crashes against a plain set.
TEST_F(TimerIndexTest, AgreesWithAPlainModel) {
  using Model = std::set<std::pair<TimeUs, uint64_t>>;
  std::mt19937_64 random(42);
  Model committed;
  Model model;
  TimeUs frontier = 0;
  for (int step = 0; step < 3000; ++step) {
    const uint64_t what = random() % 10;
    if (what < 5) {
      for (int i = 0; i < 20; ++i) {
        // Some are due already, also behind the cursor.
        const TimeUs deadline = frontier - 50 + static_cast<TimeUs>(random() % 20'000);
        const uint64_t slot = random() % 3;
        model.emplace(deadline, slot);
        index_->Add(deadline, "c", slot);
      }
    } else if (what < 8) {
      frontier += static_cast<TimeUs>(random() % 500);
      DueTimers due;
      while (*index_->Next(frontier, &due)) {
        for (const uint64_t slot : due.slots) {
          ASSERT_EQ(model.begin()->first, due.deadline);
          ASSERT_EQ(1u, model.erase({due.deadline, slot}));
        }
      }
      ASSERT_TRUE(model.empty() || model.begin()->first >= frontier);
    } else if (what == 8) {
      Commit();
      committed = model;
    } else {
      Reopen();
      model = committed;
    }
  }
}

// What a pending timer costs on disk, measured after compaction by its files.
TEST(TimerStore, APendingTimerTakesAtMost40Bytes) {
  char name[] = "/tmp/huitou-timers-XXXXXX";
  const std::string directory = mkdtemp(name);
  constexpr int kTimers = 300'000;
  const auto size_of_tables = [&directory] {
    uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      bytes += entry.path().extension() == ".sst" ? entry.file_size() : 0;
    }
    return bytes;
  };
  {
    RocksOptions options;
    options.directory = directory;
    StoreOptions store_options;
    store_options.shards = 1;
    auto key_value = *OpenRocks(options);
    KeyValue* const raw = key_value.get();
    const auto store = *Store::Open(std::move(key_value), store_options);
    ShardState state;
    TimerIndex index(store.get(), 0, state);
    std::mt19937_64 random(1);
    for (int i = 0; i < kTimers; ++i) {
      const auto day = static_cast<TimeUs>(random() % (47 * 86'400));
      index.Add(1'770'000'000 * kSecondUs + day * kSecondUs, "customer" + std::to_string(i),
                (uint64_t{2} << 32) | random() % 8);
    }
    CommitBatch batch;
    batch.state = &state;
    index.Prepare(&batch, &state);
    ASSERT_TRUE(store->Commit(0, &batch).ok());
    ASSERT_TRUE(CompactRocks(raw).ok());
  }
  const double each = static_cast<double>(size_of_tables()) / kTimers;
  std::printf("a pending timer: %.1f bytes of store\n", each);
  EXPECT_LE(each, 40.0);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace huitou
