#include "triggers/base/civil_time.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

Zone In(std::string_view name) {
  const std::optional<Zone> zone = Zone::Find(name);
  EXPECT_TRUE(zone) << name;
  return zone.value_or(Zone());
}

TimeUs At(std::string_view text) {
  const std::optional<TimeUs> time = ParseRfc3339(text);
  EXPECT_TRUE(time) << text;
  return time.value_or(0);
}

// A wall's reading, written with a Z that is not meant.
TimeUs Wall(std::string_view text) {
  return At(text);
}

DurationUs Clock(std::string_view text) {
  return ParseTimeOfDay(text).value_or(-1);
}

std::string QuietUntil(std::string_view time, std::string_view from, std::string_view to,
                       const Zone& zone) {
  TimeUs until = 0;
  return InDailySpan(At(time), Clock(from), Clock(to), zone, &until) ? FormatRfc3339(until) : "-";
}

TEST(Zone, IsFoundByItsIanaName) {
  for (const char* name : {"Asia/Shanghai", "America/New_York", "Europe/Berlin", "UTC"}) {
    EXPECT_TRUE(Zone::Find(name)) << name;
  }
  for (const char* name : {"", "Asia/Shangai", "+08:00", "../../etc/passwd", "/etc/localtime"}) {
    EXPECT_FALSE(Zone::Find(name)) << name;
  }
}

TEST(Zone, KnowsItsOffsetInSummerAndWinter) {
  EXPECT_EQ(Zone().OffsetAt(At("2026-07-01T00:00:00Z")), 0);
  EXPECT_EQ(In("Asia/Shanghai").OffsetAt(At("2026-07-01T00:00:00Z")), 8 * kHourUs);
  const Zone york = In("America/New_York");
  EXPECT_EQ(york.OffsetAt(At("2026-01-01T00:00:00Z")), -5 * kHourUs);
  EXPECT_EQ(york.OffsetAt(At("2026-07-01T00:00:00Z")), -4 * kHourUs);
  EXPECT_EQ(york.OffsetAt(At("2026-03-08T06:59:59.999999Z")), -5 * kHourUs);
  EXPECT_EQ(york.OffsetAt(At("2026-03-08T07:00:00Z")), -4 * kHourUs);
  EXPECT_EQ(In("Australia/Lord_Howe").OffsetAt(At("2026-01-01T00:00:00Z")), 11 * kHourUs);
  EXPECT_EQ(In("Australia/Lord_Howe").OffsetAt(At("2026-07-01T00:00:00Z")),
            10 * kHourUs + 30 * kMinuteUs);
}

TEST(Zone, ASkippedHourBecomesTheFirstInstantAfterTheGap) {
  const Zone york = In("America/New_York");
  EXPECT_EQ(york.FromLocal(Wall("2026-03-08T01:59:59Z")), At("2026-03-08T06:59:59Z"));
  EXPECT_EQ(york.FromLocal(Wall("2026-03-08T02:00:00Z")), At("2026-03-08T07:00:00Z"));
  EXPECT_EQ(york.FromLocal(Wall("2026-03-08T02:30:00Z")), At("2026-03-08T07:00:00Z"));
  EXPECT_EQ(york.FromLocal(Wall("2026-03-08T03:00:00Z")), At("2026-03-08T07:00:00Z"));
}

TEST(Zone, ARepeatedHourIsTheFirstOfTheTwo) {
  const Zone york = In("America/New_York");
  EXPECT_EQ(york.FromLocal(Wall("2026-11-01T00:59:59Z")), At("2026-11-01T04:59:59Z"));
  EXPECT_EQ(york.FromLocal(Wall("2026-11-01T01:30:00Z")), At("2026-11-01T05:30:00Z"));
  EXPECT_EQ(york.FromLocal(Wall("2026-11-01T02:00:00Z")), At("2026-11-01T07:00:00Z"));
}

TEST(Zone, SurvivesTheEndsOfTime) {
  const Zone york = In("America/New_York");
  EXPECT_EQ(york.OffsetAt(kTimeMax), york.OffsetAt(kTimestampMax));
  EXPECT_EQ(york.OffsetAt(kTimeMin), york.OffsetAt(kTimestampMin));
}

