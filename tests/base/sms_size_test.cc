// SMS as carriers count them. The figures are those of 3GPP TS 23.038 and 23.040.
#include "triggers/base/sms_size.h"

#include <gtest/gtest.h>

#include <string>

namespace huitou {
namespace {

std::string Times(size_t count, const std::string& text) {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

std::string Told(const std::string& text, SmsAlphabet alphabet = SmsAlphabet::kGsm7) {
  const SmsSize size = MeasureSms(text, alphabet);
  return std::string(size.ucs2 ? "ucs2 " : "gsm7 ") + std::to_string(size.units) + " units, " +
         std::to_string(size.parts) + " x " + std::to_string(size.units_per_part);
}

TEST(SmsSize, ATextOfGsmsAlphabetHas160CharactersOr153EachInSeveral) {
  EXPECT_EQ(Told(""), "gsm7 0 units, 0 x 160");
  EXPECT_EQ(Told("Gruß @ £5, mañana!\n"), "gsm7 19 units, 1 x 160");
  EXPECT_EQ(Told(Times(160, "a")), "gsm7 160 units, 1 x 160");
  EXPECT_EQ(Told(Times(161, "a")), "gsm7 161 units, 2 x 153");
  EXPECT_EQ(Told(Times(306, "a")), "gsm7 306 units, 2 x 153");
  EXPECT_EQ(Told(Times(307, "a")), "gsm7 307 units, 3 x 153");
}

TEST(SmsSize, OneOtherCharacterMakesAllOfItUcs2) {
  EXPECT_EQ(Told(Times(69, "a") + "好"), "ucs2 70 units, 1 x 70");
  EXPECT_EQ(Told(Times(70, "a") + "好"), "ucs2 71 units, 2 x 67");
  EXPECT_EQ(Told(Times(134, "好")), "ucs2 134 units, 2 x 67");
  EXPECT_EQ(Told(Times(135, "好")), "ucs2 135 units, 3 x 67");
  EXPECT_EQ(Told("ç"), "ucs2 1 units, 1 x 70");  // only the capital letter is in GSM's
  EXPECT_EQ(Told("’"), "ucs2 1 units, 1 x 70");  // what word processors make of '
}

TEST(SmsSize, CharactersOfTwoUnitsAreNotCut) {
  EXPECT_EQ(Told("€[]"), "gsm7 6 units, 1 x 160");
  EXPECT_EQ(Told(Times(80, "€")), "gsm7 160 units, 1 x 160");
  // 76 of them fill 152 units of a part, whose last one stays empty.
  EXPECT_EQ(Told(Times(153, "€")), "gsm7 306 units, 3 x 153");
  EXPECT_EQ(Told(Times(35, "😀")), "ucs2 70 units, 1 x 70");
  EXPECT_EQ(Told(Times(67, "😀")), "ucs2 134 units, 3 x 67");
}

TEST(SmsSize, ChineseCarriersCountEveryTextAsUcs2) {
  EXPECT_EQ(Told(Times(70, "a"), SmsAlphabet::kUcs2), "ucs2 70 units, 1 x 70");
  EXPECT_EQ(Told(Times(71, "a"), SmsAlphabet::kUcs2), "ucs2 71 units, 2 x 67");
}

TEST(SmsSize, MalformedBytesAreCountedAndNeverRead) {
  EXPECT_EQ(MeasureSms("\xE5", SmsAlphabet::kUcs2).units, 1u);
  EXPECT_EQ(MeasureSms("\xFF\xFE", SmsAlphabet::kUcs2).units, 2u);
}

}  // namespace
}  // namespace huitou
