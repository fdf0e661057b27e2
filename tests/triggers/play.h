// A stage for the engine's stories: one shop, one customer at a time, virtual time. Timers fire as
// the clock on the stage moves; what was decided is read as short lines.
//
//   Play play(ThankYou());
//   play.At("2026-11-01T10:00:00Z", play.Review(5));
//   EXPECT_THAT(play.Lines(), ElementsAre("2026-11-01T10:00:00Z entered", ...));
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/check.h"
#include "triggers/engine.h"
#include "triggers/vocabulary.h"

namespace huitou {

// Unbounded sums, or as a test sets them.
class OpenQuotas : public Quotas {
 public:
  bool Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const override {
    const auto found = sums.find({std::string(name), period});
    return (found == sums.end() ? 0 : found->second) + amount <= max;
  }
  bool Take(std::string_view name, int64_t period, int64_t amount, int64_t max) override {
    if (!Has(name, period, amount, max)) {
      return false;
    }
    sums[{std::string(name), period}] += amount;
    return true;
  }
  void GiveBack(std::string_view name, int64_t period, int64_t amount) override {
    sums[{std::string(name), period}] -= amount;
  }
  std::map<std::pair<std::string, int64_t>, int64_t> sums;
};

class PlainCodes : public CouponCodes {
 public:
  std::string CodeOf(const Id128& dispatch) const override {
    return "C" + dispatch.ToString().substr(0, 6);
  }
};

inline Condition If(std::string_view text, const cel::Type& type = cel::Type::Bool()) {
  const auto env = ConditionEnvironment({{"big"}, {"m1"}});
  auto compiled = cel::Compile(text, env, type);
  CHECK(compiled.ok());
  return compiled.program;
}

inline Step Send(std::vector<std::string> via, std::string name = "hello") {
  Step step;
  step.id = "m1";
  step.action = SendStep{std::move(name), std::move(via), 0, {}};
  return step;
}

inline Step Coupon(int64_t major) {
  Step step;
  step.id = "big";
  CouponStep coupon;
  coupon.value = {major * 100, *Currency::Parse("CNY")};
  coupon.expires = 30 * kDayUs;
  step.action = coupon;
  return step;
}

inline Step Wait(DurationUs for_us, std::string until = "") {
  Step step;
  step.action = WaitStep{for_us, std::move(until), nullptr, std::nullopt};
  return step;
}

inline Campaign OnEvent(std::string id, std::string event, std::vector<Step> steps) {
  Campaign campaign;
  campaign.id = std::move(id);
  campaign.trigger = EventTrigger{std::move(event)};
  campaign.steps = std::move(steps);
  return campaign;
}

inline Campaign OnAbsence(std::string id, int days, std::vector<Step> steps) {
  Campaign campaign = OnEvent(std::move(id), "", std::move(steps));
  AbsenceTrigger absence;
  absence.after = absence.of = "order.paid";
  absence.within_default = days * kDayUs;
  campaign.trigger = absence;
  return campaign;
}

class Play {
 public:
  explicit Play(Campaign campaign) : Play(std::make_shared<CampaignSet>(), std::move(campaign)) {}
  Play(std::shared_ptr<CampaignSet> set, Campaign campaign) : set_(std::move(set)) {
    Add(std::move(campaign));
    set_->channels = {{"console", CampaignSet::Contact::kNone},
                      {"sms", CampaignSet::Contact::kPhone},
                      {"email", CampaignSet::Contact::kEmail}};
    set_->shop.zone = *Zone::Find("Asia/Shanghai");
    customer.id = "c1";
    customer.MutableProfile().phone = "+8613800000000";
    context.symbols = &symbols;
    context.quotas = &quotas;
    context.codes = &codes;
    context.assume_consent = true;
  }

  void Add(Campaign campaign) {
    auto shared = std::make_shared<Campaign>(std::move(campaign));
    Link(shared.get());
    set_->campaigns.push_back(std::move(shared));
  }
  Shop& shop() { return set_->shop; }
  CampaignSet& set() { return *set_; }
  Engine& engine() {
    if (engine_ == nullptr) {
      engine_ = std::make_unique<Engine>(set_, &symbols);
    }
    return *engine_;
  }

  static TimeUs At(std::string_view text) {
    const auto time = ParseRfc3339(text);
    CHECK(time.has_value());
    return *time;
  }

  // Fires what is due before, then applies an event of this type.
  void Happens(std::string_view at, std::string_view type, int rating = 0) {
    AdvanceTo(at);
    Arrives(at, type, rating);
  }

  // The same without the frontier, as within the allowed lateness.
  void Arrives(std::string_view at, std::string_view type, int rating = 0) {
    const std::string id = "e" + std::to_string(++events_);
    Review review;
    review.rating = rating;
    Order order;
    order.id = "o1";
    order.currency = set_->shop.currency;
    order.total_minor = 9900;
    Event event;
    event.id = id;
    event.type = type;
    event.time = At(at);
    event.customer.id = customer.id;
    event.review = rating > 0 ? &review : nullptr;
    event.order = type.starts_with("order.") ? &order : nullptr;
    Take(EventInput{&event});
  }

  // The frontier moves: every timer before it fires.
  void AdvanceTo(std::string_view at) {
    const TimeUs to = At(at);
    while (!timers.empty() && timers.begin()->first < to) {
      const auto [deadline, slot] = *timers.begin();
      timers.erase(timers.begin());
      context.frontier = std::max(context.frontier, deadline + 1);
      Take(TimerInput{deadline, slot});
    }
    context.frontier = std::max(context.frontier, to);
  }

  void Take(const Input& input) {
    Effects effects;
    engine().Step(input, context, &customer, &effects);
    for (const TimerArm& timer : effects.timers) {
      timers.emplace(timer.deadline, timer.slot);
    }
    for (const Decision& decision : effects.decisions) {
      lines.push_back(Line(decision));
    }
    dispatches.insert(dispatches.end(), effects.dispatches.begin(), effects.dispatches.end());
    withdrawn.insert(withdrawn.end(), effects.withdrawn.begin(), effects.withdrawn.end());
    emissions.insert(emissions.end(), effects.emissions.begin(), effects.emissions.end());
    ledger.insert(ledger.end(), effects.ledger.begin(), effects.ledger.end());
    candidates += effects.candidates.size();
    last = std::move(effects);
  }

  void Receive(ReceiptInput::Kind kind, const Dispatch& dispatch, std::string_view code = "") {
    Take(ReceiptInput{kind, dispatch.id, dispatch.episode, context.frontier, code, "no"});
  }

  static std::string Line(const Decision& d) {
    std::string line = FormatRfc3339(d.time) + " " + std::string(ToString(d.outcome));
    for (const std::string_view word : {d.reason, d.channel, d.coupon, d.arm}) {
      line += word.empty() ? "" : " " + std::string(word);
    }
    if (d.until != kTimeMin) {
      line += " until " + FormatRfc3339(d.until);
    }
    return line;
  }

  Customer customer;
  SymbolTable symbols;
  OpenQuotas quotas;
  PlainCodes codes;
  Context context;
  std::multimap<TimeUs, uint64_t> timers;
  std::vector<std::string> lines;
  std::vector<Dispatch> dispatches;
  std::vector<Id128> withdrawn;
  std::vector<Emission> emissions;
  std::vector<LedgerEntry> ledger;
  size_t candidates = 0;
  Effects last;

 private:
  std::shared_ptr<CampaignSet> set_;
  std::unique_ptr<Engine> engine_;
  int events_ = 0;
};

}  // namespace huitou
