#include "tests/shard/harness.h"
#include "tests/simulation/workload.h"
#include "triggers/base/check.h"
#include "triggers/vocabulary.h"

namespace huitou::simulation {
namespace {

Step Send(const std::string& id, std::vector<std::string> via, DurationUs wait_receipt = 0) {
  Step step;
  step.id = id;
  SendStep send;
  send.template_name = "hello";
  send.via = std::move(via);
  send.wait_receipt = wait_receipt;
  step.action = std::move(send);
  return step;
}

Step Coupon(const std::string& id) {
  Step step;
  step.id = id;
  step.action = FiftyYuan();
  return step;
}

Step Wait(DurationUs length) {
  Step step;
  WaitStep wait;
  wait.for_us = length;
  step.action = wait;
  return step;
}

std::shared_ptr<Campaign> Named(const std::string& id, uint64_t version) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = id;
  campaign->version = version;
  campaign->late.then = LateRule::Then::kFire;
  return campaign;
}

Condition Compiled(const char* text) {
  cel::Compiled compiled = cel::Compile(text, ConditionEnvironment({}));
  CHECK(compiled.ok());
  return compiled.program;
}

// Ten days without an order: a coupon from a small budget, then a message.
std::shared_ptr<Campaign> Budgeted() {
  auto campaign = Named("budgeted", 1);
  AbsenceTrigger absence;
  absence.after = absence.of = "order.paid";
  absence.within_default = 10 * kDayUs;
  campaign->trigger = absence;
  campaign->limits.budget = "q4";
  campaign->steps = {Coupon("big"), Send("m1", {"sms", "email"})};
  return campaign;
}

// A clock per category, each for itself, with waits and a goal.
std::shared_ptr<Campaign> PerCategory() {
  auto campaign = Named("category", 2);
  AbsenceTrigger absence;
  absence.after = absence.of = "order.paid";
  absence.per_category = true;
  absence.within = {{"shoes", 7 * kDayUs}};
  absence.within_default = 12 * kDayUs;
  campaign->trigger = absence;
  campaign->goal = Goal{"order.paid", nullptr, 5 * kDayUs};
  campaign->exits = {{"order.paid", nullptr}};
  campaign->holdout_share = 1500;
  campaign->steps = {Send("m1", {"email", "sms"}, 10 * kMinuteUs), Wait(2 * kDayUs),
                     Coupon("later"), Send("m2", {"email"})};
  return campaign;
}

// A clock per category that any order stops.
std::shared_ptr<Campaign> AnyOrder() {
  auto campaign = Named("any", 3);
  campaign->priority = 70;
  AbsenceTrigger absence;
  absence.after = absence.of = "order.paid";
  absence.per_category = true;
  absence.cancel_any = true;
  absence.within_default = 9 * kDayUs;
  campaign->trigger = absence;
  campaign->reentry.rule = Reentry::Rule::kAfter;
  campaign->reentry.after = 15 * kDayUs;
  campaign->steps = {Coupon("small")};
  return campaign;
}

// Six hours after a cart was left, unless it was bought.
std::shared_ptr<Campaign> Cart() {
  auto campaign = Named("cart", 4);
  AbsenceTrigger absence;
  absence.after = "cart.abandoned";
  absence.of = "order.paid";
  absence.within_default = 6 * kHourUs;
  campaign->trigger = absence;
  campaign->steps = {Send("m1", {"push"})};
  return campaign;
}

// Every good review is answered at once.
std::shared_ptr<Campaign> Thanks() {
  auto campaign = Named("thanks", 5);
  campaign->message_class = MessageClass::kTransactional;
  campaign->trigger = EventTrigger{"review.posted"};
  campaign->where = Compiled("event.review.rating == 5");
  campaign->reentry.key = Compiled("event.id");
  campaign->steps = {Send("m1", {"push"})};
  return campaign;
}

// A bad review: settles first, and leaves when there is a refund.
std::shared_ptr<Campaign> Sorry() {
  auto campaign = Named("sorry", 6);
  campaign->trigger = EventTrigger{"review.posted"};
  campaign->where = Compiled("event.review.rating <= 2");
  campaign->settle = 2 * kHourUs;
  campaign->exits = {{"order.refunded", nullptr}};
  campaign->steps = {Send("m1", {"sms"}), Wait(kDayUs), Coupon("sorry"), Send("m2", {"email"})};
  return campaign;
}

}  // namespace

std::shared_ptr<const CampaignSet> MakeCampaigns(bool coupons_local, int64_t budget_minor) {
  auto set = std::make_shared<CampaignSet>();
  set->coupons_local = coupons_local;
  set->shop.zone = *Zone::Find("UTC");
  set->shop.opt_in = false;
  set->shop.caps = {{MessageClass::kMarketing, "", 2, 7 * kDayUs}};
  set->shop.budgets["q4"] = {{budget_minor, *Currency::Parse("CNY")},
                             CampaignLimits::Period::kTotal};
  for (const char* channel : {"sms", "email", "push"}) {
    set->channels[channel] = CampaignSet::Contact::kNone;
  }
  set->channels["sms"] = CampaignSet::Contact::kPhone;
  for (const auto& campaign : {AnyOrder(), Budgeted(), Cart(), PerCategory(), Sorry(), Thanks()}) {
    Link(campaign.get());
    set->campaigns.push_back(campaign);
  }
  return set;
}

}  // namespace huitou::simulation
