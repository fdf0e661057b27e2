#include "triggers/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/triggers/play.h"
#include "triggers/activity.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kNoon[] = "2026-11-01T04:00:00Z";  // 12:00 in Shanghai

Campaign Thanks() {
  return OnEvent("thanks", "review.posted", {Send({"sms"})});
}

TEST(Engine, AReviewIsAnsweredAtOnce) {
  Play play(Thanks());
  play.Happens(kNoon, "review.posted", 5);
  EXPECT_THAT(play.lines,
              ElementsAre("2026-11-01T04:00:00Z entered treated",
                          "2026-11-01T04:00:00Z dispatched sms", "2026-11-01T04:00:00Z completed"));
  ASSERT_EQ(play.dispatches.size(), 1U);
  EXPECT_EQ(play.dispatches[0].via, std::vector<std::string>({"sms"}));
}

TEST(Engine, WithAnEventTriggerAFalseConditionIsNoCandidate) {
  Campaign campaign = Thanks();
  campaign.where = If("event.review.rating == 5");
  Play play(std::move(campaign));
  play.Happens(kNoon, "review.posted", 4);
  EXPECT_THAT(play.lines, IsEmpty());
  EXPECT_EQ(play.candidates, 0U);
}

TEST(Engine, ARepeatedEventIdIsDropped) {
  Play play(Thanks());
  Event event;
  event.id = "same";
  event.type = "review.posted";
  event.time = Play::At(kNoon);
  event.customer.id = "c1";
  play.Take(EventInput{&event});
  play.Take(EventInput{&event});
  EXPECT_TRUE(play.last.duplicate);
  EXPECT_EQ(play.candidates, 1U);
}

// One row per reason: how a campaign or a customer comes to be refused.
struct Refusal {
  const char* reason;
  std::function<void(Campaign*)> campaign;
  std::function<void(Play*)> stage;
};

class EveryReason : public testing::TestWithParam<Refusal> {};

TEST_P(EveryReason, IsTheOneWordThatIsRecorded) {
  Campaign campaign = OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})});
  if (GetParam().campaign) {
    GetParam().campaign(&campaign);
  }
  Play play(std::move(campaign));
  if (GetParam().stage) {
    GetParam().stage(&play);
  }
  play.Happens(kNoon, "order.paid");
  ASSERT_FALSE(play.lines.empty());
  const std::string begins = "2026-11-01T04:00:00Z rejected " + std::string(GetParam().reason);
  EXPECT_TRUE((play.lines.back() + " ").starts_with(begins + " ")) << play.lines.back();
  EXPECT_THAT(play.last.dispatches, IsEmpty());
  EXPECT_THAT(play.last.ledger, IsEmpty()) << "no coupon that its message can't announce";
}

// What a failing row is called.
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Gates, EveryReason,
    testing::Values(
        Refusal{"active", [](Campaign* c) { c->active_until = Play::At(kNoon); }, nullptr},
        Refusal{"active", nullptr, [](Play* p) { p->set().paused.insert("c"); }},
        Refusal{"late",
                [](Campaign* c) {
                  c->late = {kHourUs, LateRule::Then::kSkip};
                },
                [](Play* p) { p->context.wall = Play::At("2026-11-01T06:00:00Z"); }},
        Refusal{"reentry", [](Campaign* c) { c->reentry.rule = Reentry::Rule::kOnce; },
                [](Play* p) { p->Happens("2026-10-01T04:00:00Z", "order.paid"); }},
        Refusal{"holdout", [](Campaign* c) { c->holdout_share = 10000; }, nullptr},
        Refusal{"global_holdout", nullptr, [](Play* p) { p->shop().holdout_share = 10000; }},
        Refusal{"limit", [](Campaign* c) { c->limits.entries = 0; }, nullptr},
        Refusal{"limit", [](Campaign* c) { c->limits.per_customer = 1; },
                [](Play* p) { p->Happens("2026-10-01T04:00:00Z", "order.paid"); }},
        Refusal{"contact", nullptr, [](Play* p) { p->customer.MutableProfile().phone.clear(); }},
        Refusal{"consent", nullptr, [](Play* p) { p->context.assume_consent = false; }},
        Refusal{"suppression", nullptr,
                [](Play* p) {
                  p->customer.MutableProfile().suppressions.push_back({0, "bounced"});
                }},
        Refusal{"cap", nullptr,
                [](Play* p) {
                  p->shop().caps.push_back({MessageClass::kMarketing, "", 1, 60 * kDayUs});
                  p->Happens("2026-10-01T04:00:00Z", "order.paid");
                }},
        Refusal{"budget",
                [](Campaign* c) {
                  c->limits.money = Money{4999, *Currency::Parse("CNY")};
                },
                nullptr},
        Refusal{
            "quiet_hours", nullptr, [](Play* p) {
              p->shop().quiet_hours = QuietHours{11 * kHourUs, 13 * kHourUs, true, Zone(), true};
            }}));

