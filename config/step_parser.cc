#include "config/step_parser.h"

#include <algorithm>
#include <utility>

#include "config/campaign_tables.h"
#include "config/limits.h"
#include "config/templates.h"
#include "triggers/limits.h"

namespace huitou::config {
namespace {

const Node* Find(const Node& node, std::string_view key) {
  for (const auto& [name, value] : node.entries) {
    if (name->kind == Node::Kind::kText && name->text == key) {
      return value;
    }
  }
  return nullptr;
}

void CollectFrom(const Node& steps, int depth, StepNames* names) {
  if (depth > huitou::limits::kStepDepthMax) {
    return;
  }
  for (const Node* step : steps.items) {
    const Node* id = Find(*step, "id");
    const std::string name = id == nullptr ? std::string() : id->text;
    if (Find(*step, "coupon") != nullptr) {
      names->coupons.push_back(name);
    } else if (Find(*step, "send") != nullptr) {
      names->messages.push_back(name);
    } else if (const Node* branch = Find(*step, "branch")) {
      for (const Node* arm : branch->items) {
        if (const Node* below = Find(*arm, "steps")) {
          CollectFrom(*below, depth + 1, names);
        }
      }
    }
  }
}

std::vector<std::pair<std::string, std::string>> TextEntries(const Value& value) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Value& entry : value.Entries()) {
    if (auto text = entry.Text()) {
      texts.emplace_back(entry.name(), std::move(*text));
    }
  }
  return texts;
}

}  // namespace

StepNames CollectStepNames(const Node& steps) {
  StepNames names;
  CollectFrom(steps, 0, &names);
  return names;
}

std::vector<Step> StepParser::Parse(const Value& value, int depth) {
  std::vector<Step> steps;
  if (!value.present()) {
    return steps;
  }
  if (depth > huitou::limits::kStepDepthMax) {
    value.Error("is nested too deeply",
                "at most " + std::to_string(huitou::limits::kStepDepthMax) + " branches");
    return steps;
  }
  const std::vector<Value> items = value.Items();
  if (items.empty() && value.is_list()) {
    value.Error("is empty", "add a step, such as - " + std::string(StepTable().example));
  }
  bool ended = false;
  bool told = false;
  for (const Value& item : items) {
    if (ended && !told) {
      item.reader().Error(item.where(), "this step is never reached",
                          "remove it, or give the exit above a 'when:'");
      told = true;
    }
    const size_t parsed = steps.size();
    ParseStep(item, depth, &steps);
    Follow(item.node(), steps.size() > parsed ? &steps.back() : nullptr);
    ended = ended || (!steps.empty() && steps.back().when == nullptr &&
                      std::holds_alternative<ExitStep>(steps.back().action));
  }
  return steps;
}

void StepParser::ParseStep(const Value& item, int depth, std::vector<Step>* steps) {
  if (++count_ > huitou::limits::kStepsMax) {
    if (count_ == huitou::limits::kStepsMax + 1) {
      item.reader().Error(item.where(), "too many steps",
                          "at most " + std::to_string(huitou::limits::kStepsMax));
    }
    return;
  }
  Step step;
  if (item.is_text() && item.node().text == "exit") {
    step.action = ExitStep{};
    steps->push_back(std::move(step));
    return;
  }
  const MapReader map(item.reader(), item.node(), StepTable());
  if (!map.valid()) {
    return;
  }
  if (const auto id = map["id"].Name()) {
    const bool digits = id->find_first_not_of("0123456789") == std::string::npos;
    if (digits || id->find('#') != std::string::npos) {
      map["id"].Error("must begin with a letter", "a bare number is a step's position");
    } else if (!ids_.insert(*id).second) {
      map["id"].reader().Error(map["id"].node(), "another step has the id " + Quote(*id),
                               "give each step its own");
    }
    step.id = *id;
  }
  const Value when = map["when"];
  step.when = when.Cel(environment_, cel::Type::Bool());
  step.optional = map["optional"].Boolean().value_or(false);
  if (map.chosen() == nullptr || map.chosen()->later) {
    return;
  }
  if (map["optional"] && map.chosen()->name != "coupon" && map.chosen()->name != "send") {
    map["optional"].Error("has no meaning here", "only a coupon or a send can be refused");
  }
  ParseAction(map, depth, &step);
  if (when && step.when == nullptr) {
    // What follows an exit whose condition is wrong is not out of reach.
    return;
  }
  steps->push_back(std::move(step));
}

CouponsHeld StepParser::HeldIn(const MapReader& map, const Condition& when) const {
  CouponsHeld held = held_;
  if (when != nullptr) {
    held.Assume(when->text());
  } else if (map["when"]) {
    held.AssumeAll();
  }
  return held;
}

