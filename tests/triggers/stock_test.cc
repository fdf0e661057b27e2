// The gate `stock`: coupons whose codes come from a pool, told by the number that is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/triggers/play.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kNoon = "2026-11-01T04:00:00Z";

class Shelf : public CouponStock {
 public:
  explicit Shelf(int64_t codes = 0) { left["winback-50"] = codes; }
  int64_t Left(const std::string& pool) const override {
    const auto found = left.find(pool);
    return found == left.end() ? 0 : found->second;
  }
  std::map<std::string, int64_t> left;
};

Step PoolCoupon(const std::string& id, CouponStep::OnEmpty on_empty = CouponStep::OnEmpty::kExit) {
  Step step = Coupon(50);
  step.id = id;
  auto& coupon = std::get<CouponStep>(step.action);
  coupon.pool = "winback-50";
  coupon.on_empty = on_empty;
  return step;
}

std::unique_ptr<Play> With(std::vector<Step> steps, Shelf* shelf) {
  auto play = std::make_unique<Play>(OnEvent("c", "order.paid", std::move(steps)));
  play->context.stock = shelf;
  return play;
}

TEST(Stock, ACouponOfAPoolIsAskedForAlsoWhereTheOthersAreLocal) {
  Shelf shelf(1);
  const auto play = With({PoolCoupon("big"), Send({"sms"})}, &shelf);
  play->Happens(kNoon, "order.paid");
  ASSERT_EQ(play->dispatches.size(), 1U);
  EXPECT_EQ(play->dispatches[0].kind, Dispatch::Kind::kCoupon);
  EXPECT_EQ(play->dispatches[0].pool, "winback-50");
  play->Receive(ReceiptInput::Kind::kCouponIssued, play->dispatches[0], "POOL-1");
  EXPECT_THAT(play->lines,
              ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z issued big",
                          "2026-11-01T04:00:00Z dispatched sms", "2026-11-01T04:00:00Z completed"));
  EXPECT_EQ(play->ledger[0].code, "POOL-1");
}

TEST(Stock, AnEmptyPoolRefusesTheEntryAndNothingOfItHappens) {
  Shelf shelf(0);
  const auto play = With({Send({"sms"}), PoolCoupon("big")}, &shelf);
  play->Happens(kNoon, "order.paid");
  EXPECT_THAT(play->lines, ElementsAre("2026-11-01T04:00:00Z rejected stock"));
  EXPECT_THAT(play->dispatches, IsEmpty());
  EXPECT_TRUE(play->quotas.sums.empty());
}

TEST(Stock, NoCodeIsAskedForThatItsMessageCannotAnnounce) {
  Shelf shelf(1);
  const auto play = With({PoolCoupon("big"), Send({"sms"})}, &shelf);
  play->context.assume_consent = false;
  play->Happens(kNoon, "order.paid");
  EXPECT_THAT(play->lines, ElementsAre("2026-11-01T04:00:00Z rejected consent"));
  EXPECT_THAT(play->dispatches, IsEmpty());
}

TEST(Stock, ARunThatNeedsTwoCodesIsRefusedWhereOneIsLeft) {
  for (const int64_t left : {1, 2}) {
    Shelf shelf(left);
    const auto play = With({PoolCoupon("big"), PoolCoupon("small")}, &shelf);
    play->Happens(kNoon, "order.paid");
    EXPECT_EQ(play->lines[0], left == 1 ? "2026-11-01T04:00:00Z rejected stock"
                                        : "2026-11-01T04:00:00Z entered treated");
  }
}

TEST(Stock, WithOnEmptySkipOrOptionalTheStepAloneIsSkipped) {
  for (const bool optional : {true, false}) {
    Step coupon =
        PoolCoupon("big", optional ? CouponStep::OnEmpty::kExit : CouponStep::OnEmpty::kSkip);
    coupon.optional = optional;
    Shelf shelf;
    const auto play = With({coupon, Send({"sms"})}, &shelf);
    play->Happens(kNoon, "order.paid");
    EXPECT_THAT(
        play->lines,
        ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z skipped stock",
                    "2026-11-01T04:00:00Z dispatched sms", "2026-11-01T04:00:00Z completed"));
  }
}

