// Codes of a file: each given once, whatever crashes.
#include "daemon/outbox/code_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace huitou {
namespace {

using channels::Outcome;
using testing::ElementsAre;
using testing::Pair;

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

TEST_F(CodePoolTest, AProviderKnowsEachStepsFileAndRefusesTheEmptyOnes) {
  Write("big.csv", "A\nB\n");
  Write("small.csv", "");
  Write("notes.txt", "no pool");
  const auto pools = CodePools::Open(folder_.string(), 2, BootId());
  ASSERT_TRUE(pools.ok()) << pools.status().message();
  EXPECT_THAT((*pools)->Remaining(), ElementsAre(Pair("big", 2), Pair("small", 0)));
  const auto issue = [&pools](const std::string& step, uint64_t dispatch) {
    channels::CouponRequest request;
    request.coupon = step;
    request.dispatch = Id128{1, dispatch};
    const auto issued = (*pools)->Issue(request, {});
    const auto* outcome = std::get_if<Outcome>(&issued);
    return outcome == nullptr ? std::get<std::string>(issued) : outcome->reason;
  };
  const auto warnings = [&pools] {
    std::string text;
    for (const CodePools::Warning& warning : (*pools)->TakeWarnings()) {
      text += warning.pool + "=" + std::to_string(warning.codes) + " ";
    }
    return text;
  };
  EXPECT_EQ(warnings(), "small=0 ");
  EXPECT_EQ(warnings(), "");
  EXPECT_EQ(issue("big", 1), "A");
  EXPECT_EQ(warnings(), "big=1 ");
  EXPECT_EQ(issue("big", 1), "A");
  EXPECT_EQ(warnings(), "");
  EXPECT_EQ(issue("small", 2), "pool_empty");
  EXPECT_EQ(issue("notes", 3), "no_stock");
  EXPECT_THAT((*pools)->Remaining(), ElementsAre(Pair("big", 1), Pair("small", 0)));
  EXPECT_FALSE(CodePools::Open(Path("nowhere"), 2, BootId()).ok());
}

}  // namespace
}  // namespace huitou