TEST(CivilDay, BeginsAtTheShopsMidnight) {
  const Zone shanghai = In("Asia/Shanghai");
  const int64_t day = ParseDate("2026-11-11").value_or(0);
  EXPECT_EQ(CivilDay(At("2026-11-10T15:59:59Z"), shanghai), day - 1);
  EXPECT_EQ(CivilDay(At("2026-11-10T16:00:00Z"), shanghai), day);
  EXPECT_EQ(CivilDay(At("2026-11-11T15:59:59.999999Z"), shanghai), day);
  EXPECT_EQ(CivilDay(At("1969-12-31T23:59:59Z"), Zone()), -1);
  EXPECT_EQ(NextCivilDay(At("2026-11-10T16:00:00Z"), shanghai), At("2026-11-11T16:00:00Z"));
}

TEST(CivilDay, HasTwentyThreeOrTwentyFiveHoursAtTheEdges) {
  const Zone york = In("America/New_York");
  EXPECT_EQ(NextCivilDay(At("2026-03-08T05:00:00Z"), york), At("2026-03-09T04:00:00Z"));
  EXPECT_EQ(NextCivilDay(At("2026-11-01T04:00:00Z"), york), At("2026-11-02T05:00:00Z"));
}

TEST(CivilDay, MayLackItsMidnightOrBeSkipped) {
  EXPECT_EQ(NextCivilDay(At("2018-11-03T12:00:00Z"), In("America/Sao_Paulo")),
            At("2018-11-04T03:00:00Z"));
  EXPECT_EQ(NextCivilDay(At("2011-12-30T00:00:00Z"), In("Pacific/Apia")),
            At("2011-12-30T10:00:00Z"));
}

TEST(CivilMonth, CountsOnTheShopsCalendar) {
  const Zone shanghai = In("Asia/Shanghai");
  EXPECT_EQ(CivilMonth(At("2026-10-31T16:00:00Z"), shanghai), 56 * 12 + 10);
  EXPECT_EQ(CivilMonth(At("2026-10-31T15:59:59Z"), shanghai), 56 * 12 + 9);
  EXPECT_EQ(CivilMonth(At("1969-12-31T00:00:00Z"), Zone()), -1);
  EXPECT_EQ(NextCivilMonth(At("2026-12-15T00:00:00Z"), shanghai), At("2026-12-31T16:00:00Z"));
}

TEST(AddMonths, CutsTheDayToTheMonthsLength) {
  const Zone utc;
  EXPECT_EQ(AddMonths(At("2026-01-31T10:00:00Z"), 1, utc), At("2026-02-28T10:00:00Z"));
  EXPECT_EQ(AddMonths(At("2024-01-31T10:00:00Z"), 1, utc), At("2024-02-29T10:00:00Z"));
  EXPECT_EQ(AddMonths(At("2026-03-31T10:00:00Z"), -1, utc), At("2026-02-28T10:00:00Z"));
  EXPECT_EQ(AddMonths(At("2026-03-31T10:00:00Z"), 12, utc), At("2027-03-31T10:00:00Z"));
  EXPECT_EQ(AddMonths(At("2026-01-15T10:00:00Z"), -13, utc), At("2024-12-15T10:00:00Z"));
}

TEST(AddMonths, KeepsTheWallsTimeOverADaylightSavingEdge) {
  const Zone york = In("America/New_York");
  EXPECT_EQ(AddMonths(At("2026-02-15T15:00:00Z"), 1, york), At("2026-03-15T14:00:00Z"));
  EXPECT_EQ(AddMonths(At("2026-02-08T07:30:00Z"), 1, york), At("2026-03-08T07:00:00Z"));
}

TEST(TimeOfDay, ReadsHoursAndMinutes) {
  EXPECT_EQ(ParseTimeOfDay("00:00"), 0);
  EXPECT_EQ(ParseTimeOfDay("08:30"), 8 * kHourUs + 30 * kMinuteUs);
  EXPECT_EQ(ParseTimeOfDay("24:00"), kDayUs);
  for (const char* text : {"", "8:30", "08:60", "24:01", "25:00", "08-30", "08:3x", "08:300"}) {
    EXPECT_FALSE(ParseTimeOfDay(text)) << text;
  }
}

