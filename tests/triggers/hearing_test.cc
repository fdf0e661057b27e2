// What episodes hear, and what clocks hear for episodes that are not there yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/triggers/play.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kNoon[] = "2026-11-01T04:00:00Z";

// --- between an absence's deadline and its firing

// An order on October 1, so that ten days without one end on the 11th at 4:00; then one at 5:00,
// before it is certain that none comes from before 4:00.
void OrdersAroundTheDeadline(Play* play) {
  play->Happens("2026-10-01T04:00:00Z", "order.paid");
  play->AdvanceTo("2026-10-11T00:00:00Z");
  play->Arrives("2026-10-11T05:00:00Z", "order.paid");
  EXPECT_THAT(play->lines, IsEmpty());
}

TEST(EarlyNews, AGoalMetBehindTheDeadlineCountsInBothArms) {
  for (const bool control : {false, true}) {
    Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
    campaign.goal = Goal{"order.paid", If("event.order.total > 50.0"), 14 * kDayUs};
    campaign.holdout_share = control ? 10000 : 0;
    Play play(std::move(campaign));
    OrdersAroundTheDeadline(&play);
    play.AdvanceTo("2026-10-12T00:00:00Z");
    EXPECT_EQ(play.lines.front(), control ? "2026-10-11T04:00:00Z rejected holdout holdout"
                                          : "2026-10-11T04:00:00Z entered treated");
    EXPECT_EQ(play.lines.back(), control ? "2026-10-11T05:00:00Z converted holdout"
                                         : "2026-10-11T05:00:00Z converted treated");
    EXPECT_EQ(play.last.decisions.back().amount.minor, 9900);
    play.Happens("2026-10-13T00:00:00Z", "order.paid");
    EXPECT_EQ(play.lines.size(), control ? 2U : 4U) << "once";
  }
}

TEST(EarlyNews, AnExitWithAConditionIsSeenToo) {
  for (const bool met : {true, false}) {
    Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
    campaign.exits.push_back(
        {"order.paid", If(met ? "event.order.total > 50.0" : "event.order.total > 500.0")});
    Play play(std::move(campaign));
    OrdersAroundTheDeadline(&play);
    play.AdvanceTo("2026-10-12T00:00:00Z");
    EXPECT_EQ(play.lines.front(),
              met ? "2026-10-11T04:00:00Z rejected exit" : "2026-10-11T04:00:00Z entered treated");
  }
}

TEST(EarlyNews, IsForgottenWhereTheDeadlineMovesBehindIt) {
  Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
  campaign.goal = Goal{"order.paid", nullptr, 14 * kDayUs};
  Play play(std::move(campaign));
  OrdersAroundTheDeadline(&play);
  play.Arrives("2026-10-11T03:00:00Z", "order.paid");
  play.AdvanceTo("2026-10-12T00:00:00Z");
  EXPECT_THAT(play.lines, IsEmpty());
  play.AdvanceTo("2026-10-22T00:00:00Z");
  EXPECT_THAT(play.lines,
              ElementsAre("2026-10-21T05:00:00Z entered treated",
                          "2026-10-21T05:00:00Z dispatched sms", "2026-10-21T05:00:00Z completed"));
}

// Ten days without an order, then two days of settling, or a quiet night.
Campaign SettlesBeforeItAsks(bool control) {
  Campaign campaign = OnAbsence("c", 10, {Send({"sms"})});
  campaign.goal = Goal{"order.paid", If("event.order.total > 50.0"), 14 * kDayUs};
  campaign.settle = 2 * kDayUs;
  campaign.holdout_share = control ? 10000 : 0;
  return campaign;
}

