// What a send takes from its customer: one-time consents and slots of the caps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/triggers/play.h"
#include "triggers/activity.h"
#include "triggers/limits.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kNoon[] = "2026-11-01T04:00:00Z";

Campaign Thanks(std::vector<std::string> via = {"sms"}) {
  return OnEvent("thanks", "review.posted", {Send(std::move(via))});
}

class Credits : public Play {
 public:
  explicit Credits(Campaign campaign) : Play(std::move(campaign)) {
    context.assume_consent = false;
  }

  void Says(std::string_view at, std::string_view type, int32_t credits,
            std::string_view channel = "sms") {
    AdvanceTo(at);
    ConsentChange change;
    change.channel = channel;
    change.credits = credits;
    const std::string id = std::string(at) + std::string(type);
    Event event;
    event.id = id;
    event.type = type;
    event.time = At(at);
    event.customer.id = customer.id;
    event.consent = &change;
    Take(EventInput{&event});
  }
  const ConsentState& consent() { return customer.profile->consents.back(); }
  Reason CheckSend(const Dispatch& dispatch) {
    return engine().CheckSend(dispatch, "sms", context, customer);
  }
};

TEST(Credits, OneIsTakenWhenTheSendIsDecided) {
  Credits play(Thanks());
  play.Says("2026-11-01T03:00:00Z", "consent.granted", 1);
  play.Happens(kNoon, "review.posted", 5);
  play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
  EXPECT_THAT(
      play.lines,
      ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z dispatched sms",
                  "2026-11-01T04:00:00Z completed", "2026-11-01T05:00:00Z rejected consent"));
  EXPECT_TRUE(play.dispatches[0].holds_credit);
  EXPECT_EQ(play.CheckSend(play.dispatches[0]), Reason::kNone) << "it has its own";
}

TEST(Credits, TwoSendsOfOneRunNeedTwo) {
  for (const int32_t credits : {1, 2}) {
    Step second = Send({"sms"});
    second.id = "m2";
    second.optional = true;
    Credits play(OnEvent("c", "review.posted", {Send({"sms"}), second}));
    play.Says("2026-11-01T03:00:00Z", "consent.granted", credits);
    play.Happens(kNoon, "review.posted", 5);
    EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:00:00Z entered treated",
                                        "2026-11-01T04:00:00Z dispatched sms",
                                        credits == 1 ? "2026-11-01T04:00:00Z skipped consent"
                                                     : "2026-11-01T04:00:00Z dispatched sms",
                                        "2026-11-01T04:00:00Z completed"));
  }
}

TEST(Credits, TestsAndBacktestsUseThemUpToo) {
  Credits play(Thanks());
  play.context.messages_settle = true;
  play.Says("2026-11-01T03:00:00Z", "consent.granted", 1);
  play.Happens(kNoon, "review.posted", 5);
  EXPECT_EQ(play.consent().credits, 0);
  EXPECT_EQ(play.consent().held, 0);
  play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
  EXPECT_EQ(play.lines.back(), "2026-11-01T05:00:00Z rejected consent");
}

TEST(Credits, WhatWasNotSentGivesItsOwnBack) {
  for (const bool sent : {true, false}) {
    Credits play(Thanks());
    play.Says("2026-11-01T03:00:00Z", "consent.granted", 1);
    play.Happens(kNoon, "review.posted", 5);
    play.engine().ReleaseCredit("sms", sent, &play.dispatches[0], &play.customer);
    play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
    EXPECT_EQ(play.dispatches.size(), sent ? 1U : 2U);
  }
}

TEST(Credits, ARevocationTakesThoseThatAreHeldToo) {
  Credits play(Thanks());
  play.Says("2026-11-01T03:00:00Z", "consent.granted", 2);
  play.Happens(kNoon, "review.posted", 5);
  play.Says("2026-11-01T05:00:00Z", "consent.revoked", 0);
  EXPECT_EQ(play.CheckSend(play.dispatches[0]), Reason::kConsent);
  play.engine().ReleaseCredit("sms", false, &play.dispatches[0], &play.customer);
  EXPECT_FALSE(play.consent().granted);
  EXPECT_EQ(play.consent().credits, -1);
}

TEST(Credits, NewOnesAddToThoseThatAreLeftAndHeld) {
  Credits play(Thanks());
  play.Says("2026-11-01T03:00:00Z", "consent.granted", 1);
  play.Happens(kNoon, "review.posted", 5);
  play.Says("2026-11-01T05:00:00Z", "consent.granted", 2);
  EXPECT_EQ(play.consent().credits, 2);
  EXPECT_EQ(play.consent().held, 1);
}

