#include "config/shop_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ShopFile, ReadsEveryKey) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f.yaml", R"(
shop: {name: Demo, currency: JPY, timezone: Asia/Tokyo, locale: ja, order_counts_on: order.placed}
tiers: {by: customer.spend_365d, keep: 365d, levels: [{name: silver, at: 500}, {name: gold, at: 2000.5}]}
segments: {regulars: customer.orders_365d >= 3}
caps: [{class: marketing, max: 2, per: 7d}, {channel: sms, max: 1, per: 1d}]
quiet_hours: {from: "21:00", to: "09:00", zone: shop, then: skip}
holdout: 5%
budgets: {q4: {amount: 100000 JPY, per: month}}
pools: {winback-50: {file: pools/winback-50.csv, low: 20}, small: {file: /codes/small.csv}}
consent: {default: opt_out, sms: opt_in}
)",
                                        &diagnostics);
  Shop shop;
  EXPECT_TRUE(ParseShop(*document, &TestChannels(), &shop, &diagnostics));
  EXPECT_THAT(Lines(diagnostics), IsEmpty());
  EXPECT_EQ(shop.currency.code(), "JPY");
  EXPECT_EQ(shop.order_counts_on, "order.placed");
  EXPECT_EQ(shop.tiers.levels[1].at, 2000.5);
  EXPECT_NE(shop.segments.at("regulars"), nullptr);
  ASSERT_EQ(shop.caps.size(), 2u);
  EXPECT_EQ(shop.caps[0].message_class, MessageClass::kMarketing);
  EXPECT_EQ(shop.caps[1].channel, "sms");
  EXPECT_EQ(shop.quiet_hours->from, 21 * kHourUs);
  EXPECT_FALSE(shop.quiet_hours->zone_recipient);
  EXPECT_TRUE(shop.quiet_hours->skip);
  EXPECT_EQ(shop.holdout_share, 500u);
  EXPECT_EQ(shop.budgets.at("q4").amount.minor, 100'000);
  EXPECT_EQ(shop.budgets.at("q4").period, CampaignLimits::Period::kMonth);
  EXPECT_EQ(shop.pools.at("winback-50").file, "pools/winback-50.csv");
  EXPECT_EQ(shop.pools.at("winback-50").low, 20);
  EXPECT_EQ(shop.pools.at("small").file, "/codes/small.csv");
  EXPECT_EQ(shop.pools.at("small").low, 1000);
  EXPECT_FALSE(shop.OptIn("email"));
  EXPECT_TRUE(shop.OptIn("sms"));
}

struct Row {
  const char* what;
  std::string line2;
  std::vector<std::string> told;
};
class ShopMistake : public testing::TestWithParam<Row> {};

