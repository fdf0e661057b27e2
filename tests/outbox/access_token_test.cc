#include "daemon/outbox/access_token.h"

#include <gtest/gtest.h>

#include "daemon/outbox/limits.h"

namespace huitou {
namespace {

using namespace outbox_limits;  // NOLINT(google-build-using-namespace)

TEST(AccessToken, IsFetchedOnceBeforeItsFirstUse) {
  AccessToken token;
  EXPECT_FALSE(token.IsValid(0));
  EXPECT_TRUE(token.ShouldFetch(0));
  token.OnFetching();
  EXPECT_FALSE(token.ShouldFetch(0)) << "one at a time";
  token.OnFetched("t1", 2 * kHourUs, 0);
  EXPECT_TRUE(token.IsValid(0));
  EXPECT_FALSE(token.ShouldFetch(0));
}

TEST(AccessToken, IsRenewedFiveMinutesBeforeItsEndWhileTheOldOneServes) {
  AccessToken token;
  token.OnFetched("t1", 2 * kHourUs, 0);
  const TimeUs due = 2 * kHourUs - kTokenMargin;
  EXPECT_FALSE(token.ShouldFetch(due - 1));
  EXPECT_TRUE(token.ShouldFetch(due));
  EXPECT_TRUE(token.IsValid(due));
  token.OnFetching();
  token.OnFailed(due);
  EXPECT_FALSE(token.ShouldFetch(due + kTokenRetryMin - 1));
  EXPECT_TRUE(token.ShouldFetch(due + kTokenRetryMin));
  EXPECT_FALSE(token.IsValid(2 * kHourUs));
}

TEST(AccessToken, AShortLifeIsUsedForTheMostPart) {
  AccessToken token;
  token.OnFetched("t1", kMinuteUs, 0);
  EXPECT_FALSE(token.ShouldFetch(54 * kSecondUs - 1));
  EXPECT_TRUE(token.ShouldFetch(54 * kSecondUs));
}

TEST(AccessToken, IsFetchedAgainAtOnceWhenThereIsNone) {
  AccessToken token;
  token.OnFetching();
  token.OnFailed(0);
  EXPECT_TRUE(token.ShouldFetch(0));
}

TEST(AccessToken, OneThatTheProviderRefusesIsGivenUp) {
  AccessToken token;
  token.OnFetched("t1", 2 * kHourUs, 0);
  token.OnExpired("t1");
  EXPECT_FALSE(token.IsValid(kTokenAgeMin));
  EXPECT_TRUE(token.ShouldFetch(kTokenAgeMin));
  token.OnFetched("t2", 2 * kHourUs, kTokenAgeMin);
  token.OnExpired("t1");
  EXPECT_TRUE(token.IsValid(kTokenAgeMin)) << "the new one is there already";
}

TEST(AccessToken, ABrandNewOneThatIsRefusedIsNotReplacedAtOnce) {
  AccessToken token;
  token.OnFetched("t1", 2 * kHourUs, 100 * kSecondUs);
  token.OnExpired("t1");
  const TimeUs later = 100 * kSecondUs + kTokenAgeMin;
  EXPECT_FALSE(token.ShouldFetch(later - 1));
  EXPECT_TRUE(token.ShouldFetch(later));
  EXPECT_TRUE(token.ShouldFetch(0)) << "the clock was set back";
}

TEST(AccessToken, AnAbsurdLifetimeIsBounded) {
  AccessToken token;
  token.OnFetched("t1", kTimeMax, 1);
  EXPECT_FALSE(token.IsValid(1 + kTokenLifetimeMax));
  token.OnFetched("t2", -5, 1);
  EXPECT_FALSE(token.IsValid(1));
}

}  // namespace
}  // namespace huitou