TEST(Engine, AnAbsenceWithAFalseConditionIsRefusedForItsAudience) {
  Campaign campaign = OnAbsence("c", 47, {Send({"sms"})});
  campaign.where = If("customer.orders >= 2");
  Play play(std::move(campaign));
  play.Happens(kNoon, "order.paid");
  play.AdvanceTo("2027-01-01T00:00:00Z");
  EXPECT_THAT(play.lines, ElementsAre("2026-12-18T04:00:00Z rejected audience"));
}

TEST(Engine, AControlGroupIsWatchedForItsGoal) {
  Campaign campaign = Thanks();
  campaign.holdout_share = 10000;
  campaign.goal = Goal{"order.paid", nullptr, 14 * kDayUs};
  Play play(std::move(campaign));
  play.Happens(kNoon, "review.posted", 5);
  play.Happens("2026-11-10T00:00:00Z", "order.paid");
  play.Happens("2026-11-11T00:00:00Z", "order.paid");
  EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:00:00Z rejected holdout holdout",
                                      "2026-11-10T00:00:00Z converted holdout"));
  play.AdvanceTo("2027-01-01T00:00:00Z");
  EXPECT_THAT(play.customer.episodes, IsEmpty());
}

TEST(Engine, AnExitWhileSettlingLeavesNoTraceForTheCustomer) {
  Campaign campaign = Thanks();
  campaign.settle = 30 * kMinuteUs;
  campaign.exits.push_back({"review.deleted", nullptr});
  Play play(std::move(campaign));
  play.Happens(kNoon, "review.posted", 5);
  play.Happens("2026-11-01T04:10:00Z", "review.deleted");
  play.AdvanceTo("2026-12-01T00:00:00Z");
  EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:10:00Z rejected exit"));
  EXPECT_THAT(play.dispatches, IsEmpty());
}

TEST(Engine, SettleHoldsTheEntryAndTheGatesAreAskedThen) {
  Campaign campaign = Thanks();
  campaign.settle = 30 * kMinuteUs;
  Play play(std::move(campaign));
  play.Happens(kNoon, "review.posted", 5);
  EXPECT_THAT(play.lines, IsEmpty());
  play.AdvanceTo("2026-11-01T05:00:00Z");
  EXPECT_THAT(play.lines,
              ElementsAre("2026-11-01T04:30:00Z entered treated",
                          "2026-11-01T04:30:00Z dispatched sms", "2026-11-01T04:30:00Z completed"));
}

TEST(Engine, QuietHoursHoldTheWholeEntryUntilTheMorning) {
  Play play(OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})}));
  play.shop().quiet_hours = QuietHours{21 * kHourUs, 9 * kHourUs, true, Zone(), false};
  play.Happens("2026-11-01T14:30:00Z", "order.paid");  // 22:30
  EXPECT_THAT(play.lines, ElementsAre("2026-11-01T14:30:00Z deferred quiet_hours until "
                                      "2026-11-02T01:00:00Z"));
  EXPECT_THAT(play.ledger, IsEmpty());
  play.AdvanceTo("2026-11-02T02:00:00Z");
  EXPECT_EQ(play.lines.size(), 5U);
  EXPECT_EQ(play.lines[1], "2026-11-02T01:00:00Z entered treated");
  EXPECT_EQ(play.lines[2], "2026-11-02T01:00:00Z issued big");
}

TEST(Engine, AWaitEndsByItsEventOrItsTime) {
  for (const bool redeems : {true, false}) {
    Step last = Send({"sms"}, "last-call");
    last.id = "last";
    last.when = If("!coupons.big.redeemed");
    Play play(OnEvent("c", "order.paid",
                      {Coupon(50), Send({"sms"}), Wait(5 * kDayUs, "coupon.redeemed"), last}));
    play.Happens(kNoon, "order.paid");
    ASSERT_EQ(play.ledger.size(), 1U);
    if (redeems) {
      play.AdvanceTo("2026-11-03T00:00:00Z");
      const CouponReference reference{play.ledger[0].code, "", 0, {}};
      Event event;
      event.id = "r";
      event.type = "coupon.redeemed";
      event.time = Play::At("2026-11-03T00:00:00Z");
      event.customer.id = "c1";
      event.coupon = &reference;
      play.Take(EventInput{&event});
    }
    play.AdvanceTo("2026-12-01T00:00:00Z");
    EXPECT_EQ(play.lines[3], redeems ? "2026-11-03T00:00:00Z skipped when"
                                     : "2026-11-06T04:00:00Z dispatched sms");
    EXPECT_EQ(play.lines.size(), 5U);
  }
}

