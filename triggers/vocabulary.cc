#include "triggers/vocabulary.h"

#include <array>
#include <charconv>
#include <cmath>

#include "triggers/base/civil_time.h"
#include "triggers/vocabulary_objects.h"

namespace huitou {

using cel::Arena;
using cel::Kind;
using cel::Type;
using cel::Value;

namespace vocabulary {

Value Time(TimeUs time) {
  TimeUs seconds = time / kSecondUs;
  TimeUs rest = time % kSecondUs;
  if (rest < 0) {
    --seconds;
    rest += kSecondUs;
  }
  return Value::Timestamp(seconds, static_cast<int32_t>(rest) * 1000);
}

Value OptionalTime(TimeUs time) {
  return time == kTimeMin || time == kTimeMax ? Value::Error("not known yet") : Time(time);
}

Value MapOrEmpty(const Value& attributes) {
  class Empty : public cel::MapView {
   public:
    size_t size() const override { return 0; }
    bool Find(const Value&, Arena&, Value*) const override { return false; }
    Value KeyAt(size_t, Arena&) const override { return Value::Null(); }
  };
  static const Empty empty;
  return attributes.is_null() ? Value::Map(&empty) : attributes;
}

// Small views are made in the arena; it never runs destructors, and they need none.

const Type& AttributesType() {
  static const Type type = Type::Map(Type::String(), Type::Dyn());
  return type;
}

}  // namespace vocabulary

namespace {

Value ValueOfSlot(int slot, const Binding& binding, Arena& arena) {
  switch (slot) {
    case kSlotEvent:
      return vocabulary::EventValue(binding.event);
    case kSlotTrigger:
      return vocabulary::EventValue(binding.trigger);
    case kSlotCustomer:
      return vocabulary::CustomerValue(binding);
    case kSlotCoupons:
      return vocabulary::CouponsValue(binding);
    case kSlotMessages:
      return vocabulary::MessagesValue(binding);
    case kSlotNow:
      return vocabulary::Time(binding.now);
    case kSlotVariant: {
      const bool any = binding.episode != nullptr && binding.campaign != nullptr &&
                       binding.episode->variant < binding.campaign->variants.size();
      return Value::String(
          any ? std::string_view(binding.campaign->variants[binding.episode->variant].name)
              : std::string_view());
    }
    case kSlotCoupon:
      return vocabulary::LastCouponValue(binding, arena);
    default:
      return vocabulary::ShopValue(*binding.shop);
  }
}

std::string FormatDouble(double number) {
  if (!std::isfinite(number)) {
    return {};
  }
  char text[64];
  const double cents = number * 100;
  const bool whole = number == std::floor(number);
  if (std::abs(number) < 1e15 && (whole || std::abs(cents - std::round(cents)) < 1e-6)) {
    const auto end =
        std::to_chars(text, text + sizeof text, number, std::chars_format::fixed, whole ? 0 : 2);
    return std::string(text, end.ptr);
  }
  return std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
}

}  // namespace

cel::Environment ConditionEnvironment(const StepNames& steps) {
  cel::Environment env;
  vocabulary::DeclareEvent(&env);
  vocabulary::DeclareCustomer(&env);
  vocabulary::DeclareSteps(&env, steps);
  env.AddStringExtensions();
  vocabulary::DeclareSegments(&env);
  return env;
}

cel::Environment TemplateEnvironment(const StepNames& steps) {
  cel::Environment env = ConditionEnvironment(steps);
  vocabulary::DeclareShop(&env);
  return env;
}

cel::Environment ShopEnvironment() {
  cel::Environment env;
  vocabulary::DeclareCustomer(&env);
  env.AddStringExtensions();
  return env;
}

Value Evaluate(const Condition& condition, const Binding& binding, Arena& arena) {
  if (condition == nullptr) {
    return Value::Bool(true);
  }
  std::array<Value, kSlotCount> slots;
  for (const int slot : condition->slots_used()) {
    slots[static_cast<size_t>(slot)] = ValueOfSlot(slot, binding, arena);
  }
  return condition->Eval(slots, const_cast<Binding*>(&binding), arena);
}

std::string FormatForPeople(const Value& value, const Zone& zone) {
  switch (value.kind()) {
    case Kind::kBool:
      return value.as_bool() ? "true" : "";
    case Kind::kInt:
      return std::to_string(value.as_int());
    case Kind::kUint:
      return std::to_string(value.as_uint());
    case Kind::kDouble:
      return FormatDouble(value.as_double());
    case Kind::kString:
      return std::string(value.as_string());
    case Kind::kTimestamp:
      return FormatDate(CivilDay(value.seconds() * kSecondUs, zone));
    case Kind::kNull:
    case Kind::kError:
    case Kind::kObject:
      return {};
    default:
      return cel::ToJson(value);
  }
}

}  // namespace huitou
