#include "daemon/outbox/circuit_breaker.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace huitou {
namespace {

using State = CircuitBreaker::State;
using namespace outbox_limits;  // NOLINT(google-build-using-namespace)

void Fail(CircuitBreaker* breaker, TimeUs now, int times) {
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(breaker->TryPass(now));
    breaker->OnFailure(now);
  }
}

TEST(CircuitBreaker, OpensAfterFailuresInARow) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax - 1);
  EXPECT_EQ(breaker.state(), State::kClosed);
  Fail(&breaker, 0, 1);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_FALSE(breaker.TryPass(kOpenMin - 1));
  EXPECT_EQ(breaker.NextAt(0), kOpenMin);
}

TEST(CircuitBreaker, ASuccessBetweenFailuresKeepsItClosed) {
  CircuitBreaker breaker;
  for (int i = 0; i < 10; ++i) {
    Fail(&breaker, i * kWindow, kFailuresInRowMax - 1);
    breaker.OnSuccess(i * kWindow);
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST(CircuitBreaker, OpensWhenHalfOfAWindowFails) {
  CircuitBreaker breaker;
  for (int i = 0; i < kWindowSendsMin; ++i) {
    ASSERT_EQ(breaker.state(), State::kClosed) << i;
    i % 2 == 0 ? breaker.OnSuccess(i) : breaker.OnFailure(i);
  }
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST(CircuitBreaker, ForgetsFailuresOfAnOldWindow) {
  CircuitBreaker breaker;
  for (int i = 0; i < 100; ++i) {
    i % 2 == 0 ? breaker.OnSuccess(i * kWindow / 4) : breaker.OnFailure(i * kWindow / 4);
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST(CircuitBreaker, OneProbeAtATimeDecides) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax);
  EXPECT_TRUE(breaker.TryPass(kOpenMin));
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker.TryPass(kOpenMin)) << "one probe is on its way";
  EXPECT_EQ(breaker.NextAt(kOpenMin), kTimeMax);
  breaker.OnSuccess(kOpenMin);
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_TRUE(breaker.TryPass(kOpenMin));
}

TEST(CircuitBreaker, FailedProbesDoubleThePauseUpToItsBound) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax);
  TimeUs now = 0;
  DurationUs expected = kOpenMin;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(breaker.NextAt(now), now + expected);
    now = breaker.NextAt(now);
    Fail(&breaker, now, 1);
    expected = std::min(expected * 2, kOpenMax);
  }
  EXPECT_EQ(breaker.NextAt(now), now + kOpenMax);
}

TEST(CircuitBreaker, AProbeThatTaughtNothingMakesRoomForAnother) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax);
  EXPECT_TRUE(breaker.TryPass(kOpenMin));
  breaker.OnNothing();
  EXPECT_TRUE(breaker.TryPass(kOpenMin));
}

TEST(CircuitBreaker, OldAnswersDoNotCloseIt) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax);
  breaker.OnSuccess(1);
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST(CircuitBreaker, StaysOpenAsLongAsTheProviderAsked) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax - 1);
  breaker.OnFailure(0, kHourUs);
  EXPECT_EQ(breaker.NextAt(0), kHourUs);
  breaker.OnFailure(1, 2 * kHourUs);
  EXPECT_EQ(breaker.NextAt(0), 2 * kHourUs + 1);
}

TEST(CircuitBreaker, OpensAtOnceWhenTheAccountIsWrong) {
  CircuitBreaker breaker;
  breaker.OnPaused(0);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.NextAt(0), kOpenMax);
}

TEST(CircuitBreaker, IsDownWhenNoProbeHasPassedForLong) {
  CircuitBreaker breaker;
  Fail(&breaker, 0, kFailuresInRowMax);
  TimeUs now = 0;
  while (now < kDownAfter) {
    EXPECT_FALSE(breaker.IsDown(now));
    now = breaker.NextAt(now);
    Fail(&breaker, now, 1);
  }
  EXPECT_TRUE(breaker.IsDown(now));
  now = breaker.NextAt(now);
  ASSERT_TRUE(breaker.TryPass(now));
  EXPECT_TRUE(breaker.IsDown(now)) << "the probe is on its way";
  breaker.OnSuccess(now);
  EXPECT_FALSE(breaker.IsDown(now));
  Fail(&breaker, now, kFailuresInRowMax);
  EXPECT_FALSE(breaker.IsDown(now + 1)) << "counted anew";
}

TEST(CircuitBreaker, AClockSetBackDoesNotKeepItOpen) {
  CircuitBreaker breaker;
  Fail(&breaker, kDayUs, kFailuresInRowMax);
  EXPECT_FALSE(breaker.TryPass(kDayUs));
  EXPECT_TRUE(breaker.TryPass(kDayUs - kHourUs));
}

}  // namespace
}  // namespace huitou