TEST(Engine, AnExitWithdrawsWhatWasNotSentYet) {
  Campaign campaign = OnEvent("c", "order.paid", {Send({"sms"}), Wait(kDayUs), Send({"sms"})});
  campaign.exits.push_back({"order.refunded", nullptr});
  Play play(std::move(campaign));
  play.Happens(kNoon, "order.paid");
  play.Happens("2026-11-01T05:00:00Z", "order.refunded");
  EXPECT_EQ(play.lines.back(), "2026-11-01T05:00:00Z exited order.refunded");
  ASSERT_EQ(play.withdrawn.size(), 1U);
  EXPECT_EQ(play.withdrawn[0], play.dispatches[0].id);
  play.AdvanceTo("2026-12-01T00:00:00Z");
  EXPECT_EQ(play.dispatches.size(), 1U);
}

TEST(Engine, ReentryCountsTheControlGroupAsItCountsTheTreated) {
  for (const bool control : {true, false}) {
    Campaign campaign = OnEvent("c", "order.paid", {Send({"sms"})});
    campaign.reentry.rule = Reentry::Rule::kOnce;
    campaign.holdout_share = control ? 10000 : 0;
    Play play(std::move(campaign));
    play.Happens(kNoon, "order.paid");
    play.Happens("2026-11-02T04:00:00Z", "order.paid");
    EXPECT_EQ(play.lines[0], control ? "2026-11-01T04:00:00Z rejected holdout holdout"
                                     : "2026-11-01T04:00:00Z entered treated");
    EXPECT_EQ(play.lines.back(), "2026-11-02T04:00:00Z rejected reentry");
  }
}

TEST(Engine, CandidatesThatSettleDoNotKeepEachOtherOut) {
  Campaign campaign = OnEvent("c", "order.paid", {Send({"sms"})});
  campaign.reentry.rule = Reentry::Rule::kOnce;
  campaign.settle = 30 * kMinuteUs;
  Play play(std::move(campaign));
  play.Happens("2026-11-01T04:00:00Z", "order.paid");
  play.Happens("2026-11-01T04:10:00Z", "order.paid");
  play.Happens("2026-11-01T04:20:00Z", "order.paid");
  play.AdvanceTo("2026-11-02T00:00:00Z");
  EXPECT_THAT(
      play.lines,
      ElementsAre("2026-11-01T04:30:00Z entered treated", "2026-11-01T04:30:00Z dispatched sms",
                  "2026-11-01T04:30:00Z completed", "2026-11-01T04:40:00Z rejected reentry",
                  "2026-11-01T04:50:00Z rejected reentry"));
}

TEST(Engine, OfAbsencesThatAnOutageHeldOnlyTheLastIsAnswered) {
  Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
  Play play(std::move(campaign));
  play.context.wall = Play::At("2026-11-15T00:00:00Z");
  play.Happens("2026-10-01T04:00:00Z", "order.paid");
  play.Happens("2026-10-20T04:00:00Z", "order.paid");
  play.AdvanceTo("2026-11-15T00:00:01Z");
  EXPECT_THAT(play.lines, testing::Contains("2026-10-11T04:00:00Z rejected late"));
  EXPECT_EQ(play.dispatches.size(), 1U);
}

TEST(Engine, ARefundIsTakenFromTheSumsOfItsDaysToo) {
  Play play(OnEvent("c", "review.posted", {Send({"sms"})}));
  play.Happens("2026-11-01T04:00:00Z", "order.paid");
  play.Happens("2026-11-02T04:00:00Z", "order.paid");
  play.Happens("2026-11-03T04:00:00Z", "order.refunded");
  const WindowSum sum =
      SumSince(play.customer.activity, Play::At("2026-11-04T04:00:00Z"), 30 * kDayUs);
  EXPECT_EQ(sum.orders, 2);
  EXPECT_EQ(sum.spend_minor, 9900);
  EXPECT_EQ(play.customer.activity.spend_minor, 9900);
}

