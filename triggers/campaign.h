// A campaign, checked and compiled: what the engine runs. config/ builds it from YAML; the words
// are those of contracts.md section 4. Immutable once Link() has run; shared by all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "triggers/base/hash.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/cel/cel.h"

namespace huitou {

// A compiled condition; null means "always".
using Condition = std::shared_ptr<const cel::Program>;

enum class MessageClass : uint8_t { kMarketing, kTransactional };
std::string_view ToString(MessageClass message_class);

struct EventTrigger {
  std::string event;
};

struct AbsenceTrigger {
  std::string after;  // the event that starts or restarts the clock
  std::string of;     // what must not come
  bool per_category = false;
  bool cancel_any = false;
  std::vector<std::pair<std::string, DurationUs>> within;  // by category
  std::optional<DurationUs> within_default;                // or the one duration

  // The window of this category ("" for a clock per customer); nothing where no clock runs.
  std::optional<DurationUs> WindowOf(std::string_view category) const;
};

using Trigger = std::variant<EventTrigger, AbsenceTrigger>;

struct ExitRule {
  std::string on;
  Condition where;
};

struct Goal {
  std::string on;
  Condition where;
  DurationUs within = 0;
};

struct Reentry {
  enum class Rule : uint8_t { kAlways, kOnce, kAfter };
  Rule rule = Rule::kAlways;
  DurationUs after = 0;  // of kAfter
  Condition key;         // the result as text; null: the clock
};

struct CampaignLimits {
  std::optional<int64_t> entries;  // per entries_period
  enum class Period : uint8_t { kHour, kDay, kMonth, kTotal };
  Period entries_period = Period::kDay;
  std::optional<int64_t> per_customer;
  std::optional<Money> money;  // per money_period
  Period money_period = Period::kDay;
  std::string budget;  // a name of Shop::budgets; empty for none
};

struct LateRule {
  enum class Then : uint8_t { kFire, kReevaluate, kSkip };
  DurationUs after = 12 * kHourUs;
  Then then = Then::kReevaluate;
};

// A share of all customers in 1/10000, sticky by hash.
struct Variant {
  std::string name;
  uint32_t share = 0;
};

// `{{path}}` of a template: evaluated when the step runs, rendered when the message is sent.
struct TemplateVariable {
  std::string name;  // as written in the template, e.g. "customer.attributes.name"
  Condition value;   // any type; formatted for people (engine.h, FormatForPeople)
  std::optional<std::string> default_text;
};

struct CouponStep {
  Money value;
  std::optional<Money> min_spend;
  DurationUs expires = 0;  // 0: never
  std::string pool;        // of the shop file; empty: the coupon provider is asked
  enum class OnEmpty : uint8_t { kExit, kSkip };
  OnEmpty on_empty = OnEmpty::kExit;  // when the provider refuses, or the pool has no code
  bool revoke_on_refund = false;
};

struct SendStep {
  std::string template_name;
  std::vector<std::string> via;  // in order of preference
  DurationUs wait_receipt = 0;   // 0: fall back only on refusal
  std::vector<TemplateVariable> variables;
};

struct WaitStep {
  DurationUs for_us = 0;    // 0: none
  std::string until_event;  // empty: none
  Condition until_where;
  std::optional<DurationUs> until_time;  // time of day in the recipient's zone
};

struct EmitStep {
  std::string type;
  std::vector<std::pair<std::string, std::string>> data;  // key, Mustache text
  std::vector<TemplateVariable> variables;
};

struct SetStep {
  std::vector<std::string> tags_add;
  std::vector<std::string> tags_remove;
  // Attribute, text; an empty text removes it.
  std::vector<std::pair<std::string, std::string>> attributes;
};

struct ExitStep {};

struct Step;
struct BranchArm {
  Condition when;  // null: else
  std::vector<Step> steps;
};
struct BranchStep {
  std::vector<BranchArm> arms;
};

struct Step {
  std::string id;    // "" where the file gives none
  std::string path;  // "2", "3.0.1": set by Link()
  Condition when;
  bool optional = false;
  std::variant<CouponStep, SendStep, WaitStep, BranchStep, EmitStep, SetStep, ExitStep> action;

  // What the decision log calls it.
  const std::string& name() const { return id.empty() ? path : id; }
};

// One instruction of the flattened steps. An episode's cursor is an index into these, so it stays
// valid as long as the campaign's version is kept.
struct Instruction {
  enum class Kind : uint8_t { kStep, kBranchUnless, kJump, kEnd };
  Kind kind = Kind::kEnd;
  const Step* step = nullptr;  // of kStep
  Condition condition;         // of kBranchUnless: go to target when it is not true
  int target = 0;
};

struct Campaign {
  std::string id;
  uint64_t version = 0;  // content hash of the file and its templates
  std::string description;
  MessageClass message_class = MessageClass::kMarketing;
  int priority = 50;
  TimeUs active_from = kTimeMin;
  TimeUs active_until = kTimeMax;  // exclusive
  Trigger trigger;
  Condition where;
  DurationUs settle = 0;
  Reentry reentry;
  std::vector<ExitRule> exits;
  std::optional<Goal> goal;
  uint32_t holdout_share = 0;  // in 1/10000
  std::vector<Variant> variants;
  CampaignLimits limits;
  LateRule late;
  std::vector<Step> steps;

  // Filled by Link():
  std::vector<Instruction> program;
  std::vector<const Step*> coupon_steps;   // in the order of the file; coupons.<id> by position
  std::vector<const Step*> message_steps;  // likewise
  bool reads_trigger = false;              // an episode must keep the event that began it

  const AbsenceTrigger* absence() const { return std::get_if<AbsenceTrigger>(&trigger); }
  const EventTrigger* event() const { return std::get_if<EventTrigger>(&trigger); }
  int CouponIndex(const Step* step) const;
  int MessageIndex(const Step* step) const;
};

// Numbers the steps and flattens them. Call once, after the last change.
void Link(Campaign* campaign);

// The ids that a campaign's conditions may name behind `coupons.` and `messages.`.
struct StepNames {
  std::vector<std::string> coupons;
  std::vector<std::string> messages;
};

}  // namespace huitou
