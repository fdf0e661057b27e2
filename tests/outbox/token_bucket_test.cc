#include "daemon/outbox/token_bucket.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

TEST(TokenBucket, GivesItsBurstThenItsRate) {
  TokenBucket bucket(100, 10);
  TimeUs now = 7 * kSecondUs;
  int taken = 0;
  while (bucket.TryTake(now)) {
    ++taken;
  }
  EXPECT_EQ(taken, 10);
  for (int i = 0; i < 1'000; ++i) {
    now += 1'000;
    taken += bucket.TryTake(now) ? 1 : 0;
  }
  EXPECT_EQ(taken, 10 + 100);
}

TEST(TokenBucket, NextAtIsWhenTheNextOneCanBeTaken) {
  TokenBucket bucket(3, 1);
  EXPECT_EQ(bucket.NextAt(0), 0);
  EXPECT_TRUE(bucket.TryTake(0));
  TimeUs now = 0;
  for (int i = 0; i < 1'000; ++i) {
    const TimeUs next = bucket.NextAt(now);
    EXPECT_FALSE(bucket.TryTake(next - 2));
    EXPECT_TRUE(bucket.TryTake(next));
    now = next;
  }
  EXPECT_NEAR(static_cast<double>(now) / kSecondUs, 1'000 / 3.0, 0.01);
}

TEST(TokenBucket, TakesNoMoreThanADaysRate) {
  TokenBucket bucket(5'000.0 / 86'400, 1);
  int taken = 0;
  for (TimeUs now = 0; now < kDayUs; now += kSecondUs) {
    taken += bucket.TryTake(now) ? 1 : 0;
  }
  EXPECT_GE(taken, 4'800);
  EXPECT_LE(taken, 5'001);
}

TEST(TokenBucket, WithoutARateHasNoLimit) {
  TokenBucket bucket(0, 0);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(bucket.TryTake(0));
  }
  EXPECT_EQ(bucket.NextAt(5), 5);
}

TEST(TokenBucket, TakesBackWhatWasNotUsed) {
  TokenBucket bucket(1, 1);
  EXPECT_TRUE(bucket.TryTake(0));
  bucket.GiveBack();
  bucket.GiveBack();
  EXPECT_TRUE(bucket.TryTake(0));
  EXPECT_FALSE(bucket.TryTake(0));
}

TEST(TokenBucket, AClockSetBackGivesNothingAndTakesNothing) {
  TokenBucket bucket(1, 1);
  EXPECT_TRUE(bucket.TryTake(100 * kSecondUs));
  EXPECT_FALSE(bucket.TryTake(50 * kSecondUs));
  EXPECT_TRUE(bucket.TryTake(51 * kSecondUs));
}

TEST(TokenBucket, ANewRateCountsFromNowOn) {
  TokenBucket bucket(100, 10);
  bucket.SetRate(1, 1);
  EXPECT_TRUE(bucket.TryTake(0));
  EXPECT_FALSE(bucket.TryTake(0));
  EXPECT_TRUE(bucket.TryTake(kSecondUs));
}

}  // namespace
}  // namespace huitou
