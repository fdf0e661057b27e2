#include "triggers/base/time.h"

#include <gtest/gtest.h>

#include <random>

namespace huitou {
namespace {

TEST(Time, ReadsRfc3339WithAnOffset) {
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ParseRfc3339("2026-11-11T00:03:12Z"), 1'794'355'392 * kSecondUs);
  EXPECT_EQ(ParseRfc3339("2026-11-11T08:03:12+08:00"), ParseRfc3339("2026-11-11T00:03:12Z"));
  EXPECT_EQ(ParseRfc3339("2026-11-10T18:33:12-05:30"), ParseRfc3339("2026-11-11T00:03:12Z"));
  EXPECT_EQ(ParseRfc3339("2026-11-11T00:03:12-00:00"), ParseRfc3339("2026-11-11T00:03:12Z"));
  EXPECT_EQ(ParseRfc3339("2026-11-11t00:03:12z"), ParseRfc3339("2026-11-11T00:03:12Z"));
  EXPECT_EQ(ParseRfc3339("1969-12-31T23:59:59.5Z"), -kSecondUs / 2);
}

TEST(Time, CutsFractionsOffBelowTheMicrosecond) {
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00.1Z"), 100'000);
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00.123456Z"), 123'456);
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00.1234569999999999999999999Z"), 123'456);
}

TEST(Time, KnowsLeapDays) {
  EXPECT_TRUE(ParseRfc3339("2024-02-29T00:00:00Z"));
  EXPECT_TRUE(ParseRfc3339("2000-02-29T00:00:00Z"));
  EXPECT_FALSE(ParseRfc3339("2026-02-29T00:00:00Z"));
  EXPECT_FALSE(ParseRfc3339("2100-02-29T00:00:00Z"));
  EXPECT_EQ(*ParseRfc3339("2024-03-01T00:00:00Z") - *ParseRfc3339("2024-02-28T00:00:00Z"),
            2 * kDayUs);
}

TEST(Time, TakesALeapSecondForTheNextDaysFirst) {
  EXPECT_EQ(ParseRfc3339("2016-12-31T23:59:60Z"), ParseRfc3339("2017-01-01T00:00:00Z"));
  EXPECT_EQ(ParseRfc3339("2017-01-01T07:59:60.25+08:00"), ParseRfc3339("2017-01-01T00:00:00.25Z"));
  EXPECT_FALSE(ParseRfc3339("2017-01-01T07:59:60Z"));
  EXPECT_FALSE(ParseRfc3339("2016-12-31T23:59:61Z"));
}

TEST(Time, RefusesWhatIsNotExactlyRfc3339) {
  for (const char* text : {"",
                           "2026-11-11",
                           "2026-11-11T00:03:12",
                           "2026-11-11 00:03:12Z",
                           "2026-11-11T00:03:12.Z",
                           "2026-11-11T00:03:12+0800",
                           "2026-11-11T00:03:12+08",
                           "2026-11-11T00:03:12+08:60",
                           "2026-11-11T00:03:12+24:00",
                           "2026-11-11T24:00:00Z",
                           "2026-11-11T00:60:00Z",
                           "2026-11-11T00:00:60Z",
                           "2026-13-11T00:00:00Z",
                           "2026-00-11T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-11-00T00:00:00Z",
                           "26-11-11T00:00:00Z",
                           "2026-11-11T00:03:12Z ",
                           " 2026-11-11T00:03:12Z",
                           "2026-11-11T00:03:12ZZ",
                           "+026-11-11T00:03:12Z",
                           "2026-1a-11T00:03:12Z",
                           "2026-11-11T0 :03:12Z",
                           "2026/11/11T00:03:12Z",
                           "2026-11-11T00.03.12Z",
                           "0000-12-31T23:59:59Z",
                           "9999-12-31T23:59:59.5Z",
                           "9999-12-31T23:59:59-00:01",
                           "0001-01-01T00:00:00+00:01"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

TEST(Time, HoldsTheWholeRangeOfCelTimestamps) {
  EXPECT_EQ(ParseRfc3339("0001-01-01T00:00:00Z"), kTimestampMin);
  EXPECT_EQ(ParseRfc3339("9999-12-31T23:59:59Z"), kTimestampMax);
  EXPECT_EQ(FormatRfc3339(kTimestampMin), "0001-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(kTimeMin), "0001-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(kTimeMax), "9999-12-31T23:59:59Z");
}

TEST(Time, WritesAFractionOnlyWhereThereIsOne) {
  EXPECT_EQ(FormatRfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(1'500'000), "1970-01-01T00:00:01.500Z");
  EXPECT_EQ(FormatRfc3339(1), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(FormatRfc3339(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(Time, WhatIsWrittenReadsBackTheSame) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<TimeUs> any(kTimestampMin, kTimestampMax);
  for (int i = 0; i < 10'000; ++i) {
    const TimeUs time = any(random);
    ASSERT_EQ(ParseRfc3339(FormatRfc3339(time)), time) << FormatRfc3339(time);
  }
}

TEST(Duration, ReadsUnitsAndSumsOfFallingUnits) {
  EXPECT_EQ(ParseDuration("0s"), 0);
  EXPECT_EQ(ParseDuration("100ms"), 100'000);
  EXPECT_EQ(ParseDuration("1.5s"), 1'500'000);
  EXPECT_EQ(ParseDuration("90s"), 90 * kSecondUs);
  EXPECT_EQ(ParseDuration("10m"), 10 * kMinuteUs);
  EXPECT_EQ(ParseDuration("47d"), 47 * kDayUs);
  EXPECT_EQ(ParseDuration("2w"), 14 * kDayUs);
  EXPECT_EQ(ParseDuration("1d12h"), 36 * kHourUs);
  EXPECT_EQ(ParseDuration("1w2d3h4m5s6ms"),
            9 * kDayUs + 3 * kHourUs + 4 * kMinuteUs + 5 * kSecondUs + 6'000);
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"",
                           "0",
                           "0m",
                           "0d",
                           "5",
                           "d",
                           "-1d",
                           "+1d",
                           "1 d",
                           " 1d",
                           "1d ",
                           "1D",
                           "1y",
                           "1mo",
                           "1.5h",
                           "1.s",
                           ".5s",
                           "1.0000001s",
                           "12h1d",
                           "1d1d",
                           "1h1ms2s",
                           "99999999999999999999d",
                           "999999999999999999w",
                           "15250285w2d",
                           "9223372036854775807s",
                           "1e3s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(Duration, WritesTheShortestForm) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(100'000), "0.1s");
  EXPECT_EQ(FormatDuration(1'500'000), "1.5s");
  EXPECT_EQ(FormatDuration(90 * kSecondUs), "90s");
  EXPECT_EQ(FormatDuration(36 * kHourUs), "36h");
  EXPECT_EQ(FormatDuration(47 * kDayUs), "47d");
  EXPECT_EQ(FormatDuration(14 * kDayUs), "14d");
  EXPECT_EQ(FormatDuration(kDayUs + kSecondUs), "1d1s");
  EXPECT_EQ(FormatDuration(-kHourUs), "-1h");
}

TEST(Duration, WhatIsWrittenReadsBackTheSame) {
  std::mt19937_64 random(11);
  for (int bits = 1; bits < 63; ++bits) {
    std::uniform_int_distribution<DurationUs> any(1, DurationUs{1} << bits);
    for (int i = 0; i < 100; ++i) {
      const DurationUs duration = any(random);
      ASSERT_EQ(ParseDuration(FormatDuration(duration)), duration) << FormatDuration(duration);
    }
  }
}

}  // namespace
}  // namespace huitou