TEST(EarlyNews, AGoalMetBehindTheEndOfSettlingCountsInBothArms) {
  for (const bool control : {false, true}) {
    Play play(SettlesBeforeItAsks(control));
    play.Happens("2026-10-01T04:00:00Z", "order.paid");
    play.AdvanceTo("2026-10-13T00:00:00Z");
    play.Arrives("2026-10-13T03:00:00Z", "order.paid");  // before the entry: no conversion
    play.Arrives("2026-10-13T05:00:00Z", "order.paid");
    EXPECT_THAT(play.lines, IsEmpty());
    play.AdvanceTo("2026-10-14T00:00:00Z");
    EXPECT_EQ(play.lines.front(), control ? "2026-10-13T04:00:00Z rejected holdout holdout"
                                          : "2026-10-13T04:00:00Z entered treated");
    EXPECT_EQ(play.lines.back(), control ? "2026-10-13T05:00:00Z converted holdout"
                                         : "2026-10-13T05:00:00Z converted treated");
    EXPECT_EQ(play.last.decisions.back().amount.minor, 9900);
    const size_t told = play.lines.size();
    play.Happens("2026-10-15T00:00:00Z", "order.paid");
    EXPECT_EQ(play.lines.size(), told) << "once";
  }
}

TEST(EarlyNews, AGoalBehindDeadlineAndSettlingCountsAlsoWhenItCameBeforeTheCandidate) {
  Campaign campaign = SettlesBeforeItAsks(false);
  campaign.settle = kHourUs;
  Play play(std::move(campaign));
  play.Happens("2026-10-01T04:00:00Z", "order.paid");
  play.AdvanceTo("2026-10-11T00:00:00Z");
  play.Arrives("2026-10-11T05:30:00Z", "order.paid");
  play.AdvanceTo("2026-10-12T00:00:00Z");
  EXPECT_EQ(play.lines.back(), "2026-10-11T05:30:00Z converted treated");
}

TEST(EarlyNews, AGoalMetBehindTheEndOfAQuietNightCounts) {
  Campaign campaign = OnEvent("c", "review.posted", {Send({"sms"})});
  campaign.goal = Goal{"order.paid", nullptr, 14 * kDayUs};
  Play play(std::move(campaign));
  play.shop().quiet_hours = QuietHours{21 * kHourUs, 9 * kHourUs, true, Zone(), false};
  play.Happens("2026-10-01T14:00:00Z", "review.posted", 5);
  play.AdvanceTo("2026-10-02T00:30:00Z");
  play.Arrives("2026-10-02T01:30:00Z", "order.paid");
  play.AdvanceTo("2026-10-03T00:00:00Z");
  EXPECT_EQ(play.lines.back(), "2026-10-02T01:30:00Z converted treated");
}

// --- messages whose coupon has run out

TEST(ExpiredCoupons, AMessageThatWasHeldUntilThenIsSkippedAndSaysSo) {
  for (const bool may_be_sent : {false, true}) {
    Play play(OnEvent("c", "order.paid", {Coupon(50), Send({"sms"})}));
    play.Happens(kNoon, "order.paid");
    const Dispatch& held = play.dispatches.at(0);
    play.AdvanceTo("2026-12-02T00:00:00Z");
    const Reason reason = play.engine().CheckSend(held, "sms", play.context, play.customer);
    EXPECT_EQ(reason, Reason::kExpired);
    ReceiptInput receipt{ReceiptInput::Kind::kFailed, held.id, held.episode,
                         play.context.frontier,       "",      ToString(reason)};
    receipt.may_exist = may_be_sent;
    play.Take(receipt);
    EXPECT_EQ(play.lines.back(), may_be_sent ? "2026-11-01T04:00:00Z completed"
                                             : "2026-12-02T00:00:00Z skipped expired");
    if (!may_be_sent) {
      EXPECT_EQ(play.last.decisions.back().step, "m1");
      EXPECT_EQ(play.last.decisions.back().dispatch, held.id);
    }
  }
}

// --- refunds

Step RevocableCoupon() {
  Step coupon = Coupon(50);
  std::get<CouponStep>(coupon.action).revoke_on_refund = true;
  return coupon;
}

