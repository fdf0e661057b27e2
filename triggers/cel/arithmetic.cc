#include "triggers/cel/arithmetic.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "triggers/base/time.h"

namespace huitou::cel {
namespace {

constexpr std::string_view kIntOverflow = "int overflow";
constexpr std::string_view kUintOverflow = "uint overflow";
constexpr std::string_view kDivideByZero = "division by zero";
constexpr std::string_view kModuloByZero = "modulus by zero";
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Of int64_t or uint64_t; the specification makes every overflow an error.
template <typename T>
Value WholeArithmetic(Op op, T a, T b) {
  constexpr bool is_signed = std::numeric_limits<T>::is_signed;
  T result = 0;
  bool overflow = false;
  switch (op) {
    case Op::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Op::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Op::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) {
        return Value::Error(op == Op::kDivide ? kDivideByZero : kModuloByZero);
      }
      // The one quotient that has no place: -2^63 / -1.
      overflow = is_signed && a == std::numeric_limits<T>::min() && b == static_cast<T>(-1);
      if (!overflow) {
        result = op == Op::kDivide ? a / b : a % b;
      }
      break;
  }
  if constexpr (is_signed) {
    return overflow ? Value::Error(kIntOverflow) : Value::Int(result);
  } else {
    return overflow ? Value::Error(kUintOverflow) : Value::Uint(result);
  }
}

// IEEE 754: x / 0.0 is an infinity or NaN.
#if defined(__clang__)
__attribute__((no_sanitize("float-divide-by-zero")))
#endif
Value DoubleArithmetic(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd:
      return Value::Double(a + b);
    case Op::kSubtract:
      return Value::Double(a - b);
    case Op::kMultiply:
      return Value::Double(a * b);
    case Op::kDivide:
      return Value::Double(a / b);
    default:
      return Value::Error(kNoOverload);
  }
}

Value Concatenate(const Value& a, const Value& b, CallContext& context) {
  const std::string_view left = a.as_string();
  const std::string_view right = b.as_string();
  if (!context.SpendBytes(left.size() + right.size())) {
    return Value::Error(kOutOfSteps);
  }
  auto* data = static_cast<char*>(context.arena.Allocate(left.size() + right.size(), 1));
  if (data == nullptr) {
    return Value::Error(kOutOfBytes);
  }
  if (!left.empty()) {
    std::memcpy(data, left.data(), left.size());
  }
  if (!right.empty()) {
    std::memcpy(data + left.size(), right.data(), right.size());
  }
  const std::string_view both(data, left.size() + right.size());
  return a.kind() == Kind::kString ? Value::String(both) : Value::Bytes(both);
}

Value ConcatenateLists(const ListView& a, const ListView& b, CallContext& context) {
  if (!context.Spend(a.size() + b.size())) {
    return Value::Error(kOutOfSteps);
  }
  std::vector<Value> items;
  items.reserve(a.size() + b.size());
  for (const ListView* list : {&a, &b}) {
    for (size_t i = 0; i < list->size(); ++i) {
      items.push_back(list->At(i, context.arena));
    }
  }
  return MakeList(std::move(items), context.arena);
}

Value ShiftTimestamp(const Value& time, __int128 nanos) {
  const __int128 total =
      static_cast<__int128>(time.seconds()) * kNanosPerSecond + time.nanos() + nanos;
  __int128 seconds = total / kNanosPerSecond;
  auto rest = static_cast<int64_t>(total % kNanosPerSecond);
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  if (seconds > std::numeric_limits<int64_t>::max() ||
      seconds < std::numeric_limits<int64_t>::min()) {
    return TimestampOrError(std::numeric_limits<int64_t>::max(), 0);
  }
  return TimestampOrError(static_cast<int64_t>(seconds), rest);
}

Value TimeArithmetic(Op op, const Value& a, const Value& b) {
  const bool add = op == Op::kAdd;
  if (!add && op != Op::kSubtract) {
    return Value::Error(kNoOverload);
  }
  const bool a_time = a.kind() == Kind::kTimestamp;
  const bool b_time = b.kind() == Kind::kTimestamp;
  const bool a_length = a.kind() == Kind::kDuration;
  const bool b_length = b.kind() == Kind::kDuration;
  if (a_time && b_length) {
    return ShiftTimestamp(a, add ? NanosOf(b) : -NanosOf(b));
  }
  if (add && a_length && b_time) {
    return ShiftTimestamp(b, NanosOf(a));
  }
  if (!add && a_time && b_time) {
    return DurationOrError((static_cast<__int128>(a.seconds()) - b.seconds()) * kNanosPerSecond +
                           (a.nanos() - b.nanos()));
  }
  if (a_length && b_length) {
    return DurationOrError(add ? NanosOf(a) + NanosOf(b) : NanosOf(a) - NanosOf(b));
  }
  return Value::Error(kNoOverload);
}

}  // namespace

Value Arithmetic(Op op, const Value& a, const Value& b, CallContext& context) {
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kInt:
        return WholeArithmetic(op, a.as_int(), b.as_int());
      case Kind::kUint:
        return WholeArithmetic(op, a.as_uint(), b.as_uint());
      case Kind::kDouble:
        return DoubleArithmetic(op, a.as_double(), b.as_double());
      case Kind::kString:
      case Kind::kBytes:
        return op == Op::kAdd ? Concatenate(a, b, context) : Value::Error(kNoOverload);
      case Kind::kList:
        return op == Op::kAdd ? ConcatenateLists(a.list(), b.list(), context)
                              : Value::Error(kNoOverload);
      default:
        break;
    }
  }
  return TimeArithmetic(op, a, b);
}

Value Negate(const Value& value) {
  switch (value.kind()) {
    case Kind::kInt:
      return WholeArithmetic<int64_t>(Op::kSubtract, 0, value.as_int());
    case Kind::kDouble:
      return Value::Double(-value.as_double());
    default:
      return Value::Error(kNoOverload);
  }
}

Value TimestampOrError(int64_t seconds, int64_t nanos) {
  if (seconds < kTimestampMin / kSecondUs || seconds > kTimestampMax / kSecondUs) {
    return Value::Error("timestamp out of range (years 1 to 9999)");
  }
  return Value::Timestamp(seconds, static_cast<int32_t>(nanos));
}

Value DurationOrError(__int128 nanos) {
  if (nanos > std::numeric_limits<int64_t>::max() || nanos < std::numeric_limits<int64_t>::min()) {
    return Value::Error("duration out of range (some 292 years)");
  }
  const auto whole = static_cast<int64_t>(nanos);
  return Value::Duration(whole / kNanosPerSecond, static_cast<int32_t>(whole % kNanosPerSecond));
}

__int128 NanosOf(const Value& duration) {
  return static_cast<__int128>(duration.seconds()) * kNanosPerSecond + duration.nanos();
}

}  // namespace huitou::cel
