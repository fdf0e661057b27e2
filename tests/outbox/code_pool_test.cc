// Codes of a file: each given once, whatever crashes.
#include "daemon/outbox/code_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace huitou {
namespace {

using channels::Outcome;

class CodePoolTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("huitou-pool-" + std::string(test->name()) + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::unique_ptr<CodePool> Open(const std::string& boot = "boot-1") const {
    auto pool = CodePool::Open(Path("big.csv"), boot);
    EXPECT_TRUE(pool.ok()) << pool.status().message();
    return *std::move(pool);
  }
  static std::string Take(CodePool* pool, uint64_t dispatch) {
    const auto code = pool->Take(Id128{1, dispatch});
    EXPECT_TRUE(code.ok());
    return code->value_or("none");
  }
  // As if the process had ended here: the book as it is now, without what a good end adds.
  void Crash(std::unique_ptr<CodePool> pool) const {
    const std::string book = Read("big.csv.given");
    pool.reset();
    Write("big.csv.given", book);
  }

  std::filesystem::path folder_;
};

TEST_F(CodePoolTest, GivesEachCodeOnceAndTheSameDispatchTheSame) {
  Write("big.csv", "A-1\r\nA-2\n\nA-1\nA-3");
  auto pool = Open();
  EXPECT_EQ(pool->remaining(), 3u);
  EXPECT_EQ(Take(pool.get(), 1), "A-1");
  EXPECT_EQ(Take(pool.get(), 2), "A-2");
  EXPECT_EQ(Take(pool.get(), 1), "A-1");
  pool.reset();
  pool = Open("boot-2");
  EXPECT_EQ(pool->passed_over(), 0u) << "it had ended well";
  EXPECT_EQ(Take(pool.get(), 2), "A-2");
  EXPECT_EQ(Take(pool.get(), 3), "A-3");
  EXPECT_EQ(Take(pool.get(), 4), "none");
  EXPECT_EQ(pool->remaining(), 0u);
  Write("big.csv", "A-4\nA-1\nA-2\nA-3\n");
  std::filesystem::last_write_time(
      Path("big.csv"), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(Take(pool.get(), 4), "A-4") << "added while it runs, in any place";
}

TEST_F(CodePoolTest, AProcessThatDiesLosesNothingAndDoublesNothing) {
  Write("big.csv", "A\nB\nC\n");
  auto pool = Open();
  EXPECT_EQ(Take(pool.get(), 1), "A");
  Crash(std::move(pool));
  pool = Open();
  EXPECT_EQ(pool->passed_over(), 0u);
  EXPECT_EQ(Take(pool.get(), 2), "B");
  EXPECT_EQ(Take(pool.get(), 1), "A");
  EXPECT_EQ(Take(pool.get(), 3), "C");
}

TEST_F(CodePoolTest, AMachineThatDiesDoublesNothingWhereverTheBookWasCutOff) {
  Write("big.csv", "A\nB\n");
  auto pool = Open();
  EXPECT_EQ(Take(pool.get(), 1), "A");
  const std::string book = Read("big.csv.given");
  Crash(std::move(pool));
  // What was reserved is on the disk: the rest may be gone, in part or as a whole.
  const size_t synced = book.find("\ngiven");
  Write("big.csv", "A\nB\nC\n");
  for (size_t size = synced; size <= book.size(); ++size) {
    Write("big.csv.given", book.substr(0, size));
    pool = Open("boot-2");
    EXPECT_EQ(pool->passed_over(), size == book.size() ? 1u : 2u) << size;
    EXPECT_EQ(Take(pool.get(), 2), "C") << "A was given, and B may have been";
    EXPECT_EQ(Take(pool.get(), 3), "none");
    pool.reset();
    pool = Open("boot-3");
    EXPECT_EQ(Take(pool.get(), 2), "C");
    EXPECT_EQ(Take(pool.get(), 3), "none");
    pool.reset();
  }
}

TEST_F(CodePoolTest, OneDaemonAloneGivesFromAFile) {
  Write("big.csv", "A\n");
  const auto pool = Open();
  const auto second = CodePool::Open(Path("big.csv"), "boot-1");
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), testing::HasSubstr("another daemon"));
}