TEST(TimeOfDay, ComesNextTodayOrTomorrow) {
  const Zone shanghai = In("Asia/Shanghai");
  const DurationUs ten = Clock("10:00");
  EXPECT_EQ(NextTimeOfDay(At("2026-11-11T01:59:59Z"), ten, shanghai), At("2026-11-11T02:00:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-11-11T02:00:00Z"), ten, shanghai), At("2026-11-11T02:00:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-11-11T02:00:01Z"), ten, shanghai), At("2026-11-12T02:00:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-11-11T16:00:00Z"), kDayUs, shanghai),
            At("2026-11-11T16:00:00Z"));
}

TEST(TimeOfDay, ComesTwiceInAutumnAndLateInSpring) {
  const Zone york = In("America/New_York");
  const DurationUs half_past_one = Clock("01:30");
  EXPECT_EQ(NextTimeOfDay(At("2026-11-01T05:00:00Z"), half_past_one, york),
            At("2026-11-01T05:30:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-11-01T05:30:01Z"), half_past_one, york),
            At("2026-11-01T06:30:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-11-01T06:30:01Z"), half_past_one, york),
            At("2026-11-02T06:30:00Z"));
  EXPECT_EQ(NextTimeOfDay(At("2026-03-08T06:00:00Z"), Clock("02:30"), york),
            At("2026-03-08T07:00:00Z"));
}

TEST(DailySpan, IsHalfOpen) {
  const Zone utc;
  EXPECT_EQ(QuietUntil("2026-11-11T12:59:59Z", "13:00", "14:00", utc), "-");
  EXPECT_EQ(QuietUntil("2026-11-11T13:00:00Z", "13:00", "14:00", utc), "2026-11-11T14:00:00Z");
  EXPECT_EQ(QuietUntil("2026-11-11T14:00:00Z", "13:00", "14:00", utc), "-");
}

TEST(DailySpan, WrapsOverMidnight) {
  const Zone shanghai = In("Asia/Shanghai");
  EXPECT_EQ(QuietUntil("2026-11-11T12:59:59Z", "21:00", "08:00", shanghai), "-");
  EXPECT_EQ(QuietUntil("2026-11-11T13:00:00Z", "21:00", "08:00", shanghai), "2026-11-12T00:00:00Z");
  EXPECT_EQ(QuietUntil("2026-11-11T23:59:59Z", "21:00", "08:00", shanghai), "2026-11-12T00:00:00Z");
  EXPECT_EQ(QuietUntil("2026-11-12T00:00:00Z", "21:00", "08:00", shanghai), "-");
}

TEST(DailySpan, FromEqualToIsNeverAndTheWholeDayIsAlways) {
  const Zone utc;
  EXPECT_EQ(QuietUntil("2026-11-11T13:00:00Z", "13:00", "13:00", utc), "-");
  EXPECT_EQ(QuietUntil("2026-11-11T13:00:00Z", "00:00", "24:00", utc), "2026-11-12T00:00:00Z");
}

TEST(DailySpan, FollowsTheWallOverDaylightSavingEdges) {
  const Zone york = In("America/New_York");
  // The wall leaves out 02:00 to 03:00: quiet until 02:30 ends when the gap does.
  EXPECT_EQ(QuietUntil("2026-03-08T06:30:00Z", "22:00", "02:30", york), "2026-03-08T07:00:00Z");
  // The wall shows 01:15 twice; the second time the span ends at the second 01:30.
  EXPECT_EQ(QuietUntil("2026-11-01T05:15:00Z", "22:00", "01:30", york), "2026-11-01T05:30:00Z");
  EXPECT_EQ(QuietUntil("2026-11-01T05:45:00Z", "22:00", "01:30", york), "-");
  EXPECT_EQ(QuietUntil("2026-11-01T06:15:00Z", "22:00", "01:30", york), "2026-11-01T06:30:00Z");
}

TEST(Date, ReadsAndWritesDays) {
  EXPECT_EQ(ParseDate("1970-01-01"), 0);
  EXPECT_EQ(ParseDate("1969-12-31"), -1);
  EXPECT_EQ(ParseDate("2024-02-29"), 19'782);
  EXPECT_EQ(FormatDate(19'782), "2024-02-29");
  for (const char* text : {"", "2026-02-29", "2026-2-9", "20260209", "2026-13-01", "1990-05-01T"}) {
    EXPECT_FALSE(ParseDate(text)) << text;
  }
  for (int64_t day = -30'000; day < 30'000; ++day) {
    ASSERT_EQ(ParseDate(FormatDate(day)), day);
  }
}

}  // namespace
}  // namespace huitou
