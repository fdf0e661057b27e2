#include "daemon/outbox/lane.h"

#include <gtest/gtest.h>

#include "channels/answer.h"
#include "daemon/outbox/limits.h"

namespace huitou {
namespace {

using channels::MakeOutcome;
using channels::Outcome;
using Kind = Outcome::Kind;
using State = CircuitBreaker::State;

channels::Limits LimitsOf(double rate_per_second, int in_flight_max) {
  channels::Limits limits;
  limits.rate_per_second = rate_per_second;
  limits.in_flight_max = in_flight_max;
  return limits;
}

// The circuit after as many such outcomes in a row as would open it.
State After(const Outcome& outcome) {
  Lane lane(LimitsOf(0, 10));
  for (int i = 0; i < outbox_limits::kFailuresInRowMax && lane.TryAcquire(0); ++i) {
    lane.Finish(outcome, 0);
  }
  return lane.circuit();
}

TEST(Lane, OnlyASickProviderOpensItsCircuit) {
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "not_sent")), State::kOpen);
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "unavailable")), State::kOpen);
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "rate_limited")), State::kOpen);
  EXPECT_EQ(After(MakeOutcome(Kind::kUnknown, "no_answer")), State::kOpen);
  EXPECT_EQ(After(MakeOutcome(Kind::kChannelPaused, "unauthorized")), State::kOpen);
  EXPECT_EQ(After(MakeOutcome(Kind::kAccepted, "")), State::kClosed);
  EXPECT_EQ(After(MakeOutcome(Kind::kRejected, "bad_number")), State::kClosed);
  EXPECT_EQ(After(MakeOutcome(Kind::kTokenExpired, "token")), State::kClosed);
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "recipient_limit")), State::kClosed);
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "send_window")), State::kClosed);
  EXPECT_EQ(After(MakeOutcome(Kind::kRetry, "greylisted")), State::kClosed);
}

TEST(Lane, SaysWhenThereIsRoomForWhoWaits) {
  Lane lane(LimitsOf(10, 1));
  EXPECT_EQ(lane.NextRoomAt(0), kTimeMax) << "nobody waits";
  EXPECT_TRUE(lane.TryAcquire(0));
  EXPECT_FALSE(lane.TryAcquire(0));
  EXPECT_EQ(lane.NextRoomAt(0), kTimeMax) << "one is on its way";
  lane.Finish(MakeOutcome(Kind::kAccepted, ""), 0);
  EXPECT_EQ(lane.NextRoomAt(0), kSecondUs / 10) << "the rate";
  EXPECT_FALSE(lane.TakeWaiting(0));
  EXPECT_TRUE(lane.TakeWaiting(kSecondUs / 10));
  EXPECT_FALSE(lane.TakeWaiting(kSecondUs / 10)) << "told once";
}

TEST(Lane, AReleaseGivesEverythingBack) {
  Lane lane(LimitsOf(1, 1));
  EXPECT_TRUE(lane.TryAcquire(0));
  lane.Release();
  EXPECT_TRUE(lane.TryAcquire(0));
}

TEST(Lane, NewLimitsHoldFromNowOn) {
  Lane lane(LimitsOf(0, 1));
  EXPECT_TRUE(lane.TryAcquire(0));
  lane.SetLimits(LimitsOf(0, 2));
  EXPECT_TRUE(lane.TryAcquire(0));
  lane.SetLimits(LimitsOf(0, 1));
  lane.Finish(MakeOutcome(Kind::kAccepted, ""), 0);
  EXPECT_FALSE(lane.TryAcquire(0));
}

}  // namespace
}  // namespace huitou
