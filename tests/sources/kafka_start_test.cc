// Where a partition begins, and when it is refused.
#include "daemon/sources/kafka_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace huitou::kafka {
namespace {

using testing::HasSubstr;

class StartTest : public testing::Test {
 protected:
  StartTest() {
    options_.state_id = "one";
    options_.group = "huitou";
    known_.committed = {"orders", 3, -1, ""};
    known_.begin = 100;
    known_.end = 900;
  }
  void CommittedBy(const std::string& mark, int64_t offset) {
    known_.committed.metadata = mark;
    known_.committed.offset = offset;
  }
  int64_t Start() { return StartOf(known_, options_).value(); }
  std::string Refusal() {
    const Result<int64_t> start = StartOf(known_, options_);
    return start.ok() ? "" : start.status().message();
  }

  KafkaSourceOptions options_;
  Known known_;
};

TEST_F(StartTest, WithoutAnythingStoredTheSettingsSay) {
  EXPECT_EQ(Start(), 100);
  options_.start_latest = true;
  EXPECT_EQ(Start(), 900);
}

TEST_F(StartTest, TheStoreCountsAndNotTheGroup) {
  CommittedBy("huitou:one", 700);
  known_.stored = 500;
  EXPECT_EQ(Start(), 500);
}

TEST_F(StartTest, BeforeTheFirstCommitTheMarkRemembersTheBeginning) {
  options_.start_latest = true;
  CommittedBy("huitou:one", 700);
  EXPECT_EQ(Start(), 700);
}

TEST_F(StartTest, OffsetsOfTheGroupWithoutAMarkDoNotCount) {
  CommittedBy("", 700);
  EXPECT_EQ(Start(), 100);
}

TEST_F(StartTest, BothEdgesOfTheLogAreInside) {
  known_.stored = 100;
  EXPECT_EQ(Start(), 100);
  known_.stored = 900;
  EXPECT_EQ(Start(), 900);
}

TEST_F(StartTest, AnotherStatesPartitionIsRefused) {
  CommittedBy("huitou:two", 700);
  known_.stored = 500;
  EXPECT_THAT(Refusal(), HasSubstr("orders-3 belongs to another state"));
}

TEST_F(StartTest, WhatRetentionRemovedIsRefused) {
  known_.stored = 99;
  EXPECT_THAT(Refusal(), HasSubstr("begins at offset 100, and the state stands at 99"));
}

TEST_F(StartTest, ALogThatIsShorterThanTheStateIsRefused) {
  known_.stored = 901;
  EXPECT_THAT(Refusal(), HasSubstr("ends at offset 900, and the state stands at 901"));
}

}  // namespace
}  // namespace huitou::kafka
