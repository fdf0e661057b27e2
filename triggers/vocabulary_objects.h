// The object types behind the vocabulary, one file per family: events, customers, an episode's
// coupons and messages. Include only in vocabulary*.cc.
#pragma once

#include <new>
#include <string_view>
#include <utility>

#include "triggers/vocabulary.h"

namespace huitou::vocabulary {

// What a view that no longer fits the arena becomes.
inline constexpr std::string_view kFull = "too large";

// Small views are made in the arena; it never runs destructors, and they need none.
template <typename T, typename... Arguments>
T* Make(cel::Arena& arena, Arguments&&... arguments) {
  void* memory = arena.Allocate(sizeof(T), alignof(T));
  return memory == nullptr ? nullptr : new (memory) T{std::forward<Arguments>(arguments)...};
}

cel::Value Time(TimeUs time);
// An error for a time that is not known.
cel::Value OptionalTime(TimeUs time);
// Attributes as a map, also where there are none.
cel::Value MapOrEmpty(const cel::Value& attributes);
// map(string, dyn)
const cel::Type& AttributesType();

void DeclareEvent(cel::Environment* env);
void DeclareCustomer(cel::Environment* env);
// customer.in_segment('x')
void DeclareSegments(cel::Environment* env);
void DeclareSteps(cel::Environment* env, const StepNames& steps);
void DeclareShop(cel::Environment* env);

cel::Value EventValue(const Event* event);
cel::Value CustomerValue(const Binding& binding);
cel::Value CouponsValue(const Binding& binding);
cel::Value MessagesValue(const Binding& binding);
// The coupon issued last.
cel::Value LastCouponValue(const Binding& binding, cel::Arena& arena);
cel::Value ShopValue(const Shop& shop);

}  // namespace huitou::vocabulary
