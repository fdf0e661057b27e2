// The gates between "triggered" and "dispatched", as two visible ordered lists. The first "no" is
// the reason, the same word in log, metric and explain. Pure questions: nothing is taken or changed
// here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/decision.h"
#include "triggers/engine.h"
#include "triggers/vocabulary.h"

namespace huitou {

// Asked once, when a candidate wants to enter.
struct EntryQuestion {
  const Campaign& campaign;
  const CampaignSet& set;
  const Customer& customer;
  const Episode& episode;  // the candidate
  uint32_t campaign_symbol = 0;
  const Context& context;
  TimeUs now = 0;  // event time
  const Event* event = nullptr;
  cel::Arena& arena;
  std::vector<ConditionError>* condition_errors = nullptr;
  bool hypothetical = false;  // nothing triggers: a `where:` on the event can't be asked
};

// Adds `answer` if it is an error.
void NoteError(const cel::Value& answer, std::string_view campaign,
               std::vector<ConditionError>* errors);

struct EntryGate {
  Reason reason;
  bool (*passes)(const EntryQuestion& question);
};

// active -> late -> audience -> re-entry -> holdout (global, then campaign) -> limits
std::span<const EntryGate> EntryGates();

// Asked for each channel of a send: when it is planned, and again at the moment of sending.
struct ChannelQuestion {
  const CampaignSet& set;
  const Customer& customer;
  const Context& context;
  const std::string& channel;
  MessageClass message_class = MessageClass::kMarketing;
  std::string_view template_name;
  bool holds_credit = false;
  std::span<const ConsentState* const> credits_planned;  // by sends of the same run
};

// Asked for one send or coupon step. A gate on channels strikes those it refuses from `via`, and
// refuses the step when none is left.
struct StepQuestion {
  const Campaign& campaign;
  const CampaignSet& set;
  const Customer& customer;
  const Step& step;
  const Context& context;
  TimeUs now = 0;
  std::vector<std::string>* via = nullptr;               // of a send
  const std::vector<RecentSend>* planned = nullptr;      // sends of the same run
  int64_t money_planned = 0;                             // coupons of the same run, minor units
  TimeUs* until = nullptr;                               // of quiet hours: when they end
  std::span<const ConsentState* const> credits_planned;  // by sends of the same run
  std::span<const std::string_view> pools_planned;       // by coupons of the same run
};

struct StepGate {
  Reason reason;
  bool (*passes)(const StepQuestion& question);
};

// the gates of channels, then cap -> budget -> stock -> quiet hours
std::span<const StepGate> StepGates();

// Whether it looks at `event` or `trigger`.
bool ReadsEvent(const Condition& condition);

// The first gate that refuses, or kNone.
Reason AskEntryGates(const EntryQuestion& question);
// contact -> consent -> suppression
Reason AskChannelGates(const ChannelQuestion& question);

// Where this customer is reached on the channel; empty when it is not known, or none is needed.
std::string_view AddressOf(const CampaignSet& set, const Customer& customer,
                           const std::string& channel);

// Where the sums behind `limits:` are kept, and in which period `time` falls.
struct Allowance {
  std::string name;
  int64_t period = 0;
  int64_t max = 0;
};
int64_t PeriodOf(CampaignLimits::Period period, TimeUs time, const Zone& zone);
std::optional<Allowance> EntryAllowance(const Campaign& campaign, const Shop& shop, TimeUs now);
// Of money: the campaign's own and the shared budget.
std::vector<Allowance> MoneyAllowances(const Campaign& campaign, const Shop& shop, TimeUs now);

// The recipient's zone, else the shop's.
Zone ZoneOf(const Customer& customer, const Shop& shop);
// What a campaign remembers of earlier entries with this key; null when none.
const Progress* FindProgress(const Customer& customer, uint32_t campaign, uint64_t key);

}  // namespace huitou