TEST(Engine, ACampaignWithAKeyPerOrderMakesNoOtherForgetThatItRunsOnce) {
  Campaign each = OnEvent("each", "order.paid", {Send({"sms"})});
  each.reentry.rule = Reentry::Rule::kOnce;
  each.reentry.key = If("event.id", cel::Type::String());
  Campaign once = OnEvent("once", "order.paid", {Send({"sms"})});
  once.reentry.rule = Reentry::Rule::kOnce;
  Play play(std::move(each));
  play.Add(std::move(once));
  for (int i = 0; i < 300; ++i) {
    play.Arrives("2026-11-01T04:00:00Z", "order.paid");
  }
  EXPECT_EQ(std::count_if(play.dispatches.begin(), play.dispatches.end(),
                          [](const Dispatch& dispatch) { return dispatch.campaign == "once"; }),
            1);
}

TEST(Engine, AnExitKeepsAMessageThatAwaitsItsReceiptFromOtherChannels) {
  for (const bool over : {true, false}) {
    Campaign campaign = OnEvent("c", "order.paid", {Send({"sms", "email"})});
    campaign.exits.push_back({"order.refunded", nullptr});
    Play play(std::move(campaign));
    play.Happens(kNoon, "order.paid");
    EXPECT_EQ(play.lines.back(), "2026-11-01T04:00:00Z completed");
    play.Receive(ReceiptInput::Kind::kAwaitingReceipt, play.dispatches[0]);
    if (over) {
      play.Receive(ReceiptInput::Kind::kSettled, play.dispatches[0]);
    }
    play.Happens("2026-11-01T05:00:00Z", "order.refunded");
    EXPECT_EQ(play.withdrawn.size(), over ? 0U : 1U);
    EXPECT_THAT(play.customer.episodes, IsEmpty());
  }
}

TEST(Engine, WhoCameBackWithinTheLatenessIsNotWonBack) {
  for (const bool exits : {true, false}) {
    Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
    if (exits) {
      campaign.exits.push_back({"order.paid", nullptr});
    }
    Play play(std::move(campaign));
    play.Happens("2026-10-01T04:00:00Z", "order.paid");
    play.AdvanceTo("2026-10-11T00:00:00Z");
    // An hour behind the deadline, of which it is not certain yet that nothing came before it.
    play.Arrives("2026-10-11T05:00:00Z", "order.paid");
    EXPECT_THAT(play.lines, IsEmpty());
    play.AdvanceTo("2026-10-12T00:00:00Z");
    EXPECT_EQ(play.lines[0], exits ? "2026-10-11T04:00:00Z rejected exit"
                                   : "2026-10-11T04:00:00Z entered treated");
    EXPECT_EQ(play.dispatches.size(), exits ? 0U : 1U);
    play.AdvanceTo("2026-11-01T00:00:00Z");
    EXPECT_EQ(play.dispatches.size(), exits ? 1U : 2U) << "the second order's own clock";
  }
}

TEST(Engine, ACapHoldsInWhateverOrderTheTimesCome) {
  Play play(OnEvent("c", "order.paid", {Send({"sms"})}));
  play.shop().caps.push_back({MessageClass::kMarketing, "", 1, kDayUs});
  play.Arrives("2026-11-01T04:00:00Z", "order.paid");
  play.Arrives("2026-11-01T03:00:00Z", "order.paid");
  play.Arrives("2026-10-31T04:00:01Z", "order.paid");
  EXPECT_EQ(play.dispatches.size(), 1U);
  play.Arrives("2026-10-31T04:00:00Z", "order.paid");
  EXPECT_EQ(play.dispatches.size(), 2U);
}

TEST(Engine, WhatFiresLongAfterItsTimeWaitsForTheLogAndIsAskedAgain) {
  for (const bool came_back : {true, false}) {
    Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
    Play play(std::move(campaign));
    play.Happens("2026-10-01T04:00:00Z", "order.paid");
    // An outage: the clock ran out on the 11th, and it is the 15th when the log is read again.
    play.context.wall = Play::At("2026-10-15T00:00:00Z");
    play.AdvanceTo("2026-10-12T00:00:00Z");
    EXPECT_THAT(play.lines, IsEmpty());
    if (came_back) {
      play.Happens("2026-10-13T00:00:00Z", "order.paid");
    }
    play.AdvanceTo("2026-10-15T00:00:01Z");
    ASSERT_FALSE(play.lines.empty());
    EXPECT_EQ(play.lines[0], came_back ? "2026-10-11T04:00:00Z rejected late"
                                       : "2026-10-11T04:00:00Z entered treated");
  }
}

