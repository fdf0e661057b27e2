#include "daemon/metrics/uplift.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

// The examples of Newcombe's table II, method 10.
TEST(Uplift, IntervalsAreThoseOfThePaper) {
  struct Case {
    Arms arms;
    double estimate, lower, upper;
  };
  const Case cases[] = {
      {{70, 56, 80, 48}, 0.2, 0.0524, 0.3339},
      {{10, 9, 10, 3}, 0.6, 0.1705, 0.8090},
      {{56, 5, 29, 0}, 0.0893, -0.0381, 0.1926},
      {{10, 10, 20, 0}, 1.0, 0.6791, 1.0},
  };
  for (const Case& expected : cases) {
    const auto uplift = UpliftOf(expected.arms);
    ASSERT_TRUE(uplift.has_value());
    EXPECT_NEAR(expected.estimate, uplift->estimate, 0.00005);
    EXPECT_NEAR(expected.lower, uplift->lower, 0.00005);
    EXPECT_NEAR(expected.upper, uplift->upper, 0.00005);
  }
}

TEST(Uplift, NothingIsSaidWithoutAControlGroup) {
  EXPECT_FALSE(UpliftOf({100, 10, 0, 0}).has_value());
  EXPECT_FALSE(UpliftOf({0, 0, 10, 1}).has_value());
}

TEST(Uplift, NobodyConvertedIsNoEffect) {
  const auto uplift = UpliftOf({1000, 0, 100, 0});
  ASSERT_TRUE(uplift.has_value());
  EXPECT_EQ(0.0, uplift->estimate);
  EXPECT_LT(uplift->lower, 0.0);
  EXPECT_GT(uplift->upper, 0.0);
}

}  // namespace
}  // namespace huitou
