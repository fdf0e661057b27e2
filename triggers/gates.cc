#include "triggers/gates.h"

#include <algorithm>
#include <array>

#include "triggers/activity.h"
#include "triggers/base/hash.h"

namespace huitou {

namespace {

// --- entry

bool Active(const EntryQuestion& q) {
  return q.now >= q.campaign.active_from && q.now < q.campaign.active_until &&
         !q.set.paused.contains(q.campaign.id);
}

// Late candidates have been held until the frontier reached the present (engine.cc); what may have
// ended their reason meanwhile is asked here: an absence is over when the clock moved on.
bool Late(const EntryQuestion& q) {
  if (q.context.wall == kTimeMin || q.campaign.late.then == LateRule::Then::kFire) {
    return true;
  }
  if (q.campaign.late.then == LateRule::Then::kSkip) {
    return q.context.wall - q.now <= q.campaign.late.after;
  }
  if (!q.episode.held_late || q.campaign.absence() == nullptr) {
    return true;
  }
  const auto& clocks = q.customer.activity.clocks;
  const bool runs_on = std::any_of(clocks.begin(), clocks.end(), [&](const Clock& clock) {
    const bool same = clock.campaign == q.campaign_symbol && clock.category == q.episode.clock;
    return same && (clock.last > q.episode.triggered_at || !clock.pending.empty());
  });
  // The clock has fired again since, and may have gone.
  const auto& episodes = q.customer.episodes;
  const bool fired_again = std::any_of(episodes.begin(), episodes.end(), [&](const Episode& other) {
    return other.campaign == q.campaign_symbol && other.clock == q.episode.clock &&
           other.triggered_at > q.episode.triggered_at;
  });
  return !runs_on && !fired_again;
}

bool Audience(const EntryQuestion& q) {
  if (q.campaign.where == nullptr || (q.hypothetical && ReadsEvent(q.campaign.where))) {
    return true;
  }
  Binding binding{q.event,     q.event,     &q.customer,       &q.episode,
                  &q.campaign, &q.set.shop, q.context.symbols, q.now};
  q.arena.Clear();
  const cel::Value answer = Evaluate(q.campaign.where, binding, q.arena);
  if (q.condition_errors != nullptr) {
    NoteError(answer, q.campaign.id, q.condition_errors);
  }
  return answer.is_true();
}

bool ReentryAllowed(const EntryQuestion& q) {
  for (const Episode& open : q.customer.episodes) {
    // A candidate that settles, or is held as late, has not entered yet.
    const bool busy = open.state != Episode::State::kEnded &&
                      open.state != Episode::State::kSettling && !(open.id == q.episode.id);
    if (busy && open.campaign == q.campaign_symbol && open.key == q.episode.key) {
      return false;
    }
  }
  const Progress* progress = FindProgress(q.customer, q.campaign_symbol, q.episode.key);
  if (progress == nullptr) {
    return true;
  }
  switch (q.campaign.reentry.rule) {
    case Reentry::Rule::kAlways:
      return true;
    case Reentry::Rule::kOnce:
      return false;
    case Reentry::Rule::kAfter:
      return q.now - progress->last_entered_at >= q.campaign.reentry.after;
  }
  return true;
}

bool IsMarketing(const Campaign& campaign) {
  return campaign.message_class == MessageClass::kMarketing;
}

bool GlobalHoldout(const EntryQuestion& q) {
  return !q.context.holdouts || !IsMarketing(q.campaign) || q.set.shop.holdout_share == 0 ||
         HashShare({"holdout", q.customer.id}) >= q.set.shop.holdout_share;
}

bool Holdout(const EntryQuestion& q) {
  return !q.context.holdouts || !IsMarketing(q.campaign) || q.campaign.holdout_share == 0 ||
         HashShare({"holdout", q.campaign.id, q.customer.id}) >= q.campaign.holdout_share;
}

bool Limit(const EntryQuestion& q) {
  if (q.campaign.limits.per_customer.has_value()) {
    int64_t entries = 0;
    for (const Progress& progress : q.customer.activity.progress) {
      entries += progress.campaign == q.campaign_symbol ? progress.entries : 0;
    }
    if (entries >= *q.campaign.limits.per_customer) {
      return false;
    }
  }
  const auto allowance = EntryAllowance(q.campaign, q.set.shop, q.now);
  return !allowance.has_value() || q.context.quotas == nullptr ||
         q.context.quotas->Has(allowance->name, allowance->period, 1, allowance->max);
}

constexpr std::array<EntryGate, 7> kEntryGates = {{
    {Reason::kActive, &Active},
    {Reason::kLate, &Late},
    {Reason::kAudience, &Audience},
    {Reason::kReentry, &ReentryAllowed},
    {Reason::kGlobalHoldout, &GlobalHoldout},
    {Reason::kHoldout, &Holdout},
    {Reason::kLimit, &Limit},
}};

// --- channels

CampaignSet::Contact ContactOf(const CampaignSet& set, const std::string& channel) {
  const auto known = set.channels.find(channel);
  return known == set.channels.end() ? CampaignSet::Contact::kNone : known->second;
}

bool HasContact(const ChannelQuestion& q) {
  return q.context.assume_contact || ContactOf(q.set, q.channel) == CampaignSet::Contact::kNone ||
         !AddressOf(q.set, q.customer, q.channel).empty();
}

bool HasConsent(const ChannelQuestion& q) {
  if (q.context.assume_consent) {
    return true;
  }
  const ConsentAnswer answer =
      ConsentOf(q.customer.profile.get(), {q.context.symbols->Find(q.channel), q.message_class,
                                           q.template_name, q.holds_credit, q.credits_planned});
  if (answer != ConsentAnswer::kUnsaid) {
    return answer == ConsentAnswer::kGranted;
  }
  return q.message_class != MessageClass::kMarketing || !q.set.shop.OptIn(q.channel);
}

bool NotSuppressed(const ChannelQuestion& q) {
  return !IsSuppressed(q.customer.profile.get(), q.context.symbols->Find(q.channel));
}

struct ChannelGate {
  Reason reason;
  bool (*passes)(const ChannelQuestion& question);
};

constexpr std::array<ChannelGate, 3> kChannelGates = {{
    {Reason::kContact, &HasContact},
    {Reason::kConsent, &HasConsent},
    {Reason::kSuppression, &NotSuppressed},
}};

// --- steps

// Keeps the channels that `passes`; true when any is left, or when the step is no send.
template <typename Passes>
bool AnyChannel(const StepQuestion& q, const Passes& passes) {
  if (q.via == nullptr) {
    return true;
  }
  std::erase_if(*q.via, [&](const std::string& channel) { return !passes(channel); });
  return !q.via->empty();
}

// A step passes a gate of channels while any channel does.
template <size_t kGate>
bool AnyPasses(const StepQuestion& q) {
  return AnyChannel(q, [&](const std::string& channel) {
    const auto& send = std::get<SendStep>(q.step.action);
    return kChannelGates[kGate].passes({q.set, q.customer, q.context, channel,
                                        q.campaign.message_class, send.template_name,
                                        /*holds_credit=*/false, q.credits_planned});
  });
}

// Sends that count for the cap: those in (now - per, now], and those after `now` whose own window
// this one would be in, for events and timers do not come in the order of their times.
int CountSends(const std::vector<RecentSend>& sends, const Cap& cap, uint32_t cap_channel,
               TimeUs now) {
  return static_cast<int>(std::count_if(sends.begin(), sends.end(), [&](const RecentSend& send) {
    return send.time > now - cap.per && send.time < now + cap.per &&
           (!cap.message_class.has_value() || send.message_class == *cap.message_class) &&
           (cap.channel.empty() || send.channel == cap_channel);
  }));
}

bool CapAllows(const StepQuestion& q) {
  if (!IsMarketing(q.campaign)) {
    return true;
  }
  return AnyChannel(q, [&](const std::string& channel) {
    return std::all_of(q.set.shop.caps.begin(), q.set.shop.caps.end(), [&](const Cap& cap) {
      const bool applies =
          (cap.channel.empty() || cap.channel == channel) &&
          (!cap.message_class.has_value() || *cap.message_class == q.campaign.message_class);
      if (!applies) {
        return true;
      }
      const uint32_t symbol = q.context.symbols->Find(cap.channel);
      int sends = CountSends(q.customer.activity.sends, cap, symbol, q.now);
      if (q.planned != nullptr) {
        sends += CountSends(*q.planned, cap, symbol, q.now);
      }
      return sends < cap.max;
    });
  });
}

bool BudgetAllows(const StepQuestion& q) {
  const auto* coupon = std::get_if<CouponStep>(&q.step.action);
  if (coupon == nullptr || q.context.quotas == nullptr) {
    return true;
  }
  const auto allowances = MoneyAllowances(q.campaign, q.set.shop, q.now);
  return std::all_of(allowances.begin(), allowances.end(), [&](const Allowance& allowance) {
    return q.context.quotas->Has(allowance.name, allowance.period,
                                 q.money_planned + coupon->value.minor, allowance.max);
  });
}

// Codes that are computed from the episode, or asked of the shop, cannot run out here; the shop's
// own "no" comes back as a refused coupon.
bool Stock(const StepQuestion& q) {
  const auto* coupon = std::get_if<CouponStep>(&q.step.action);
  if (coupon == nullptr || coupon->pool.empty() || q.context.stock == nullptr) {
    return true;
  }
  return q.context.stock->Left(coupon->pool) >
         std::count(q.pools_planned.begin(), q.pools_planned.end(), coupon->pool);
}

bool QuietHoursOver(const StepQuestion& q) {
  const auto& quiet = q.set.shop.quiet_hours;
  if (!quiet.has_value() || !IsMarketing(q.campaign) || q.via == nullptr) {
    return true;
  }
  const Zone zone = quiet->zone_recipient ? ZoneOf(q.customer, q.set.shop) : quiet->zone;
  return !InDailySpan(q.now, quiet->from, quiet->to, zone, q.until);
}

constexpr std::array<StepGate, 7> kStepGates = {{
    {kChannelGates[0].reason, &AnyPasses<0>},
    {kChannelGates[1].reason, &AnyPasses<1>},
    {kChannelGates[2].reason, &AnyPasses<2>},
    {Reason::kCap, &CapAllows},
    {Reason::kBudget, &BudgetAllows},
    {Reason::kStock, &Stock},
    {Reason::kQuietHours, &QuietHoursOver},
}};

}  // namespace

void NoteError(const cel::Value& answer, std::string_view campaign,
               std::vector<ConditionError>* errors) {
  if (answer.is_error()) {
    errors->push_back({campaign, std::string(answer.as_string())});
  }
}

bool ReadsEvent(const Condition& condition) {
  const auto& used = condition->slots_used();
  return std::any_of(used.begin(), used.end(),
                     [](int slot) { return slot == kSlotEvent || slot == kSlotTrigger; });
}

std::span<const EntryGate> EntryGates() {
  return kEntryGates;
}

std::span<const StepGate> StepGates() {
  return kStepGates;
}

Reason AskEntryGates(const EntryQuestion& question) {
  for (const EntryGate& gate : kEntryGates) {
    if (!gate.passes(question)) {
      return gate.reason;
    }
  }
  return Reason::kNone;
}

Reason AskChannelGates(const ChannelQuestion& question) {
  for (const ChannelGate& gate : kChannelGates) {
    if (!gate.passes(question)) {
      return gate.reason;
    }
  }
  return Reason::kNone;
}

std::string_view AddressOf(const CampaignSet& set, const Customer& customer,
                           const std::string& channel) {
  if (customer.profile == nullptr) {
    return {};
  }
  switch (ContactOf(set, channel)) {
    case CampaignSet::Contact::kNone:
      return {};
    case CampaignSet::Contact::kPhone:
      return customer.profile->phone;
    case CampaignSet::Contact::kEmail:
      return customer.profile->email;
    case CampaignSet::Contact::kWechatOpenid:
      return customer.profile->wechat_openid;
    case CampaignSet::Contact::kAttribute: {
      const auto name = set.recipient_attributes.find(channel);
      return name == set.recipient_attributes.end()
                 ? std::string_view()
                 : TextAttribute(customer.profile->attributes, name->second);
    }
  }
  return {};
}

int64_t PeriodOf(CampaignLimits::Period period, TimeUs time, const Zone& zone) {
  switch (period) {
    case CampaignLimits::Period::kHour:
      return time / kHourUs;
    case CampaignLimits::Period::kDay:
      return CivilDay(time, zone);
    case CampaignLimits::Period::kMonth:
      return CivilMonth(time, zone);
    case CampaignLimits::Period::kTotal:
      return 0;
  }
  return 0;
}

std::optional<Allowance> EntryAllowance(const Campaign& campaign, const Shop& shop, TimeUs now) {
  if (!campaign.limits.entries.has_value()) {
    return std::nullopt;
  }
  return Allowance{"entries:" + campaign.id,
                   PeriodOf(campaign.limits.entries_period, now, shop.zone),
                   *campaign.limits.entries};
}

std::vector<Allowance> MoneyAllowances(const Campaign& campaign, const Shop& shop, TimeUs now) {
  std::vector<Allowance> allowances;
  if (campaign.limits.money.has_value()) {
    allowances.push_back({"money:" + campaign.id,
                          PeriodOf(campaign.limits.money_period, now, shop.zone),
                          campaign.limits.money->minor});
  }
  if (const auto budget = shop.budgets.find(campaign.limits.budget); budget != shop.budgets.end()) {
    allowances.push_back({"budget:" + budget->first,
                          PeriodOf(budget->second.period, now, shop.zone),
                          budget->second.amount.minor});
  }
  return allowances;
}

Zone ZoneOf(const Customer& customer, const Shop& shop) {
  if (customer.profile != nullptr && !customer.profile->timezone.empty()) {
    return Zone::Find(customer.profile->timezone).value_or(shop.zone);
  }
  return shop.zone;
}

const Progress* FindProgress(const Customer& customer, uint32_t campaign, uint64_t key) {
  for (const Progress& progress : customer.activity.progress) {
    if (progress.campaign == campaign && progress.key == key) {
      return &progress;
    }
  }
  return nullptr;
}

}  // namespace huitou