Step Reminder() {
  Step step = Send({"sms"}, "last-call");
  step.id = "last";
  return step;
}

void Tell(Play* play, std::string_view at, std::string_view type, std::string_view order_id,
          std::string_view code = "") {
  play->AdvanceTo(at);
  Order order;
  order.id = order_id;
  const CouponReference coupon{code, "", 0, {}};
  const std::string id = std::string(at) + std::string(type);
  Event event;
  event.id = id;
  event.type = type;
  event.time = Play::At(at);
  event.customer.id = play->customer.id;
  event.order = &order;
  event.coupon = code.empty() ? nullptr : &coupon;
  play->Take(EventInput{&event});
}

TEST(Refunds, OfTheOrderThatACouponWasUsedForRevokeIt) {
  Play play(OnAbsence("c", 10, {RevocableCoupon(), Send({"sms"})}));
  play.Happens("2026-10-01T04:00:00Z", "order.paid");
  play.AdvanceTo("2026-10-12T00:00:00Z");
  ASSERT_EQ(play.ledger.size(), 1U);
  play.Receive(ReceiptInput::Kind::kAccepted, play.dispatches[0]);
  Tell(&play, "2026-10-13T00:00:00Z", "coupon.redeemed", "o2", play.ledger[0].code);
  Tell(&play, "2026-10-14T00:00:00Z", "order.refunded", "o3");
  EXPECT_THAT(play.emissions, IsEmpty());
  // Behind the coupon's own end, for it was used before.
  Tell(&play, "2026-12-01T00:00:00Z", "order.refunded", "o2");
  ASSERT_EQ(play.emissions.size(), 1U);
  EXPECT_EQ(play.emissions[0].type, "coupon.revoked");
  play.AdvanceTo("2027-12-01T00:00:00Z");
  EXPECT_THAT(play.customer.episodes, IsEmpty());
}

TEST(Refunds, KeepBackTheMessagesOfARevokedCouponAndSaySo) {
  Play play(
      OnEvent("c", "order.paid", {RevocableCoupon(), Send({"sms"}), Wait(5 * kDayUs), Reminder()}));
  play.Happens(kNoon, "order.paid");
  play.Happens("2026-11-01T05:00:00Z", "order.refunded");
  EXPECT_EQ(play.emissions.size(), 1U);
  ASSERT_EQ(play.withdrawn.size(), 1U);
  EXPECT_EQ(play.withdrawn[0], play.dispatches[0].id);
  EXPECT_EQ(play.lines.back(), "2026-11-01T05:00:00Z skipped revoked");
  EXPECT_EQ(play.last.decisions.back().step, "m1");
  play.AdvanceTo("2026-12-01T00:00:00Z");
  EXPECT_EQ(play.dispatches.size(), 1U);
  EXPECT_EQ(play.lines[play.lines.size() - 2], "2026-11-06T04:00:00Z skipped revoked");
  EXPECT_EQ(play.lines.back(), "2026-11-06T04:00:00Z completed");
}

// --- coupons that the shop is asked for

Campaign AsksTwoDaysLater() {
  Campaign campaign = OnEvent("c", "order.paid", {Wait(2 * kDayUs), Coupon(50), Send({"sms"})});
  campaign.limits.money = Money{50000, *Currency::Parse("CNY")};
  return campaign;
}

ReceiptInput RefusalOf(const Dispatch& dispatch) {
  ReceiptInput receipt;
  receipt.kind = ReceiptInput::Kind::kCouponRefused;
  receipt.dispatch = dispatch.id;
  receipt.episode = dispatch.episode;
  receipt.time = dispatch.time;
  receipt.asked_at = dispatch.time;
  return receipt;
}

