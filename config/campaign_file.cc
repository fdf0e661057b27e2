#include "config/campaign_file.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "config/campaign_checks.h"
#include "config/campaign_tables.h"
#include "config/limits.h"
#include "config/reader.h"
#include "config/step_parser.h"
#include "triggers/gates.h"
#include "triggers/vocabulary.h"

namespace huitou::config {
namespace {

// Parses the parts of one campaign around its steps.
class CampaignParser {
 public:
  CampaignParser(const MapReader& map, const CampaignContext& context, const StepNames& names,
                 Campaign* campaign)
      : map_(map),
        context_(context),
        names_(names),
        environment_(ConditionEnvironment(names)),
        campaign_(*campaign) {}

  void Parse();

 private:
  Condition Bool(const Value& value) const { return value.Cel(environment_, cel::Type::Bool()); }
  void ParseActive();
  void ParseTrigger();
  void ParseAbsence(const Value& value);
  void ParseWindows(const Value& within, AbsenceTrigger* absence);
  void ParseReentry();
  void ParseExits();
  void ParseGoal();
  void ParseVariants();
  void ParseLimits();
  void ParseLate();

  const MapReader& map_;
  const CampaignContext& context_;
  const StepNames& names_;
  const cel::Environment environment_;
  Campaign& campaign_;
};

void CampaignParser::Parse() {
  campaign_.id = map_["campaign"].Name().value_or("");
  campaign_.description = map_["description"].Text().value_or("");
  if (map_["class"].Enum() == size_t{1}) {
    campaign_.message_class = MessageClass::kTransactional;
  }
  constexpr int kPriorityDefault = 50;
  campaign_.priority = static_cast<int>(
      map_["priority"].Integer(0, limits::kPriorityMax).value_or(kPriorityDefault));
  ParseActive();
  ParseTrigger();
  campaign_.where = Bool(map_["where"]);
  campaign_.settle = map_["settle"].Duration().value_or(0);
  ParseReentry();
  ParseExits();
  ParseGoal();
  campaign_.holdout_share = map_["holdout"].Percent().value_or(0);
  if (campaign_.holdout_share > 0 && campaign_.message_class == MessageClass::kTransactional) {
    map_["holdout"].Error("has no meaning in a transactional campaign",
                          "everybody gets such messages; remove it");
  }
  ParseVariants();
  ParseLimits();
  ParseLate();
  if (const auto update = map_["on_update"].Enum(); update && *update != 0) {
    map_["on_update"].reader().Error(
        map_["on_update"].node(),
        Quote(map_["on_update"].node().text) + " comes with a later version", "write finish_old");
  }
  campaign_.steps = StepParser(context_, names_, environment_, campaign_).Parse(map_["steps"]);
}

void CampaignParser::ParseActive() {
  const MapReader active(map_["active"], ActiveTable());
  if (!active.valid()) {
    return;
  }
  const Zone& zone = context_.shop.zone;
  campaign_.active_from = active["from"].Instant(zone, false).value_or(kTimeMin);
  campaign_.active_until = active["until"].Instant(zone, true).value_or(kTimeMax);
  if (campaign_.active_until <= campaign_.active_from) {
    active["until"].Error("is before 'from'", "no customer could ever enter");
  }
}

void CampaignParser::ParseTrigger() {
  const MapReader trigger(map_["trigger"], TriggerTable());
  if (!trigger.valid()) {
    return;
  }
  if (const Value event = trigger["event"]) {
    campaign_.trigger = EventTrigger{event.EventName().value_or("")};
  }
  if (const Value absence = trigger["absence"]) {
    ParseAbsence(absence);
  }
}

void CampaignParser::ParseAbsence(const Value& value) {
  const MapReader map(value, AbsenceTable());
  if (!map.valid()) {
    return;
  }
  AbsenceTrigger absence;
  absence.after = map["after"].EventName().value_or("");
  absence.of = map["of"].EventName().value_or("");
  absence.per_category = map["per"].Enum() == size_t{1};
  absence.cancel_any = map["cancel"].Enum() == size_t{1};
  if (map["cancel"] && !absence.per_category) {
    map["cancel"].Error("belongs to 'per: category'", "a clock per customer has one way to stop");
  }
  for (const std::string_view family : {"review.", "consent.", "channel.", "coupon.", "message.",
                                        "customer.", "tier.", "stored_value."}) {
    if (absence.per_category && absence.after.starts_with(family)) {
      map["per"].Error("needs an order's items, which " + Quote(absence.after) + " has not",
                       "leave it out, or write 'after: order.paid'");
    }
  }
  ParseWindows(map["within"], &absence);
  campaign_.trigger = std::move(absence);
}

void CampaignParser::ParseWindows(const Value& within, AbsenceTrigger* absence) {
  const auto window = [](const Value& value) -> std::optional<DurationUs> {
    if (value.is_text() && value.node().text.starts_with("learned")) {
      value.reader().Error(value.node(), "'learned' windows come with a later version",
                           "write a duration such as 47d");
      return std::nullopt;
    }
    return value.Duration(/*zero=*/false);
  };
  if (!within.is_map()) {
    absence->within_default = window(within);
    return;
  }
  if (!absence->per_category) {
    within.Error("has a window per category, so 'per: category' is missing",
                 "add 'per: category', or write one duration");
  }
  for (const Value& entry : within.Entries()) {
    const auto duration = window(entry);
    if (!duration) {
      continue;
    }
    if (entry.name() == "default") {
      absence->within_default = duration;
    } else {
      if (const std::string hint = Choices(entry.name(), {"default"});
          hint.starts_with("did you mean")) {
        entry.reader().Warning(entry.name_node(), Quote(entry.name()) + " is taken for a category",
                               hint);
      }
      absence->within.emplace_back(entry.name(), *duration);
    }
  }
  std::sort(absence->within.begin(), absence->within.end());
  if (within.node().entries.empty()) {
    within.Error("is empty", "write one duration, or a category and its duration");
  }
}

void CampaignParser::ParseReentry() {
  const Value value = map_["reentry"];
  if (!value) {
    return;
  }
  if (value.is_text() && ParseDuration(value.node().text)) {
    value.Refuse("once, always or a map", "write {after: " + value.node().text + "}");
    return;
  }
  if (!value.is_map()) {
    if (const auto rule = value.Enum()) {
      campaign_.reentry.rule = *rule == 0 ? Reentry::Rule::kOnce : Reentry::Rule::kAlways;
    }
    return;
  }
  const MapReader map(value, ReentryTable());
  if (const auto after = map["after"].Duration(/*zero=*/false)) {
    campaign_.reentry.rule = Reentry::Rule::kAfter;
    campaign_.reentry.after = *after;
  }
  campaign_.reentry.key = map["key"].Cel(environment_, cel::Type::Dyn());
  if (campaign_.absence() != nullptr && campaign_.reentry.key != nullptr &&
      ReadsEvent(campaign_.reentry.key)) {
    map["key"].reader().Warning(
        map["key"].node(), "an absence has no event, so this key is the same for all its firings",
        "leave it out for one episode per clock, or write customer.id");
  }
  if (const auto rule = map["rule"].Enum()) {
    if (map["after"]) {
      map["rule"].Error("contradicts 'after'", "keep one of them");
    }
    campaign_.reentry.rule = *rule == 0 ? Reentry::Rule::kOnce : Reentry::Rule::kAlways;
  }
  if (value.node().entries.empty()) {
    value.Error("is empty", "write once, always, or " + std::string(ReentryTable().example));
  }
}

void CampaignParser::ParseExits() {
  const std::vector<Value> items = map_["exit"].Items();
  if (items.size() > limits::kExitsMax) {
    map_["exit"].Error("is too long", "at most " + std::to_string(limits::kExitsMax) + " events");
    return;
  }
  for (const Value& item : items) {
    const MapReader map(item.reader(), item.node(), ExitRuleTable());
    if (map.valid()) {
      campaign_.exits.push_back({map["on"].EventName().value_or(""), Bool(map["where"])});
    }
  }
}

void CampaignParser::ParseGoal() {
  const MapReader map(map_["goal"], GoalTable());
  if (map.valid()) {
    campaign_.goal = Goal{map["on"].EventName().value_or(""), Bool(map["where"]),
                          map["within"].Duration(/*zero=*/false).value_or(0)};
  }
}

void CampaignParser::ParseVariants() {
  const Value variants = map_["variants"];
  if (!variants) {
    return;
  }
  constexpr uint32_t kAll = 10'000;
  uint32_t sum = 0;
  bool complete = true;
  for (const Value& entry : variants.Entries()) {
    entry.HasGoodName();
    const auto share = entry.Percent();
    complete = complete && share.has_value();
    campaign_.variants.push_back({entry.name(), share.value_or(0)});
    sum += share.value_or(0);
  }
  if (campaign_.variants.size() > limits::kVariantsMax) {
    variants.Error("are too many", "at most " + std::to_string(limits::kVariantsMax));
  }
  if (complete && variants.is_map() && sum != kAll) {
    variants.Error("add up to " + FormatMinorShort(sum, Currency()) + "%", "make it 100%");
  }
}

void CampaignParser::ParseLimits() {
  const MapReader map(map_["limits"], CampaignLimitsTable());
  if (!map.valid()) {
    return;
  }
  CampaignLimits& limits = campaign_.limits;
  if (const auto entries = map["entries"].CountPerPeriod()) {
    limits.entries = entries->amount;
    limits.entries_period = entries->period;
  }
  limits.per_customer = map["per_customer"].Integer(1, std::numeric_limits<int32_t>::max());
  if (const auto money = map["money"].MoneyPerPeriod(context_.shop.currency)) {
    limits.money = Money{money->amount, context_.shop.currency};
    limits.money_period = money->period;
  }
  limits.budget = map["budget"].Name().value_or("");
  if (!limits.budget.empty() && context_.shop_complete &&
      !context_.shop.budgets.contains(limits.budget)) {
    std::vector<std::string> names;
    for (const auto& [name, budget] : context_.shop.budgets) {
      names.push_back(name);
    }
    map["budget"].reader().Error(map["budget"].node(),
                                 "no budget " + Quote(limits.budget) + " in the shop file",
                                 Choices(limits.budget, names));
  }
}

void CampaignParser::ParseLate() {
  const MapReader map(map_["late"], LateTable());
  if (!map.valid()) {
    return;
  }
  const LateRule defaults;
  campaign_.late.after = map["after"].Duration().value_or(defaults.after);
  switch (map["then"].Enum().value_or(1)) {
    case 0:
      campaign_.late.then = LateRule::Then::kFire;
      break;
    case 1:
      campaign_.late.then = LateRule::Then::kReevaluate;
      break;
    default:
      campaign_.late.then = LateRule::Then::kSkip;
      break;
  }
}

}  // namespace

ParsedCampaign ParseCampaign(const Document& document, const CampaignContext& context,
                             Diagnostics* diagnostics) {
  ParsedCampaign parsed;
  const size_t errors_before = diagnostics->error_count();
  const Reader reader(document, diagnostics);
  const MapReader map(reader, document.root(), CampaignTable());
  if (!map.valid()) {
    return parsed;
  }
  const Value id = map["campaign"];
  if (id.is_text()) {
    parsed.id = id.node().text;
    parsed.id_place = document.PlaceOf(id.node());
  }
  auto campaign = std::make_shared<Campaign>();
  const Value steps = map["steps"];
  const StepNames names = steps.is_list() ? CollectStepNames(steps.node()) : StepNames();
  CampaignParser(map, context, names, campaign.get()).Parse();
  CheckCampaign(map, context, *campaign);
  if (diagnostics->error_count() == errors_before) {
    Link(campaign.get());
    parsed.campaign = std::move(campaign);
  }
  return parsed;
}

}  // namespace huitou::config
