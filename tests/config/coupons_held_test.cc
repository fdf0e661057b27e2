// A message never goes out with an empty code: check follows the steps and knows where a coupon may
// not have been issued.
#include "config/coupons_held.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/campaign_file.h"
#include "tests/config/support.h"

namespace huitou::config {
namespace {

struct Case {
  std::string story;
  std::string steps;
  bool held = false;  // whether the message surely has its code
  std::string extra = "";
  bool local = true;
};

std::vector<std::string> Told(const std::string& body, const Case& c) {
  TemplateSet templates("zh-CN");
  Diagnostics diagnostics;
  templates.Add("t.mustache", body, &TestChannels(), &diagnostics);
  const std::string text =
      "campaign: c\ntrigger: {event: order.paid}\n" + c.extra + "steps:\n" + c.steps;
  const auto document = Document::Parse("c.yaml", text, &diagnostics);
  if (document != nullptr) {
    ParseCampaign(*document,
                  {.shop = TestShop(),
                   .channels = &TestChannels(),
                   .templates = &templates,
                   .coupons_local = c.local},
                  &diagnostics);
  }
  return Lines(diagnostics);
}

constexpr const char* kCoupon = "  - {id: big, coupon: {value: 5 CNY}}\n";
constexpr const char* kSend = "  - send: {template: t, via: [console]}\n";
constexpr const char* kWait = "  - wait: {for: 5d}\n";
constexpr const char* kMoney = "limits: {money: 50 CNY/d}\n";

TEST(CouponsHeld, FollowsTheSteps) {
  const std::string coupon = kCoupon;
  const std::string send = kSend;
  const std::string wait = kWait;
  const std::string when = "  - {id: big, when: customer.orders > 1, coupon: {value: 5 CNY}}\n";
  const std::string optional = "  - {id: big, optional: true, coupon: {value: 5 CNY}}\n";
  const std::string skips = "  - {id: big, coupon: {value: 5 CNY, on_empty: skip}}\n";
  const std::string pooled = "  - {id: big, coupon: {value: 5 CNY, codes: pool:winback-50}}\n";
  const std::string pooled_or_not =
      "  - {id: big, coupon: {value: 5 CNY, codes: pool:winback-50, on_empty: skip}}\n";
  const auto send_when = [](const std::string& condition) {
    return "  - {when: \"" + condition + "\", send: {template: t, via: [console]}}\n";
  };
  const auto arm = [](const std::string& head, const std::string& steps) {
    return "      - {" + head + ", steps: [" + steps + "]}\n";
  };
  const std::string branch = "  - branch:\n";
  const std::string issue = "{id: big, coupon: {value: 5 CNY}}";
  const std::string other = "{id: small, coupon: {value: 1 CNY}}";
  const std::string sms = "{send: {template: t, via: [console]}}";
  const Case cases[] = {
      {"issued before", coupon + send, true},
      {"and before a wait", coupon + wait + send, true},
      {"only behind the message", send + coupon, false},
      {"of a pool, which refuses the entry or ends the episode", pooled + wait + send, true},
      {"of a pool, or skipped", pooled_or_not + send, false},
      {"of a pool or skipped, asked after", pooled_or_not + send_when("coupons.big.issued"), true},
      {"by a condition", when + send, false},
      {"by the same condition", when + send_when("customer.orders > 1"), true},
      {"by the same condition, a wait later", when + wait + send_when("customer.orders > 1"),
       false},
      {"by the same condition, asked anew behind the provider's answer",
       when + send_when("customer.orders > 1"), false, "", false},
      {"by another condition", when + send_when("customer.orders > 2"), false},
      {"by a condition, asked after", when + send_when("coupons.big.issued"), true},
      {"asked after among others", when + send_when("customer.orders > 3 && coupons.big.issued"),
       true},
      {"asked after, or something else",
       when + send_when("coupons.big.issued || customer.orders > 3"), false},
      {"asked for the contrary", when + send_when("!coupons.big.issued"), false},
      {"may be refused", optional + send, false},
      {"may be refused when it was asked after already", optional + send_when("coupons.big.issued"),
       false},
      {"may be refused, asked after a wait later",
       optional + wait + send_when("coupons.big.issued"), true},
      {"may be refused, but was used", optional + send_when("coupons.big.redeemed"), true},
      {"a provider's no skips it", skips + send, false, "", false},
      {"a provider's no ends the episode", coupon + send, true, "", false},
      {"without a provider nobody says no", skips + send, true},
      {"money that has run out refuses the entry", coupon + send, true, kMoney},
      {"but skips a later step", wait + coupon + send, false, kMoney},
      {"which asks for it, since what follows is planned anew",
       wait + coupon + send_when("coupons.big.issued"), true, kMoney},
      {"which may be refused, and is asked after",
       wait + optional + send_when("coupons.big.issued"), true},
      {"also of a budget", wait + coupon + send, false, "limits: {budget: q4}\n"},
      {"without a limit it cannot run out", wait + coupon + send, true},
      {"behind a provider's answer it may have run out",
       "  - {id: small, coupon: {value: 1 CNY}}\n" + coupon +
           "  - {when: coupons.small.expired, send: {template: t, via: [console]}}\n",
       true, kMoney, false},
      {"in every arm",
       branch + arm("when: customer.orders > 1", issue) + arm("else: true", other) + send, true},
      {"in one arm of two",
       branch + arm("when: customer.orders > 1", issue) +
           arm("else: true", "{set: {tags: {add: [a]}}}") + send,
       false},
      {"where no arm may be taken", branch + arm("when: customer.orders > 1", issue) + send, false},
      {"in one arm, the other exits",
       branch + arm("when: customer.orders > 1", issue) + arm("else: true", "exit") + send, true},
      {"within its arm", branch + arm("when: customer.orders > 1", issue + ", " + sms), true},
      {"in the arm that asks for it", when + wait + branch + arm("when: coupons.big.issued", sms),
       true},
      {"in the other arm",
       when + wait + branch + arm("when: coupons.big.issued", "exit") + arm("else: true", sms),
       false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Told("code {{coupon.code}}", c).empty(), c.held)
        << c.story << ": " << testing::PrintToString(Told("code {{coupon.code}}", c));
  }
}

TEST(CouponsHeld, KnowsCouponsByName) {
  const std::string steps =
      "  - {id: a, coupon: {value: 5 CNY}}\n"
      "  - {id: b, optional: true, coupon: {value: 5 CNY}}\n";
  EXPECT_THAT(Told("{{coupon.code}} {{coupons.a.code}}", {"", steps + kSend}), testing::IsEmpty());
  EXPECT_THAT(Told("{{coupons.b.issued}} {{coupons.b.code}}", {"", steps + kSend}),
              testing::ElementsAre(
                  "t.mustache:1:24: error: 'coupons.b.code' may be missing: the coupon may not "
                  "have been issued when c.yaml:6 sends this; write "
                  "{{#coupons.b.code}}...{{/coupons.b.code}} around what speaks of it, or send "
                  "another text without a coupon"));
}

TEST(CouponsHeld, TakesASectionOrADefault) {
  const std::string steps = std::string("  - {id: b, optional: true, coupon: {value: 5 CNY}}\n");
  for (const char* body : {"{{#coupon.code}}{{coupon.value}} by {{coupon.code}}{{/coupon.code}}",
                           "{{#coupon.issued}}{{coupon.code}}{{/coupon.issued}}",
                           "{{#coupons.b.issued}}{{coupon.code}}{{/coupons.b.issued}}"}) {
    EXPECT_THAT(Told(body, {"", steps + kSend}), testing::IsEmpty()) << body;
  }
  EXPECT_THAT(Told("{{coupon.value}}", {"", steps + "  - send: {template: t, via: [console], "
                                                    "defaults: {coupon.value: no}}\n"}),
              testing::IsEmpty());
  for (const char* body :
       {"{{^coupon.code}}{{coupon.code}}{{/coupon.code}}", "{{#name}}{{coupon.code}}{{/name}}",
        "{{#coupon.code}}{{coupons.b.code}}{{/coupon.code}}"}) {
    EXPECT_EQ(Told(body, {"", steps + kSend}).size(), 1u) << body;
  }
}

TEST(CouponsHeld, TellsNoSecondMistake) {
  EXPECT_EQ(
      Told("{{coupon.code}}", {"", std::string("  - {id: b, coupon: {valeu: 5 CNY}}\n") + kSend})
          .size(),
      1u);
  EXPECT_EQ(Told("{{coupon.code}}",
                 {"", std::string("  - {id: b, optional: true, coupon: {value: 5 CNY}}\n"
                                  "  - {when: nonsense, send: {template: t, via: [console]}}\n")})
                .size(),
            1u);
}

}  // namespace
}  // namespace huitou::config
