// What check says of a template for SMS.
#include "config/sms_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;

constexpr SmsRule kChinese = {SmsAlphabet::kUcs2, 500};
constexpr SmsRule kElsewhere = {SmsAlphabet::kGsm7, 1600};

std::vector<std::string> Told(const std::string& text, const SmsRule& rule, bool marketing = true) {
  Diagnostics diagnostics;
  CheckSms({.text = text,
            .place = {"a.sms.mustache", 1, 1},
            .provider = "aliyun",
            .shop_name = "Demo",
            .marketing = marketing},
           rule, &diagnostics);
  std::vector<std::string> lines = Lines(diagnostics);
  for (std::string& line : lines) {
    line.erase(0, line.find(':') + 1);  // the file
  }
  return lines;
}

TEST(SmsText, IsMeasuredWithTypicalValues) {
  // 【Demo】 6, the code 12, the rest 15.
  EXPECT_THAT(Told("【{{shop.name}}】送您一张券，券码{{coupon.code}}。拒收请回复R\n", kChinese),
              ElementsAre("1:1: note: 1 SMS part by aliyun: 33 of 70 characters, with typical "
                          "values"));
  EXPECT_THAT(Told("Reply STOP to opt out. " + std::string(150, 'a'), kElsewhere),
              ElementsAre("1:1: note: 2 SMS parts by aliyun: 173 of 306 characters"));
}

TEST(SmsText, LongerThanTheProviderTakesIsAMistake) {
  EXPECT_THAT(Told("STOP " + std::string(496, 'a') + "{{name}}", kChinese),
              ElementsAre("1:1: error: the SMS has 501 characters at least, and aliyun takes 500; "
                          "shorten it"));
  EXPECT_THAT(Told("STOP {{#name}}" + std::string(496, 'a') + "{{/name}}", kChinese),
              ElementsAre("1:1: note: 8 SMS parts by aliyun: 501 of 536 characters, with typical "
                          "values"));
}

TEST(SmsText, MarketingSaysHowToOptOut) {
  EXPECT_THAT(Told("Come back!", kElsewhere),
              ElementsAre("1:1: warning: marketing by SMS does not say how to opt out; end it with "
                          "拒收请回复R, or with: Reply STOP to opt out",
                          "1:1: note: 1 SMS part by aliyun: 10 of 160 characters"));
  EXPECT_THAT(Told("Your order was paid.", kElsewhere, /*marketing=*/false),
              ElementsAre("1:1: note: 1 SMS part by aliyun: 20 of 160 characters"));
}

}  // namespace
}  // namespace huitou::config