void StepParser::Follow(const Node& node, const Step* step) {
  if (step == nullptr) {
    // What is wrong with it was told: a coupon counts as issued.
    if (Find(node, "coupon") != nullptr) {
      held_.Issue(coupons_seen_++, {});
    }
    return;
  }
  const std::string when = step->when == nullptr ? std::string() : step->when->text();
  if (const auto* coupon = std::get_if<CouponStep>(&step->action)) {
    held_.Issue(coupons_seen_++, {.when = when,
                                  .optional = step->optional,
                                  .skips_refused = coupon->on_empty == CouponStep::OnEmpty::kSkip,
                                  .of_pool = !coupon->pool.empty()});
  } else if (std::holds_alternative<WaitStep>(step->action)) {
    held_.Wait(/*always=*/when.empty());
  } else if (std::holds_alternative<ExitStep>(step->action) && when.empty()) {
    held_.Exit();
  }
}

void StepParser::ParseAction(const MapReader& map, int depth, Step* step) {
  const std::string_view action = map.chosen()->name;
  const Value value = map[action];
  if (!value) {
    return;  // told as a key without a value
  }
  if (action == "coupon") {
    step->action = ParseCoupon(MapReader(value, CouponTable()));
  } else if (action == "send") {
    step->action = ParseSend(value, HeldIn(map, step->when));
  } else if (action == "wait") {
    step->action = ParseWait(value);
  } else if (action == "branch") {
    step->action = ParseBranch(value, depth);
  } else if (action == "emit") {
    step->action = ParseEmit(value, HeldIn(map, step->when));
  } else if (action == "set") {
    step->action = ParseSet(MapReader(value, SetTable()));
  } else {
    if (!value.is_map() && value.Boolean() == false) {
      value.Error("cannot be false", "remove the step");
    } else if (value.is_map() && !value.node().entries.empty()) {
      value.Refuse("true, or an empty map");
    }
    step->action = ExitStep{};
  }
}

CouponStep StepParser::ParseCoupon(const MapReader& map) const {
  CouponStep coupon;
  if (!map.valid()) {
    return coupon;
  }
  const Currency currency = context_.shop.currency;
  if (const auto value = map["value"].MoneyIn(currency)) {
    coupon.value = *value;
    if (value->minor == 0) {
      map["value"].Refuse("more than zero");
    }
  }
  coupon.min_spend = map["min_spend"].MoneyIn(currency);
  coupon.pool = ParseCodes(map["codes"]);
  coupon.expires = map["expires"].Duration(/*zero=*/false).value_or(0);
  if (const auto choice = map["on_empty"].Enum()) {
    coupon.on_empty = *choice == 0 ? CouponStep::OnEmpty::kExit : CouponStep::OnEmpty::kSkip;
  }
  coupon.revoke_on_refund = map["on_refund"].Enum() == size_t{1};
  return coupon;
}

std::string StepParser::ParseCodes(const Value& value) const {
  constexpr std::string_view kPool = "pool:";
  const auto codes = value.Text();
  if (!codes) {
    return {};
  }
  std::vector<std::string> names;
  for (const auto& [name, pool] : context_.shop.pools) {
    names.push_back(name);
  }
  if (!codes->starts_with(kPool)) {
    value.Refuse("a pool of the shop file", "write pool:" + (names.empty() ? "NAME" : names[0]));
    return {};
  }
  std::string name = codes->substr(kPool.size());
  if (context_.shop_complete && !context_.shop.pools.contains(name)) {
    value.reader().Error(value.node(), "no pool " + Quote(name) + " in the shop file",
                         Choices(name, names));
  }
  return name;
}

ReadingStep StepParser::Reading(const Value& value, const CouponsHeld& held) const {
  return {.names = names_,
          .held = context_.coupons_checked ? &held : nullptr,
          .place = value.reader().document().PlaceOf(value.node())};
}

SendStep StepParser::ParseSend(const Value& value, const CouponsHeld& held) const {
  SendStep send;
  const MapReader map(value, SendTable());
  if (!map.valid()) {
    return send;
  }
  send.template_name = map["template"].Name().value_or("");
  const Value via = map["via"];
  send.via = via.Texts();
  CheckVia(via);
  send.wait_receipt = map["wait_receipt"].Duration(/*zero=*/false).value_or(0);
  if (map["wait_receipt"] && send.via.size() == 1) {
    map["wait_receipt"].Warning("does nothing with a single channel",
                                "add a channel to 'via:' to fall back to");
  }
  const TemplateDefaults defaults = ReadDefaults(map["defaults"]);
  if (context_.templates != nullptr && !send.template_name.empty()) {
    Diagnostics& diagnostics = value.reader().diagnostics();
    VariableBinder binder(Reading(value, held), defaults, &diagnostics);
    const Place place = value.reader().document().PlaceOf(map["template"].node());
    context_.templates->Bind({send.template_name, place, send.via, context_.shop.name, marketing_},
                             context_.channels, &binder, &diagnostics);
    send.variables = binder.Finish();
  }
  return send;
}