TEST_F(CodePoolTest, RefusesWhatIsNoListOfCodes) {
  for (const char* text : {"A\nB C\n", "code,value\n", "A\n\"B\"\n", "A\n\x01\n"}) {
    Write("big.csv", text);
    const auto pool = CodePool::Open(Path("big.csv"), "boot-1");
    ASSERT_FALSE(pool.ok()) << text;
    EXPECT_THAT(pool.status().message(), testing::HasSubstr("line "));
  }
  EXPECT_FALSE(CodePool::Open(Path("none.csv"), "boot-1").ok());
}

// --- all pools

class CodePoolsTest : public CodePoolTest {
 protected:
  Status Use(const std::map<std::string, int64_t>& lows) {
    std::map<std::string, PoolFile> files;
    for (const auto& [name, low] : lows) {
      files[name] = {Path(name + ".csv"), low};
    }
    return pools_.Use(files);
  }
  std::string Issue(const std::string& pool, uint64_t dispatch) const {
    channels::CouponRequest request;
    request.coupon = "gift";
    request.pool = pool;
    request.dispatch = Id128{1, dispatch};
    const auto issued = pools_.Issue(request, {});
    const auto* outcome = std::get_if<Outcome>(&issued);
    return outcome == nullptr ? std::get<std::string>(issued) : outcome->reason;
  }
  std::string Warnings() {
    std::string text;
    for (const CodePools::Warning& warning : pools_.TakeWarnings()) {
      text += warning.pool + "=" +
              (warning.problem.empty() ? std::to_string(warning.codes) : "spoilt") + " ";
    }
    return text;
  }
  // With a time of change that no earlier one has.
  void Change(const std::string& name, const std::string& text) {
    Write(name, text);
    changed_ += std::chrono::seconds(5);
    std::filesystem::last_write_time(Path(name),
                                     std::filesystem::file_time_type::clock::now() + changed_);
  }

  CodePools pools_{"boot-1"};
  std::chrono::seconds changed_{0};
};

TEST_F(CodePoolsTest, EachGivesFromItsFileAndRefusesWhenItIsEmpty) {
  Write("big.csv", "A\nB\n");
  Write("small.csv", "");
  ASSERT_TRUE(Use({{"big", 2}, {"small", 2}}).ok());
  EXPECT_EQ(pools_.Left("big"), 2);
  EXPECT_EQ(pools_.Left("none"), 0);
  EXPECT_EQ(Warnings(), "small=0 ");
  EXPECT_EQ(Warnings(), "");
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_EQ(Warnings(), "big=1 ");
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_EQ(Warnings(), "");
  EXPECT_EQ(Issue("small", 2), "pool_empty");
  EXPECT_EQ(Issue("none", 3), "no_stock");
  EXPECT_EQ(pools_.Left("big"), 1);
  EXPECT_EQ(pools_.Levels().at("big").codes, 1u);
  EXPECT_EQ(pools_.Levels().at("big").low, 2);
}

TEST_F(CodePoolsTest, ACodeThatIsPromisedIsLeftToNobodyElse) {
  Write("big.csv", "A\nB\nC\n");
  ASSERT_TRUE(Use({{"big", 0}}).ok());
  pools_.Promise("big", Id128{1, 1}, 7);
  pools_.Promise("big", Id128{1, 1}, 7);
  pools_.Promise("big", Id128{1, 2}, 8);
  EXPECT_EQ(pools_.Left("big"), 1);
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_EQ(pools_.Left("big"), 1) << "what was given is promised no more";
  pools_.Release("big", Id128{1, 2});
  EXPECT_EQ(pools_.Left("big"), 2);
  pools_.Promise("big", Id128{1, 3}, 7);
  pools_.Promise("big", Id128{1, 4}, 8);
  pools_.ReleaseAll(7);
  EXPECT_EQ(pools_.Left("big"), 1);
}

