// Coupons of pools through the shard: entries, promises, crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/outbox/code_pool.h"
#include "tests/shard/harness.h"

namespace huitou {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

constexpr const char* kPool = "winback-50";

std::shared_ptr<Campaign> ThanksFromAPool() {
  CouponStep coupon = FiftyYuan();
  coupon.pool = kPool;
  return ThanksWithACoupon(coupon);
}

class PoolsTest : public testing::Test {
 protected:
  PoolsTest() {
    folder_ = std::filesystem::temp_directory_path() /
              ("huitou-shard-pool-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
               std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~PoolsTest() override { std::filesystem::remove_all(folder_); }

  void Fill(const std::string& codes) { std::ofstream(folder_ / "codes.csv") << codes; }
  // The process: its pools die with it, and their book stays.
  void OpenPools() {
    pools_ = std::make_unique<CodePools>("boot-1");
    ASSERT_TRUE(pools_->Use({{kPool, {(folder_ / "codes.csv").string(), 0}}}).ok());
    world_.pools = pools_.get();
  }
  void Crash() {
    world_.Crash();
    world_.pools = nullptr;
    pools_.reset();
  }
  void Review(const std::string& customer) {
    world_.Append(EventJson(At(0), "review.posted", customer));
  }
  // The dispatcher's work: asks the pools, and tells the shard. Returns the codes.
  std::vector<std::string> Serve() {
    std::vector<std::string> codes;
    std::vector<SendJob> jobs;
    std::swap(jobs, world_.gate.sent);
    for (const SendJob& job : jobs) {
      SendResult result{job.dispatch, job.attempt, {}, ""};
      result.outcome.kind = channels::Outcome::Kind::kAccepted;
      if (job.channel == kPoolChannel) {
        auto issued = pools_->Issue(job.coupon, {});
        if (auto* code = std::get_if<std::string>(&issued)) {
          codes.push_back(result.coupon_code = *code);
        } else {
          result.outcome = std::get<channels::Outcome>(issued);
        }
      }
      world_.shard().PostResult(std::move(result));
    }
    EXPECT_TRUE(world_.LiveUntil(world_.clock.Now() + kSecondUs));
    return codes;
  }

  std::filesystem::path folder_;
  std::unique_ptr<CodePools> pools_;  // outlives the shard
  ShardWorld world_{SetOf({ThanksFromAPool()})};
};

TEST_F(PoolsTest, NoMoreEnterThanThereAreCodesEvenBeforeOneIsGiven) {
  Fill("A\nB\n");
  OpenPools();
  for (const char* customer : {"c1", "c2", "c3"}) {
    Review(customer);
  }
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  EXPECT_THAT(world_.Decisions(), Contains(HasSubstr("thanks c3 rejected stock")));
  EXPECT_EQ(pools_->Left(kPool), 0);
  EXPECT_THAT(world_.shard().Snapshot().outbox_depth, Contains(Pair(kPoolChannel, 2)));
  EXPECT_THAT(Serve(), SizeIs(2));
  EXPECT_EQ(world_.LedgerSize(), 2u);
  EXPECT_THAT(world_.Decisions(), Contains(HasSubstr("thanks c1 dispatched")));
}

TEST_F(PoolsTest, OfTwoWhoAskForTheLastCodeAtOnceOneGetsItAndTheOtherIsRefusedLater) {
  Fill("A\n");
  OpenPools();
  Review("c1");
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  channels::CouponRequest other;  // of a shard that asked the gate at the same instant
  other.pool = kPool;
  other.dispatch = Id128{9, 9};
  EXPECT_EQ(std::get<std::string>(pools_->Issue(other, {})), "A");
  EXPECT_THAT(Serve(), IsEmpty());
  EXPECT_THAT(world_.Decisions(), Contains(HasSubstr("thanks c1 failed coupon_refused")));
  EXPECT_EQ(world_.LedgerSize(), 0u);
}

TEST_F(PoolsTest, ACrashBetweenTheCodeAndItsCommitGivesTheSameCodeAgain) {
  Fill("A\nB\nC\n");
  OpenPools();
  Review("c1");
  Review("c2");
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  ASSERT_THAT(world_.gate.sent, SizeIs(2));
  const SendJob first = world_.gate.sent[0];
  const std::string code = std::get<std::string>(pools_->Issue(first.coupon, {}));
  Crash();  // the shard has not heard of it
  OpenPools();
  ASSERT_TRUE(world_.LiveUntil(world_.clock.Now() + kMinuteUs));
  ASSERT_THAT(world_.gate.sent, SizeIs(2));
  const std::vector<std::string> codes = Serve();
  ASSERT_THAT(codes, SizeIs(2));
  EXPECT_THAT(codes, Contains(code));
  EXPECT_NE(codes[0], codes[1]);
  EXPECT_EQ(world_.LedgerSize(), 2u);
  EXPECT_EQ(pools_->Left(kPool), 1);
}

TEST_F(PoolsTest, WhatNeverAsksForItsCodeLeavesItToOthers) {
  Fill("A\nB\n");
  OpenPools();
  auto campaign = ThanksFromAPool();
  campaign->exits.push_back({"review.deleted", nullptr});
  world_.campaigns = SetOf({campaign});
  world_.gate.room[kPoolChannel] = 0;
  Review("c1");
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  EXPECT_EQ(pools_->Left(kPool), 1);
  world_.Append(EventJson(At(0.1), "review.deleted", "c1"));
  ASSERT_TRUE(world_.LiveUntil(At(0.1)));
  world_.gate.room[kPoolChannel] = 5;
  world_.shard().PostRoom();
  ASSERT_TRUE(world_.LiveUntil(At(0.1) + kMinuteUs));
  EXPECT_THAT(world_.gate.sent, IsEmpty());
  EXPECT_EQ(pools_->Left(kPool), 2);
}

TEST_F(PoolsTest, WhoIsErasedBeforeTheCodeCameLeavesItToOthers) {
  Fill("A\n");
  OpenPools();
  world_.gate.room[kPoolChannel] = 0;
  Review("c1");
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  EXPECT_EQ(pools_->Left(kPool), 0);
  world_.shard().Post([](ShardView& view) { EXPECT_TRUE(view.Erase("c1").ok()); });
  ASSERT_TRUE(world_.LiveUntil(At(0.1)));
  EXPECT_EQ(pools_->Left(kPool), 1);
  EXPECT_THAT(world_.shard().Snapshot().outbox_depth, ElementsAre(Pair(kPoolChannel, 0)));
}

TEST_F(PoolsTest, AShardThatGoesPromisesNothingAnyMore) {
  Fill("A\n");
  OpenPools();
  Review("c1");
  ASSERT_TRUE(world_.LiveUntil(At(0)));
  EXPECT_EQ(pools_->Left(kPool), 0);
  world_.Crash();
  EXPECT_EQ(pools_->Left(kPool), 1);
}

}  // namespace
}  // namespace huitou
