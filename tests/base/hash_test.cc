#include "triggers/base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace huitou {
namespace {

// The values below are stored in states and decision logs all over: they must never change.
TEST(Hash, NeverChanges) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(Hash64("a"), 0xe6c632b61e964e1fu);
  EXPECT_EQ(Hash64("abc"), 0x78af5f94892f3950u);
  EXPECT_EQ(Hash64({"a", "bc"}), 0xf42ee0df2a023ef1u);
  EXPECT_EQ(Hash128({"a", "bc"}).ToString(), "f310f4d71be93bc46456c91685adede6");
  EXPECT_EQ(Hash64({std::string(300, 'x'), std::string(300, 'y')}), 0x86321699b79b859bu);
  EXPECT_EQ(HashShare({"holdout", "c1"}), 8929u);
}

TEST(Hash, FramesPartsByTheirLengths) {
  EXPECT_NE(Hash64({"a", "bc"}), Hash64({"ab", "c"}));
  EXPECT_NE(Hash64({"a", "bc"}), Hash64({"abc"}));
  EXPECT_NE(Hash64({"a"}), Hash64({"a", ""}));
  EXPECT_NE(Hash128({"a", "bc"}), Hash128({"ab", "c"}));
}

TEST(Hash, SharesAreEven) {
  int below_a_tenth = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint32_t share = HashShare({"holdout", std::to_string(i)});
    ASSERT_LT(share, 10'000u);
    below_a_tenth += share < 1'000 ? 1 : 0;
  }
  // A fair draw has a standard deviation of 95 here.
  EXPECT_NEAR(below_a_tenth, 10'000, 400);
}

TEST(Id128, ReadsBackWhatItWrites) {
  const Id128 id = Hash128({"campaign", "customer", "1"});
  EXPECT_EQ(id.ToString().size(), 32u);
  EXPECT_EQ(Id128::Parse(id.ToString()), id);
  EXPECT_EQ((Id128{0x0123456789abcdefu, 0xfedcba9876543210u}).ToString(),
            "0123456789abcdeffedcba9876543210");
}

TEST(Id128, IsEmptyForEverythingElse) {
  EXPECT_TRUE(Id128().empty());
  for (const char* text :
       {"", "0123", "0123456789ABCDEF0123456789ABCDEF", "g123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_TRUE(Id128::Parse(text).empty()) << text;
  }
}

}  // namespace
}  // namespace huitou