TEST(Credits, ALastingConsentForAllOutlivesThoseOfOneChannel) {
  Credits play(Thanks());
  play.Says("2026-11-01T02:00:00Z", "consent.granted", 0, "");
  play.Says("2026-11-01T03:00:00Z", "consent.granted", 1);
  play.Happens(kNoon, "review.posted", 5);
  play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
  EXPECT_EQ(play.dispatches.size(), 2U);
}

TEST(Contact, MayBeAnAttributeThatTheChannelNames) {
  Play play(Thanks({"wecom"}));
  play.set().channels["wecom"] = CampaignSet::Contact::kAttribute;
  play.set().recipient_attributes["wecom"] = "assistant";
  play.Happens(kNoon, "review.posted", 5);
  SetAttribute(&play.customer.MutableProfile(), "assistant", cel::Value::Int(7));
  play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
  SetAttribute(&play.customer.MutableProfile(), "assistant", cel::Value::String("zhangsan"));
  play.Happens("2026-11-01T06:00:00Z", "review.posted", 5);
  EXPECT_THAT(
      play.lines,
      ElementsAre("2026-11-01T04:00:00Z rejected contact", "2026-11-01T05:00:00Z rejected contact",
                  "2026-11-01T06:00:00Z entered treated", "2026-11-01T06:00:00Z dispatched wecom",
                  "2026-11-01T06:00:00Z completed"));
  EXPECT_EQ(play.engine().AddressFor(play.customer, "wecom"), "zhangsan");
  EXPECT_EQ(play.engine().AddressFor(play.customer, "sms"), "+8613800000000");
}

// --- coupons behind a wait

TEST(RefusedCoupons, WhatFollowsIsPlannedWithoutThem) {
  for (const bool money_left : {true, false}) {
    Step with = Send({"sms"}, "with-coupon");
    with.when = If("coupons.big.issued");
    Step without = Send({"sms"}, "without-coupon");
    without.id = "m2";
    without.when = If("!coupons.big.issued");
    Campaign campaign = OnEvent("c", "order.paid", {Wait(kDayUs), Coupon(50), with, without});
    campaign.limits.money = Money{money_left ? 5000 : 4900, *Currency::Parse("CNY")};
    Play play(std::move(campaign));
    play.Happens(kNoon, "order.paid");
    play.AdvanceTo("2026-11-03T00:00:00Z");
    ASSERT_EQ(play.dispatches.size(), 1U);
    EXPECT_EQ(play.dispatches[0].template_name, money_left ? "with-coupon" : "without-coupon");
    EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:00:00Z entered treated",
                                        money_left ? "2026-11-02T04:00:00Z issued big"
                                                   : "2026-11-02T04:00:00Z skipped budget",
                                        money_left ? "2026-11-02T04:00:00Z dispatched sms"
                                                   : "2026-11-02T04:00:00Z skipped when",
                                        money_left ? "2026-11-02T04:00:00Z skipped when"
                                                   : "2026-11-02T04:00:00Z dispatched sms",
                                        "2026-11-02T04:00:00Z completed"));
  }
}

TEST(Caps, ALongWindowForgetsNoSendForManyOnAnotherChannel) {
  Campaign mail = OnEvent("mail", "order.paid", {Send({"email"})});
  Play play(std::move(mail));
  play.Add(Thanks());
  play.customer.MutableProfile().email = "a@example.com";
  play.context.messages_settle = true;
  play.shop().caps.push_back({MessageClass::kMarketing, "email", 1, 365 * kDayUs});
  play.Happens("2026-01-01T00:00:00Z", "order.paid");
  for (int i = 0; i < 3 * static_cast<int>(limits::kSendsMax); ++i) {
    play.Arrives(FormatRfc3339(Play::At("2026-02-01T00:00:00Z") + i * kHourUs), "review.posted", 5);
  }
  play.Happens("2026-11-01T00:00:00Z", "order.paid");
  EXPECT_EQ(play.lines.back(), "2026-11-01T00:00:00Z rejected cap");
  EXPECT_EQ(play.customer.activity.sends.size(), 1 + limits::kSendsMax) << "and it is bounded";
  play.Happens("2027-02-01T00:00:00Z", "order.paid");
  EXPECT_EQ(play.lines.back(), "2027-02-01T00:00:00Z completed");
}

}  // namespace
}  // namespace huitou
