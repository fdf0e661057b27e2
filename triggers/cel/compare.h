// The order and equality of values, with their cost. Pure; any thread.
#pragma once

#include <cstdint>

#include "triggers/cel/value.h"

namespace huitou::cel {

enum class Order : int8_t {
  kLess = -1,
  kEqual = 0,
  kGreater = 1,
  kUnordered = 2,     // a NaN takes part
  kIncomparable = 3,  // kinds that have no order between them
};

// CEL's < and >: numbers compare across types, text by bytes (which is by code points).
Order Compare(const Value& a, const Value& b);

// CEL's ==, taking a step off for each element compared. Stops with false at zero steps, which the
// caller must look at.
bool EqualWithin(const Value& a, const Value& b, Arena& arena, uint64_t* steps_left);

// A whole number that a double stands for, as kInt or kUint; otherwise the value itself. What map
// keys are looked up by.
Value CanonicalKey(const Value& key);

}  // namespace huitou::cel
