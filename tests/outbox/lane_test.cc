#include "daemon/outbox/lane.h"

#include <gtest/gtest.h>

#include <vector>

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

const std::vector<Outcome> kAccepted = {MakeOutcome(Kind::kAccepted, "")};

// The circuit after as many such outcomes in a row as would open it.
State After(const Outcome& outcome) {
  Lane lane(LimitsOf(0, 10));
  for (int i = 0; i < outbox_limits::kFailuresInRowMax && lane.TryAcquire(0); ++i) {
    lane.Finish({&outcome, 1}, 0);
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

// The circuit after as many requests in a row as would open it, each with these.
State AfterRequests(const std::vector<Outcome>& outcomes, int requests) {
  Lane lane(LimitsOf(0, 10));
  for (int i = 0; i < requests; ++i) {
    for (size_t message = 0; message < outcomes.size(); ++message) {
      EXPECT_TRUE(lane.TryAcquire(0));
    }
    lane.Finish(outcomes, 0);
  }
  return lane.circuit();
}

TEST(Lane, HearsOfARequestOnceHoweverManyMessagesItCarried) {
  const Outcome lost = MakeOutcome(Kind::kUnknown, "no_answer");
  const int most = outbox_limits::kFailuresInRowMax;
  EXPECT_EQ(AfterRequests({lost, lost, lost}, most - 1), State::kClosed);
  EXPECT_EQ(AfterRequests({lost, lost, lost}, most), State::kOpen);
  EXPECT_EQ(AfterRequests({lost, MakeOutcome(Kind::kAccepted, ""), lost}, most), State::kClosed)
      << "it took one";
  EXPECT_EQ(AfterRequests(
                {MakeOutcome(Kind::kAccepted, ""), MakeOutcome(Kind::kChannelPaused, "quota")}, 1),
            State::kOpen)
      << "the rest would be refused too";
}

TEST(Lane, EveryMessageOfARequestHasItsPlaceAndItsShareOfTheRate) {
  Lane lane(LimitsOf(30, 3));
  EXPECT_TRUE(lane.TryAcquire(0) && lane.TryAcquire(0) && lane.TryAcquire(0));
  EXPECT_FALSE(lane.TryAcquire(kSecondUs)) << "three are on their way";
  lane.Finish(std::vector<Outcome>(3, kAccepted[0]), kSecondUs);
  EXPECT_TRUE(lane.TryAcquire(kSecondUs) && lane.TryAcquire(kSecondUs) &&
              lane.TryAcquire(kSecondUs));
}

TEST(Lane, SaysWhenThereIsRoomForWhoWaits) {
  Lane lane(LimitsOf(10, 1));
  EXPECT_EQ(lane.NextRoomAt(0), kTimeMax) << "nobody waits";
  EXPECT_TRUE(lane.TryAcquire(0));
  EXPECT_FALSE(lane.TryAcquire(0));
  EXPECT_EQ(lane.NextRoomAt(0), kTimeMax) << "one is on its way";
  lane.Finish(kAccepted, 0);
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
  lane.Finish(kAccepted, 0);
  EXPECT_FALSE(lane.TryAcquire(0));
}

}  // namespace
}  // namespace huitou