TEST(AskedCoupons, MoneyGoesBackToTheDayFromWhichItWasTaken) {
  Play play(AsksTwoDaysLater());
  play.set().coupons_local = false;
  play.Happens(kNoon, "order.paid");
  play.AdvanceTo("2026-11-04T00:00:00Z");
  ASSERT_EQ(play.dispatches.size(), 1U);
  play.Take(RefusalOf(play.dispatches[0]));
  for (const auto& [sum, minor] : play.quotas.sums) {
    EXPECT_EQ(minor, 0) << sum.first << " " << sum.second;
  }
}

TEST(AskedCoupons, OneThatTheShopMayHaveIssuedIsInTheLedgerAndItsMoneySpent) {
  Play play(AsksTwoDaysLater());
  play.set().coupons_local = false;
  play.Happens(kNoon, "order.paid");
  play.AdvanceTo("2026-11-04T00:00:00Z");
  ASSERT_EQ(play.dispatches.size(), 1U);
  ReceiptInput receipt = RefusalOf(play.dispatches[0]);
  receipt.may_exist = true;
  play.Take(receipt);
  ASSERT_EQ(play.ledger.size(), 1U);
  EXPECT_EQ(play.ledger[0].dispatch, play.dispatches[0].id);
  EXPECT_EQ(play.ledger[0].code, "");
  ASSERT_EQ(play.quotas.sums.size(), 1U);
  EXPECT_EQ(play.quotas.sums.begin()->second, 5000);
  EXPECT_THAT(play.lines, ElementsAre("2026-11-01T04:00:00Z entered treated",
                                      "2026-11-03T04:00:00Z issued unknown big",
                                      "2026-11-03T04:00:00Z failed coupon_refused"));
}

// --- exits, lateness

TEST(Exits, AMessageThatAwaitsItsReceiptWasSent) {
  for (const bool accepted_before : {true, false}) {
    Campaign campaign = OnEvent("c", "order.paid", {Send({"sms", "email"}), Wait(kDayUs)});
    campaign.exits.push_back({"order.refunded", nullptr});
    campaign.goal = Goal{"review.posted", nullptr, 14 * kDayUs};
    Play play(std::move(campaign));
    play.Happens(kNoon, "order.paid");
    if (accepted_before) {
      play.Receive(ReceiptInput::Kind::kAwaitingReceipt, play.dispatches[0]);
    }
    play.Happens("2026-11-01T05:00:00Z", "order.refunded");
    EXPECT_EQ(play.withdrawn.size(), 1U) << "no other channel brings it";
    if (!accepted_before) {  // it was on its way
      play.Receive(ReceiptInput::Kind::kAwaitingReceipt, play.dispatches[0]);
    }
    ASSERT_EQ(play.customer.episodes.size(), 1U);
    EXPECT_EQ(play.customer.episodes[0].messages[0].status, SentMessage::Status::kAccepted);
  }
}

TEST(LateEvents, AreAnsweredAsFarAsLateAllows) {
  for (const bool skips : {false, true}) {
    Campaign campaign = OnEvent("c", "review.posted", {Send({"sms"})});
    campaign.late = {10 * kMinuteUs, skips ? LateRule::Then::kSkip : LateRule::Then::kReevaluate};
    Play play(std::move(campaign));
    play.AdvanceTo("2026-11-01T05:00:00Z");
    play.context.wall = Play::At("2026-11-01T05:00:00Z");
    play.Arrives("2026-11-01T04:55:00Z", "review.posted", 5);
    EXPECT_TRUE(play.last.late);
    EXPECT_EQ(play.lines.front(), "2026-11-01T04:55:00Z entered treated");
    play.Arrives("2026-11-01T04:45:00Z", "review.posted", 5);
    // What is held is asked again when the frontier is there.
    play.AdvanceTo("2026-11-01T05:00:01Z");
    EXPECT_EQ(play.lines.size(), skips ? 4U : 6U);
    EXPECT_EQ(play.lines[3], skips ? "2026-11-01T04:45:00Z rejected late"
                                   : "2026-11-01T04:45:00Z entered treated");
  }
}

}  // namespace
}  // namespace huitou
