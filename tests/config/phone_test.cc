// Phone numbers in the forms in which people and shops write them.
#include "config/phone.h"

#include <gtest/gtest.h>

#include <string>

namespace huitou {
namespace {

struct Case {
  const char* written;
  const char* country;
  const char* kept;
};

TEST(Phone, IsReadAsItIsDialledInItsCountry) {
  for (const Case& c : {
           Case{"13800001234", "CN", "+8613800001234"},
           Case{"138-0000-1234", "CN", "+8613800001234"},
           Case{"００８６ １３８００００１２３４", "CN", "+8613800001234"},
           Case{"010-6552 9988", "CN", "+861065529988"},
           Case{"+852 9123 4567", "CN", "+85291234567"},
           Case{"9123 4567", "HK", "+85291234567"},
           Case{"0912 345 678", "TW", "+886912345678"},
           Case{"(415) 555-2671", "US", "+14155552671"},
           Case{"011 86 138 0000 1234", "US", "+8613800001234"},
           Case{"020 7946 0018", "GB", "+442079460018"},
           Case{"06 12 34 56 78", "FR", "+33612345678"},
           Case{"02 1234 5678", "IT", "+390212345678"},  // keeps its zero
           Case{"090-1234-5678", "JP", "+819012345678"},
       }) {
    EXPECT_EQ(NormalisePhone(c.written, c.country), c.kept) << c.written;
    EXPECT_EQ(NormalisePhone(c.kept, c.country), c.kept);
    EXPECT_TRUE(IsE164(c.kept));
  }
}

TEST(Phone, StaysAsItIsWhereItIsNone) {
  for (const char* text : {"", "none", "12", "+", "+0", "1380000123456789012", "\xff\xfe"}) {
    EXPECT_EQ(NormalisePhone(text, "CN"), text);
    EXPECT_FALSE(IsE164(text));
  }
  EXPECT_EQ(NormalisePhone("13800001234", "XX"), "13800001234");
}

TEST(Phone, KnowsItsCountries) {
  EXPECT_TRUE(IsPhoneCountry("CN"));
  EXPECT_TRUE(IsPhoneCountry("GB"));
  for (const char* none : {"", "UK", "cn", "CHN", "ZZ"}) {
    EXPECT_FALSE(IsPhoneCountry(none)) << none;
  }
}

}  // namespace
}  // namespace huitou