TEST_F(CodePoolsTest, CodesThatAreAppendedAreSeenOnceTheirLineHasEnded) {
  Write("big.csv", "A\n");
  ASSERT_TRUE(Use({{"big", 0}}).ok());
  Change("big.csv", "A\nB\nC-1");
  pools_.Refresh();
  EXPECT_EQ(pools_.Left("big"), 2);
  Change("big.csv", "A\nB\nC-123\nA\n");
  pools_.Refresh();
  EXPECT_EQ(pools_.Left("big"), 3);
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_EQ(Issue("big", 2), "B");
  EXPECT_EQ(Issue("big", 3), "C-123");
}

TEST_F(CodePoolsTest, WhatIsAppendedAndNoCodeIsToldOnceAndNothingOfItIsTaken) {
  Write("big.csv", "A\n");
  ASSERT_TRUE(Use({{"big", 0}}).ok());
  Change("big.csv", "A\nB\nno code\n");
  pools_.Refresh();
  EXPECT_EQ(Warnings(), "big=spoilt ");
  pools_.Refresh();
  EXPECT_EQ(Warnings(), "");
  EXPECT_EQ(pools_.Left("big"), 1);
  Change("big.csv", "A\nB\n");
  pools_.Refresh();
  EXPECT_EQ(Warnings(), "");
  EXPECT_EQ(pools_.Left("big"), 2);
}

TEST_F(CodePoolsTest, ManyWhoAskAtOnceGetDifferentCodesUntilNoneIsLeft) {
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kEach = 100;
  constexpr size_t kCodes = 300;
  std::string text;
  for (size_t i = 0; i < kCodes; ++i) {
    text += "C" + std::to_string(i) + "\n";
  }
  Write("big.csv", text);
  ASSERT_TRUE(Use({{"big", 0}}).ok());
  std::vector<std::vector<std::string>> got(kThreads);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &got] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t dispatch = t * kEach + i;
        pools_.Promise("big", Id128{1, dispatch}, static_cast<uint16_t>(t));
        got[t].push_back(Issue("big", dispatch));
        pools_.Refresh();
        (void)pools_.Left("big");
      }
    });
  }
  std::multiset<std::string> all;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads[t].join();
    all.insert(got[t].begin(), got[t].end());
  }
  EXPECT_EQ(all.count("pool_empty"), kThreads * kEach - kCodes);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), kCodes + 1);
  EXPECT_EQ(pools_.Left("big"), 0);
}

TEST_F(CodePoolsTest, AReloadKeepsWhatIsOpenAndRefusesAsAWhole) {
  Write("big.csv", "A\nB\nC\n");
  Write("new.csv", "N\n");
  ASSERT_TRUE(Use({{"big", 0}}).ok());
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_FALSE(Use({{"new", 0}, {"missing", 0}}).ok());
  EXPECT_EQ(pools_.Left("big"), 2) << "nothing has changed";
  ASSERT_TRUE(Use({{"big", 5}, {"new", 0}}).ok());
  EXPECT_EQ(Issue("big", 1), "A");
  EXPECT_EQ(Issue("big", 2), "B");
  EXPECT_EQ(Issue("new", 3), "N");
  // Under another name it is the same file with the same book.
  ASSERT_TRUE(pools_.Use({{"renamed", {Path("big.csv"), 0}}}).ok());
  EXPECT_EQ(Issue("renamed", 4), "C");
  EXPECT_EQ(Issue("big", 5), "no_stock");
  CodePools other("boot-1");
  EXPECT_TRUE(other.Use({{"new", {Path("new.csv"), 0}}}).ok()) << "it was closed";
}

}  // namespace
}  // namespace huitou
