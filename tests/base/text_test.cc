#include "triggers/base/text.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

TEST(Utf8, AcceptsEveryLengthOfSequence) {
  for (const char* text :
       {"", "a", "caf\xC3\xA9", "\xE4\xBD\xA0\xE5\xA5\xBD", "\xF0\x9F\x8E\x81", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "twelve ascii and \xE4\xBD\xA0 behind them all"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, RefusesWhatRfc3629Refuses) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3",
        "\xE4\xBD", "\xF0\x9F\x8E", "\xC3(", "\xE4\xBD(", "abcdefgh\xFF"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x8E\x81"), 4u);
}

TEST(Mask, ShowsNoMoreOfAPhoneThanAnOperatorNeeds) {
  EXPECT_EQ(MaskPhone("+8613800001234"), "+86*******1234");
  EXPECT_EQ(MaskPhone("13800001234"), "13*****1234");
  EXPECT_EQ(MaskPhone("123456789"), "*********");
  EXPECT_EQ(MaskPhone(""), "");
}

TEST(Phone, IsOneNumberHoweverItIsWritten) {
  for (const char* phone : {"+8613800001234", "+86 138-0000-1234", "8613800001234", "13800001234",
                            "138 0000 1234", "0086 138 0000 1234"}) {
    EXPECT_EQ(E164(phone), "+8613800001234") << phone;
  }
  EXPECT_EQ(E164("+1 (415) 555-0100"), "+14155550100");
  EXPECT_EQ(E164("001 415 555 0100"), "+14155550100");
  EXPECT_EQ(E164("unknown"), "");
}

TEST(Mask, ShowsOneLetterOfAnEmail) {
  EXPECT_EQ(MaskEmail("anna@example.com"), "a***@example.com");
  EXPECT_EQ(MaskEmail("a@example.com"), "***@example.com");
  EXPECT_EQ(MaskEmail("\xE4\xBD\xA0\xE5\xA5\xBD@example.com"), "\xE4\xBD\xA0***@example.com");
  EXPECT_EQ(MaskEmail("@example.com"), "***");
  EXPECT_EQ(MaskEmail("no address"), "***");
}

TEST(Distance, CountsInsertsDropsReplacesAndSwaps) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
  EXPECT_EQ(EditDistance("chanel", "channel"), 1u);
  EXPECT_EQ(EditDistance("tempalte", "template"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(Suggest, FindsTheNearestOfTheCandidates) {
  EXPECT_EQ(Suggest("chanel", {"template", "channel", "channels"}), "channel");
  EXPECT_EQ(Suggest("wiat", {"wait", "want", "watt"}), "wait");
  EXPECT_EQ(Suggest("ordr.paid", {"order.placed", "order.paid"}), "order.paid");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(Suggest("banana", {"template", "channel"}), "");
  EXPECT_EQ(Suggest("x", {"y"}), "");
  EXPECT_EQ(Suggest("", {"a"}), "");
  EXPECT_EQ(Suggest(std::string(1'000, 'a'), {"channel"}), "");
}

}  // namespace
}  // namespace huitou