TEST_P(ShopMistake, IsTold) {
  EXPECT_EQ(ShopMistakes("shop: {name: Demo}\n" + GetParam().line2 + "\n"), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ShopMistake,
    testing::Values(
        Row{"Unknown", "cap: []", {"2:1: error: unknown key 'cap'; did you mean 'caps'?"}},
        Row{"Holidays",
            "holidays: {cn: a.yaml}",
            {"2:1: error: 'holidays' comes with a later version"}},
        Row{"PoolWithoutAFile",
            "pools: {winback-50: {low: 10}}",
            {"2:21: error: 'file' is missing; add 'file:' with a path, relative to this file"}},
        Row{"PoolLow",
            "pools: {winback-50: {file: a.csv, low: few}}",
            {"2:40: error: 'low' must be a whole number, not 'few'"}},
        Row{"PoolKey",
            "pools: {winback-50: {file: a.csv, lwo: 10}}",
            {"2:35: error: unknown key 'lwo'; did you mean 'low'?"}},
        Row{"PoolsOfOneFile",
            "pools: {a: {file: a.csv}, b: {file: a.csv}}",
            {"2:37: error: 'file' is that of pool 'a'; each pool gives from a file of its own"}},
        Row{"CapMax",
            "caps: [{max: 65, per: 7d}]",
            {"2:14: error: 'max' must be from 1 to 64, not '65'"}},
        Row{"CapClass",
            "caps: [{class: transactional, max: 1, per: 7d}]",
            {"2:16: error: 'class' must be marketing, not 'transactional'"}},
        Row{"CapChannel",
            "caps: [{channel: smss, max: 1, per: 7d}]",
            {"2:18: error: no channel 'smss' in the config file; did you mean 'sms'?"}},
        Row{"CapPer",
            "caps: [{max: 1}]",
            {"2:8: error: 'per' is missing; add 'per:' with a duration such as 90s, 10m, 12h, 47d "
             "or 2w"}},
        Row{"QuietSame",
            "quiet_hours: {from: \"09:00\", to: \"09:00\"}",
            {"2:34: error: 'to' is the same as 'from'; remove 'quiet_hours:' to have none"}},
        Row{"QuietZone",
            "quiet_hours: {from: \"21:00\", to: \"09:00\", zone: Beijing}",
            {"2:49: error: 'zone' must be a time zone of the IANA database, not 'Beijing'; write "
             "it like Asia/Shanghai or UTC"}},
        Row{"QuietTime",
            "quiet_hours: {from: 9pm, to: \"09:00\"}",
            {"2:21: error: 'from' must be a time of day, not '9pm'; write it like \"09:00\""}},
        Row{"TiersFalling",
            "tiers: {by: customer.orders, levels: [{name: a, at: 5}, {name: b, at: 5}]}",
            {"2:71: error: 'at' must be above the tier before; list the tiers rising"}},
        Row{"TiersByText",
            "tiers: {by: customer.id, levels: [{name: a, at: 5}]}",
            {"2:13: error: 'by' must be a number, not 'customer.id'; write customer.spend_365d or "
             "customer.orders"}},
        Row{"SegmentEvent",
            "segments: {a: event.id == 'x'}",
            {"2:15: error: unknown name 'event'; known here: customer, now; a text needs "
             "quotes: 'event'"}},
        Row{"SegmentPercentile",
            "segments: {best: \"customer.spend_365d >= percentile('spend_365d', 80)\"}",
            {"2:42: error: 'percentile' comes with a later version"}},
        Row{"BudgetCurrency",
            "budgets: {q4: {amount: 5 USD}}",
            {"2:24: error: 'amount' must be in the shop's currency, not '5 USD'; write it in "
             "CNY"}},
        Row{"BudgetPer",
            "budgets: {q4: {amount: 5 CNY, per: week}}",
            {"2:36: error: 'per' must be total, month or day, not 'week'"}},
        Row{"Consent",
            "consent: {default: optin}",
            {"2:20: error: 'default' must be opt_in or opt_out, not 'optin'; did you mean "
             "'opt_in'?"}},
        Row{"ConsentChannel",
            "consent: {default: opt_in, smms: opt_out}",
            {"2:28: error: no channel 'smms' in the config file; did you mean 'sms'?"}}),
    [](const auto& info) { return info.param.what; });

TEST(ShopFile, KnowsThatRmbIsCny) {
  EXPECT_EQ(ShopMistakes("shop: {currency: RMB}\n"),
            std::vector<std::string>{"1:18: error: 'currency' must be a code of ISO 4217, not "
                                     "'RMB'; write CNY"});
}

TEST(ShopFile, PhonesWithoutACodeAreTheLocalesUnlessACountryIsNamed) {
  for (const auto& [text, country] :
       {std::pair("{name: Demo}", "CN"), std::pair("{locale: zh-TW}", "TW"),
        std::pair("{locale: en}", "CN"), std::pair("{locale: en-US, country: SG}", "SG")}) {
    Diagnostics diagnostics;
    Shop shop;
    const auto document =
        Document::Parse("f.yaml", "shop: " + std::string(text) + "\n", &diagnostics);
    EXPECT_TRUE(ParseShop(*document, &TestChannels(), &shop, &diagnostics));
    EXPECT_EQ(shop.country, country) << text;
  }
  EXPECT_THAT(ShopMistakes("shop: {country: UK}"),
              ElementsAre("1:17: error: 'country' must be a country's two capital letters such as "
                          "CN, not 'UK'; write GB"));
}

TEST(ShopFile, TellsMistakesOfTheShopItself) {
  EXPECT_THAT(
      ShopMistakes("shop: {currency: yuan, timezone: China, locale: Chinese, order_counts_on: x}"),
      ElementsAre(
          "1:18: error: 'currency' must be three capital letters such as CNY, not 'yuan'",
          "1:34: error: 'timezone' must be a time zone of the IANA database, not 'China'; write "
          "it like Asia/Shanghai or UTC",
          "1:49: error: 'locale' must be a language such as zh-CN, not 'Chinese'",
          "1:75: error: 'order_counts_on' must be an event such as order.paid, not 'x'"));
}

}  // namespace
}  // namespace huitou::config
