// + - * / % on values: overflow and undefined pairs are errors. Pure.
#pragma once

#include "triggers/cel/builtins.h"
#include "triggers/cel/program.h"

namespace huitou::cel {

// `op` is one of kAdd, kSubtract, kMultiply, kDivide, kModulo.
Value Arithmetic(Op op, const Value& a, const Value& b, CallContext& context);
Value Negate(const Value& value);

// Times within their ranges (years 1 to 9999; lengths of 64-bit nanoseconds), otherwise errors.
Value TimestampOrError(int64_t seconds, int64_t nanos);
Value DurationOrError(__int128 nanos);
// A duration in nanoseconds.
__int128 NanosOf(const Value& duration);

}  // namespace huitou::cel