void StepParser::CheckVia(const Value& via) const {
  if (!via.is_list()) {
    return;
  }
  std::set<std::string> seen;
  if (via.node().items.empty()) {
    via.Error("is empty", "name a channel of the config file");
  } else if (via.node().items.size() > limits::kViaMax) {
    via.Error("is too long", "at most " + std::to_string(limits::kViaMax) + " channels");
  }
  for (const Value& item : via.Items()) {
    if (!item.is_text()) {
      continue;  // told as not being text
    }
    const std::string& name = item.node().text;
    if (!seen.insert(name).second) {
      item.reader().Error(item.node(), "channel " + Quote(name) + " comes twice", "remove one");
    }
    if (context_.channels == nullptr || context_.channels->contains(name)) {
      continue;
    }
    std::vector<std::string> names;
    for (const auto& [channel, schema] : *context_.channels) {
      names.push_back(channel);
    }
    item.reader().Error(item.node(), "no channel " + Quote(name) + " in the config file",
                        Choices(name, names));
  }
}

WaitStep StepParser::ParseWait(const Value& value) const {
  WaitStep wait;
  const MapReader map(value, WaitTable());
  if (!map.valid()) {
    return wait;
  }
  wait.for_us = map["for"].Duration(/*zero=*/false).value_or(0);
  wait.until_event = map["until"].EventName().value_or("");
  wait.until_where = map["where"].Cel(environment_, cel::Type::Bool());
  wait.until_time = map["until_time"].TimeOfDay();
  if (!map["for"] && !map["until"] && !map["until_time"]) {
    value.Error("needs 'for:', 'until:' or 'until_time:'",
                "write " + std::string(WaitTable().example));
  }
  if (map["where"] && !map["until"]) {
    map["where"].Error("belongs to an 'until:'", "add the event that it is asked of");
  }
  if (map["until"] && !map["for"]) {
    map["until"].Warning("waits for ever where " + Quote(wait.until_event) + " never comes",
                         "add 'for:' with the longest time");
  }
  return wait;
}

BranchStep StepParser::ParseBranch(const Value& value, int depth) {
  BranchStep branch;
  const std::vector<Value> arms = value.Items();
  if (arms.empty() && value.is_list()) {
    value.Error("is empty", "add an arm, such as - " + std::string(BranchArmTable().example));
  }
  const CouponsHeld before = held_;
  std::vector<CouponsHeld> ways;
  bool has_else = false;
  for (size_t i = 0; i < arms.size(); ++i) {
    held_ = before;
    const MapReader map(arms[i].reader(), arms[i].node(), BranchArmTable());
    if (!map.valid()) {
      continue;
    }
    BranchArm arm;
    arm.when = map["when"].Cel(environment_, cel::Type::Bool());
    if (map["else"].Boolean() == false) {
      map["else"].Error("cannot be false", "write true, or remove the arm");
    }
    if (map["else"] && i + 1 < arms.size()) {
      map["else"].Error("must be the last arm", "move it to the end");
    }
    held_ = HeldIn(map, arm.when);
    arm.steps = Parse(map["steps"], depth + 1);
    branch.arms.push_back(std::move(arm));
    ways.push_back(held_);
    has_else = has_else || map["else"].present();
  }
  if (!has_else || ways.empty()) {
    ways.push_back(before);
  }
  held_ = ways.front();
  for (const CouponsHeld& way : ways) {
    held_.Meet(way);
  }
  return branch;
}

EmitStep StepParser::ParseEmit(const Value& value, const CouponsHeld& held) const {
  EmitStep emit;
  const MapReader map(value, EmitTable());
  if (!map.valid()) {
    return emit;
  }
  emit.type = map["type"].EventName().value_or("");
  emit.data = TextEntries(map["data"]);
  const TemplateDefaults defaults = ReadDefaults(map["defaults"]);
  VariableBinder binder(Reading(value, held), defaults, &value.reader().diagnostics());
  for (const Value& entry : map["data"].Entries()) {
    if (entry.is_text()) {
      binder.Add(entry.node().text, [&entry](size_t offset) {
        return entry.reader().document().PlaceOf(entry.node(), offset);
      });
    }
  }
  emit.variables = binder.Finish();
  return emit;
}

SetStep StepParser::ParseSet(const MapReader& map) const {
  SetStep set;
  if (!map.valid()) {
    return set;
  }
  const MapReader tags(map["tags"], SetTagsTable());
  if (tags.valid()) {
    set.tags_add = tags["add"].Texts();
    set.tags_remove = tags["remove"].Texts();
  }
  set.attributes = TextEntries(map["attributes"]);
  for (const std::string& tag : set.tags_add) {
    if (std::find(set.tags_remove.begin(), set.tags_remove.end(), tag) != set.tags_remove.end()) {
      tags["remove"].Error("takes away " + Quote(tag) + ", which 'add' gives", "keep one of them");
    }
  }
  const size_t changes = set.tags_add.size() + set.tags_remove.size() + set.attributes.size();
  if (changes == 0 && (!map["tags"] || tags.valid())) {
    map.reader().Error(map.node(), "a set that changes nothing",
                       "write " + std::string(SetTable().example));
  } else if (set.tags_add.size() > huitou::limits::kTagsMax ||
             set.attributes.size() > huitou::limits::kAttributesMax) {
    map.reader().Error(map.node(), "too many tags or attributes",
                       "at most " + std::to_string(huitou::limits::kTagsMax));
  }
  return set;
}

}  // namespace huitou::config