TEST(Stock, BehindAWaitAnEmptyPoolEndsTheEpisodeOrSkipsTheStep) {
  for (const auto on_empty : {CouponStep::OnEmpty::kExit, CouponStep::OnEmpty::kSkip}) {
    Shelf shelf(1);
    const auto play = With({Wait(2 * kDayUs), PoolCoupon("big", on_empty), Send({"sms"})}, &shelf);
    play->Happens(kNoon, "order.paid");
    shelf.left.clear();
    play->AdvanceTo("2026-11-04T00:00:00Z");
    if (on_empty == CouponStep::OnEmpty::kExit) {
      EXPECT_THAT(play->lines, ElementsAre("2026-11-01T04:00:00Z entered treated",
                                           "2026-11-03T04:00:00Z failed stock"));
    } else {
      EXPECT_THAT(
          play->lines,
          ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-03T04:00:00Z skipped stock",
                      "2026-11-03T04:00:00Z dispatched sms", "2026-11-03T04:00:00Z completed"));
    }
  }
}

TEST(Stock, WhatARunAsksForBehindItsFirstCodeIsAskedAgainThen) {
  Shelf shelf(2);
  const auto play = With({PoolCoupon("big"), PoolCoupon("small"), Send({"sms"})}, &shelf);
  play->Happens(kNoon, "order.paid");
  shelf.left["winback-50"] = 0;  // another shard was faster
  play->Receive(ReceiptInput::Kind::kCouponIssued, play->dispatches[0], "POOL-1");
  EXPECT_THAT(play->lines,
              ElementsAre("2026-11-01T04:00:00Z entered treated", "2026-11-01T04:00:00Z issued big",
                          "2026-11-01T04:00:00Z failed stock"));
}

TEST(Stock, ADryRunIssuesOnTheSpotAndIsToldTheNumber) {
  Shelf shelf(1);
  for (const bool empty : {false, true}) {
    const auto play = With({PoolCoupon("big"), Send({"sms"})}, &shelf);
    play->set().pools_local = true;
    play->Happens(kNoon, "order.paid");
    EXPECT_EQ(play->lines[0], empty ? "2026-11-01T04:00:00Z rejected stock"
                                    : "2026-11-01T04:00:00Z entered treated");
    EXPECT_EQ(play->ledger.size(), empty ? 0U : 1U);
    EXPECT_EQ(play->dispatches.size(), empty ? 0U : 1U) << "the message alone";
    shelf.left.clear();
  }
}

TEST(Stock, ExplainSaysSoAndTakesNothing) {
  Shelf shelf;
  const auto play = With({PoolCoupon("big"), Send({"sms"})}, &shelf);
  play->context.frontier = Play::At(kNoon);
  EXPECT_EQ(play->engine().Explain(play->context, play->customer)[0].refusal, Reason::kStock);
  shelf.left["winback-50"] = 1;
  EXPECT_EQ(play->engine().Explain(play->context, play->customer)[0].refusal, Reason::kNone);
  EXPECT_THAT(play->dispatches, IsEmpty());
}

TEST(Stock, ARefundRevokesACodeOfAPoolAsAnyOther) {
  Shelf shelf(1);
  Step coupon = PoolCoupon("big");
  std::get<CouponStep>(coupon.action).revoke_on_refund = true;
  Campaign campaign = OnEvent("c", "order.paid", {coupon, Wait(20 * kDayUs)});
  campaign.reads_trigger = true;
  Play play(std::move(campaign));
  play.context.stock = &shelf;
  play.Happens(kNoon, "order.paid");
  play.Receive(ReceiptInput::Kind::kCouponIssued, play.dispatches[0], "POOL-1");
  play.Happens("2026-11-02T04:00:00Z", "order.refunded");
  ASSERT_EQ(play.emissions.size(), 1U);
  EXPECT_EQ(play.emissions[0].type, "coupon.revoked");
  EXPECT_EQ(play.emissions[0].data[0].second, "POOL-1");
}

}  // namespace
}  // namespace huitou
