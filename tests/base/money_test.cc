#include "triggers/base/money.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace huitou {
namespace {

Currency Of(std::string_view code) {
  const std::optional<Currency> currency = Currency::Parse(code);
  EXPECT_TRUE(currency) << code;
  return currency.value_or(Currency());
}

TEST(Currency, IsThreeCapitalLetters) {
  EXPECT_EQ(Of("CNY").code(), "CNY");
  EXPECT_EQ(Currency().code(), "");
  EXPECT_EQ(Of("CNY"), Of("CNY"));
  EXPECT_FALSE(Of("CNY") == Of("JPY"));
  for (const char* code : {"", "CN", "CNYX", "cny", "CN1", "C Y"}) {
    EXPECT_FALSE(Currency::Parse(code)) << code;
  }
}

TEST(Currency, KnowsItsMinorDigits) {
  EXPECT_EQ(Of("JPY").minor_digits(), 0);
  EXPECT_EQ(Of("CNY").minor_digits(), 2);
  EXPECT_EQ(Of("KWD").minor_digits(), 3);
  EXPECT_EQ(Of("CLF").minor_digits(), 4);
  EXPECT_EQ(Currency().minor_digits(), 2);
}

TEST(Money, ReadsDecimals) {
  const Currency cny = Of("CNY");
  EXPECT_EQ(ParseMinor("259.00", cny), 25'900);
  EXPECT_EQ(ParseMinor("259", cny), 25'900);
  EXPECT_EQ(ParseMinor("0.5", cny), 50);
  EXPECT_EQ(ParseMinor("-3", cny), -300);
  EXPECT_EQ(ParseMinor("-0", cny), 0);
  EXPECT_EQ(ParseMinor("1.230000", cny), 123);
  EXPECT_EQ(ParseMinor("0007", cny), 700);
  EXPECT_EQ(ParseMinor("100", Of("JPY")), 100);
  EXPECT_EQ(ParseMinor("100.00", Of("JPY")), 100);
  EXPECT_EQ(ParseMinor("1.234", Of("KWD")), 1'234);
}

TEST(Money, RefusesWhatIsNoAmountOrLosesDigits) {
  const Currency cny = Of("CNY");
  for (const char* text : {"", "-", ".", "1.", ".5", "+1", "1e3", "1,5", " 1", "1 ", "--1", "0x1",
                           "1.234", "NaN", "1.2.3", "1.00x"}) {
    EXPECT_FALSE(ParseMinor(text, cny)) << text;
  }
  EXPECT_FALSE(ParseMinor("1.5", Of("JPY")));
}

TEST(Money, EndsWhereADoubleStopsBeingExact) {
  EXPECT_EQ(ParseMinor("90071992547409.92", Of("CNY")), int64_t{1} << 53);
  EXPECT_EQ(ParseMinor("-90071992547409.92", Of("CNY")), -(int64_t{1} << 53));
  EXPECT_EQ(ParseMinor("9007199254740992", Of("JPY")), int64_t{1} << 53);
  for (const char* text : {"90071992547409.93", "90071992547410", "9007199254740992",
                           "99999999999999999999999999", "9007199254740992.99"}) {
    EXPECT_FALSE(ParseMinor(text, Of("CNY"))) << text;
  }
  EXPECT_FALSE(ParseMinor("9007199254740992.9999", Of("CLF")));
}

TEST(Money, ReadsAnAmountWithItsCurrency) {
  EXPECT_EQ(ParseMoney("50 CNY"), (Money{5'000, Of("CNY")}));
  EXPECT_EQ(ParseMoney("-1.5 USD"), (Money{-150, Of("USD")}));
  for (const char* text : {"", "50", "CNY", "50CNY", "50  CNY", "CNY 50", "50 cny", "1.5 JPY"}) {
    EXPECT_FALSE(ParseMoney(text)) << text;
  }
}

TEST(Money, WritesForMachinesAndForPeople) {
  EXPECT_EQ(FormatMinor(25'900, Of("CNY")), "259.00");
  EXPECT_EQ(FormatMinor(-5, Of("CNY")), "-0.05");
  EXPECT_EQ(FormatMinor(0, Of("KWD")), "0.000");
  EXPECT_EQ(FormatMinor(100, Of("JPY")), "100");
  EXPECT_EQ(FormatMinor(std::numeric_limits<int64_t>::min(), Of("CNY")), "-92233720368547758.08");
  EXPECT_EQ(FormatMinorShort(5'000, Of("CNY")), "50");
  EXPECT_EQ(FormatMinorShort(4'950, Of("CNY")), "49.50");
  EXPECT_EQ(FormatMinorShort(100, Of("JPY")), "100");
  EXPECT_EQ(FormatMinorShort(-5'000, Of("CNY")), "-50");
}

TEST(Money, MajorUnitsAreCorrectlyRounded) {
  EXPECT_EQ(ToMajor(25'905, Of("CNY")), 259.05);
  EXPECT_EQ(ToMajor(1, Of("KWD")), 0.001);
  EXPECT_EQ(ToMajor(7, Of("JPY")), 7.0);
}

TEST(Money, WhatIsWrittenReadsBackTheSame) {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<int64_t> any(-(int64_t{1} << 53), int64_t{1} << 53);
  for (const char* code : {"JPY", "CNY", "KWD", "CLF"}) {
    for (int i = 0; i < 1'000; ++i) {
      const int64_t minor = any(random);
      ASSERT_EQ(ParseMinor(FormatMinor(minor, Of(code)), Of(code)), minor);
      ASSERT_EQ(ParseMinor(FormatMinorShort(minor, Of(code)), Of(code)), minor);
    }
  }
}

}  // namespace
}  // namespace huitou
