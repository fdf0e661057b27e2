// The names that conditions and templates may use (contracts.md section 4), bound to the core's
// types. Immutable after construction; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "triggers/cel/cel.h"
#include "triggers/customer.h"
#include "triggers/shop.h"
#include "triggers/symbols.h"

namespace huitou {

// Slots of a condition's variables.
enum Slot : int {
  kSlotEvent,
  kSlotTrigger,
  kSlotCustomer,
  kSlotCoupons,
  kSlotMessages,
  kSlotNow,
  kSlotVariant,
  kSlotCoupon,  // templates: the coupon issued last
  kSlotShop,    // templates
  kSlotCount,
};

// For conditions of one campaign: event, trigger, customer, coupons.<id>, messages.<id>, now,
// variant. Segments of the shop are tested with customer.in_segment('x'), which is checked by
// config (a name must exist).
cel::Environment ConditionEnvironment(const StepNames& steps);
// For templates: the same, and `coupon` and `shop`.
cel::Environment TemplateEnvironment(const StepNames& steps);
// For tiers and segments of the shop file: customer and now only.
cel::Environment ShopEnvironment();

// What the bindings point at; must outlive the evaluation.
struct Binding {
  const Event* event = nullptr;  // null: none at hand
  const Event* trigger = nullptr;
  const Customer* customer = nullptr;
  const Episode* episode = nullptr;
  const Campaign* campaign = nullptr;
  const Shop* shop = nullptr;
  const SymbolTable* symbols = nullptr;
  TimeUs now = 0;
};

// Evaluates a condition or a template variable. Null gives true.
cel::Value Evaluate(const Condition& condition, const Binding& binding, cel::Arena& arena);

// A value as a template shows it: text as it is; numbers without needless digits; timestamps as a
// date in the recipient's zone; truth as "true" or ""; null and errors as "".
std::string FormatForPeople(const cel::Value& value, const Zone& zone);

}  // namespace huitou