TEST(Engine, ACouponOfTheShopsOwnInterfaceIsAwaited) {
  for (const bool issued : {true, false}) {
    Play play(OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})}));
    play.set().coupons_local = false;
    play.Happens(kNoon, "order.paid");
    ASSERT_EQ(play.dispatches.size(), 1U);
    EXPECT_EQ(play.dispatches[0].kind, Dispatch::Kind::kCoupon);
    EXPECT_EQ(play.lines.size(), 1U) << "entered, nothing issued yet";
    play.Receive(issued ? ReceiptInput::Kind::kCouponIssued : ReceiptInput::Kind::kCouponRefused,
                 play.dispatches[0], "SHOP-1");
    if (issued) {
      EXPECT_THAT(
          play.lines,
          ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z issued big",
                      "2026-11-01T04:00:00Z dispatched sms", "2026-11-01T04:00:00Z completed"));
      EXPECT_EQ(play.ledger[0].code, "SHOP-1");
    } else {
      EXPECT_EQ(play.lines.back(), "2026-11-01T04:00:00Z failed coupon_refused");
      EXPECT_THAT(play.ledger, IsEmpty());
    }
  }
}

TEST(Engine, NoCouponIsAskedForThatItsMessageCannotAnnounce) {
  Play play(OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})}));
  play.set().coupons_local = false;
  play.context.assume_consent = false;
  play.Happens(kNoon, "order.paid");
  EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:00:00Z rejected consent"));
  EXPECT_THAT(play.dispatches, IsEmpty());
}

TEST(Engine, OfTwoCampaignsThatWantTheSameSlotTheFirstInTheListGetsIt) {
  Campaign first = OnEvent("first", "order.paid", {Send({"sms"})});
  Campaign second = OnEvent("second", "order.paid", {Send({"sms"})});
  Play play(std::move(first));
  play.Add(std::move(second));
  play.shop().caps.push_back({MessageClass::kMarketing, "", 1, kDayUs});
  play.Happens(kNoon, "order.paid");
  EXPECT_EQ(play.lines[0], "2026-11-01T04:00:00Z entered treated");
  EXPECT_EQ(play.lines.back(), "2026-11-01T04:00:00Z rejected cap");
  EXPECT_EQ(play.dispatches[0].campaign, "first");
}

TEST(Engine, AnOptionalStepIsSkippedInsteadOfRefusingTheEntry) {
  Step email = Send({"email"});
  email.id = "mail";
  email.optional = true;
  Play play(OnEvent("c", "order.paid", {email, Send({"sms"})}));
  play.Happens(kNoon, "order.paid");
  EXPECT_THAT(
      play.lines,
      ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z skipped contact",
                  "2026-11-01T04:00:00Z dispatched sms", "2026-11-01T04:00:00Z completed"));
}

TEST(Engine, TransactionalMessagesAreNeitherCappedNorHeldNorCounted) {
  Campaign campaign = Thanks();
  campaign.message_class = MessageClass::kTransactional;
  Play play(std::move(campaign));
  play.context.assume_consent = false;
  play.shop().holdout_share = 10000;
  play.shop().caps.push_back({std::nullopt, "", 1, kDayUs});
  play.shop().quiet_hours = QuietHours{0, 23 * kHourUs, true, Zone(), false};
  play.Happens(kNoon, "review.posted", 5);
  play.Happens("2026-11-01T05:00:00Z", "review.posted", 5);
  EXPECT_EQ(play.dispatches.size(), 2U);
}

TEST(Engine, ConsentIsAskedAgainAtTheMomentOfSending) {
  Play play(Thanks());
  play.context.assume_consent = false;
  play.customer.MutableProfile().consents.push_back({0, MessageClass::kMarketing, true, -1, ""});
  play.Happens(kNoon, "review.posted", 5);
  ASSERT_EQ(play.dispatches.size(), 1U);
  const Dispatch& dispatch = play.dispatches[0];
  EXPECT_EQ(play.engine().CheckSend(dispatch, "sms", play.context, play.customer), Reason::kNone);
  play.Happens("2026-11-01T04:00:01Z", "consent.revoked");
  EXPECT_EQ(play.engine().CheckSend(dispatch, "sms", play.context, play.customer),
            Reason::kConsent);
}

TEST(Engine, TheSameInputsGiveTheSameDecisionsByteForByte) {
  std::vector<std::string> first;
  for (int run = 0; run < 2; ++run) {
    Play play(OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})}));
    play.Happens(kNoon, "order.paid");
    std::vector<std::string> lines;
    for (const Decision& decision : play.last.decisions) {
      FormatDecision(decision, &lines.emplace_back());
    }
    EXPECT_FALSE(lines.empty());
    EXPECT_TRUE(run == 0 || lines == first);
    first = lines;
  }
}

}  // namespace
}  // namespace huitou
