// int(x), string(x) and the other conversions.
#include <charconv>
#include <cmath>

#include "triggers/base/text.h"
#include "triggers/cel/arithmetic.h"
#include "triggers/cel/builtins.h"
#include "triggers/cel/text.h"
#include "triggers/cel/time_text.h"

namespace huitou::cel {
namespace {

constexpr std::string_view kRange = "the number is out of range";

template <typename T>
bool ParseInteger(std::string_view text, T* value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *value);
  return result.ec == std::errc{} && result.ptr == end;
}

Value ToInt(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kInt:
      return x;
    case Kind::kUint:
      return x.as_int() < 0 ? Value::Error(kRange) : Value::Int(x.as_int());
    case Kind::kDouble: {
      // Open at both ends, as the specification has it.
      const double d = x.as_double();
      return d > -0x1p63 && d < 0x1p63 ? Value::Int(static_cast<int64_t>(d)) : Value::Error(kRange);
    }
    case Kind::kString: {
      std::string_view text = x.as_string();
      if (text.starts_with("+") && !text.starts_with("+-")) {
        text.remove_prefix(1);
      }
      int64_t value = 0;
      return ParseInteger(text, &value) ? Value::Int(value)
                                        : Fail(context.arena, "no int", x.as_string());
    }
    case Kind::kTimestamp:
      return Value::Int(x.seconds());
    default:
      return Value::Error(kNoOverload);
  }
}

Value ToUint(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kUint:
      return x;
    case Kind::kInt:
      return x.as_int() < 0 ? Value::Error(kRange) : Value::Uint(x.as_uint());
    case Kind::kDouble: {
      const double d = x.as_double();
      return d > -1 && d < 0x1p64 ? Value::Uint(static_cast<uint64_t>(d)) : Value::Error(kRange);
    }
    case Kind::kString: {
      uint64_t value = 0;
      return ParseInteger(x.as_string(), &value) ? Value::Uint(value)
                                                 : Fail(context.arena, "no uint", x.as_string());
    }
    default:
      return Value::Error(kNoOverload);
  }
}

Value ToDouble(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kDouble:
      return x;
    case Kind::kInt:
      return Value::Double(static_cast<double>(x.as_int()));
    case Kind::kUint:
      return Value::Double(static_cast<double>(x.as_uint()));
    case Kind::kString: {
      const std::optional<double> d = ParseDouble(x.as_string());
      return d.has_value() ? Value::Double(*d) : Fail(context.arena, "no double", x.as_string());
    }
    default:
      return Value::Error(kNoOverload);
  }
}

Value ToString(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  Arena& arena = context.arena;
  switch (x.kind()) {
    case Kind::kString:
      return x;
    case Kind::kBool:
      return Value::String(x.as_bool() ? "true" : "false");
    case Kind::kInt:
      return ArenaString(arena, std::to_string(x.as_int()));
    case Kind::kUint:
      return ArenaString(arena, std::to_string(x.as_uint()));
    case Kind::kDouble:
      return ArenaString(arena, DoubleText(x.as_double()));
    case Kind::kBytes:
      if (!context.SpendBytes(x.as_string().size())) {
        return Value::Error(kOutOfSteps);
      }
      return IsUtf8(x.as_string()) ? Value::String(x.as_string())
                                   : Value::Error("the bytes are not valid UTF-8");
    case Kind::kTimestamp:
      return ArenaString(arena, InstantText(x));
    case Kind::kDuration:
      return ArenaString(arena, LengthText(x));
    default:
      return Value::Error(kNoOverload);
  }
}

Value ToBytes(CallContext&, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  if (x.kind() == Kind::kBytes) {
    return x;
  }
  return x.is_string() ? Value::Bytes(x.as_string()) : Value::Error(kNoOverload);
}

Value ToBool(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  if (x.is_bool()) {
    return x;
  }
  if (!x.is_string()) {
    return Value::Error(kNoOverload);
  }
  for (const char* word : {"1", "t", "true", "TRUE", "True"}) {
    if (x.as_string() == word) {
      return Value::Bool(true);
    }
  }
  for (const char* word : {"0", "f", "false", "FALSE", "False"}) {
    if (x.as_string() == word) {
      return Value::Bool(false);
    }
  }
  return Fail(context.arena, "no bool", x.as_string());
}

Value ToTimestamp(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kTimestamp:
      return x;
    case Kind::kInt:
      return TimestampOrError(x.as_int(), 0);
    case Kind::kString: {
      const std::optional<Instant> instant = ParseInstant(x.as_string());
      return instant.has_value() ? Value::Timestamp(instant->seconds, instant->nanos)
                                 : Fail(context.arena, "no timestamp", x.as_string());
    }
    default:
      return Value::Error(kNoOverload);
  }
}

Value ToDuration(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kDuration:
      return x;
    case Kind::kInt:
      return DurationOrError(static_cast<__int128>(x.as_int()) * 1'000'000'000);
    case Kind::kString: {
      const std::optional<int64_t> nanos = ParseLength(x.as_string());
      return nanos.has_value() ? DurationOrError(*nanos)
                               : Fail(context.arena, "no duration", x.as_string());
    }
    default:
      return Value::Error(kNoOverload);
  }
}

}  // namespace

void AppendConversions(std::vector<Builtin>* table) {
  const auto add = [&](std::string_view name, const Type& result, BuiltinCall call,
                       const std::vector<Type>& from) {
    for (const Type& type : from) {
      table->push_back({name, false, {type}, result, call});
    }
  };
  const Type any_bool = Type::Bool();
  const Type i = Type::Int();
  const Type u = Type::Uint();
  const Type d = Type::Double();
  const Type s = Type::String();
  const Type b = Type::Bytes();
  const Type t = Type::Timestamp();
  const Type l = Type::Duration();
  add("int", i, ToInt, {i, u, d, s, t});
  add("uint", u, ToUint, {u, i, d, s});
  add("double", d, ToDouble, {d, i, u, s});
  add("string", s, ToString, {s, any_bool, i, u, d, b, t, l});
  add("bytes", b, ToBytes, {b, s});
  add("bool", any_bool, ToBool, {any_bool, s});
  add("timestamp", t, ToTimestamp, {t, s, i});
  add("duration", l, ToDuration, {l, s, i});
}

}  // namespace huitou::cel
