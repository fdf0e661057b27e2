#include "triggers/cel/compare.h"

#include <algorithm>
#include <limits>

#include "triggers/cel/builtins.h"

namespace huitou::cel {
namespace {

template <typename T>
Order Three(T a, T b) {
  if (a < b) {
    return Order::kLess;
  }
  return a == b ? Order::kEqual : Order::kGreater;
}

Order CompareDoubles(double a, double b) {
  if (a != a || b != b) {
    return Order::kUnordered;
  }
  return Three(a, b);
}

// The specification compares an integer with a double as doubles, once the double is in range.
Order CompareIntDouble(int64_t a, double b) {
  if (b < -0x1p63) {
    return Order::kGreater;
  }
  return b > 0x1p63 ? Order::kLess : CompareDoubles(static_cast<double>(a), b);
}

Order CompareUintDouble(uint64_t a, double b) {
  if (b < 0) {
    return Order::kGreater;
  }
  return b > 0x1p64 ? Order::kLess : CompareDoubles(static_cast<double>(a), b);
}

Order CompareIntUint(int64_t a, uint64_t b) {
  return a < 0 ? Order::kLess : Three(static_cast<uint64_t>(a), b);
}

Order Reverse(Order order) {
  if (order == Order::kLess) {
    return Order::kGreater;
  }
  return order == Order::kGreater ? Order::kLess : order;
}

Order CompareIntWith(int64_t a, const Value& b) {
  switch (b.kind()) {
    case Kind::kInt:
      return Three(a, b.as_int());
    case Kind::kUint:
      return CompareIntUint(a, b.as_uint());
    case Kind::kDouble:
      return CompareIntDouble(a, b.as_double());
    default:
      return Order::kIncomparable;
  }
}

Order CompareUintWith(uint64_t a, const Value& b) {
  switch (b.kind()) {
    case Kind::kInt:
      return Reverse(CompareIntUint(b.as_int(), a));
    case Kind::kUint:
      return Three(a, b.as_uint());
    case Kind::kDouble:
      return CompareUintDouble(a, b.as_double());
    default:
      return Order::kIncomparable;
  }
}

Order CompareDoubleWith(double a, const Value& b) {
  switch (b.kind()) {
    case Kind::kInt:
      return Reverse(CompareIntDouble(b.as_int(), a));
    case Kind::kUint:
      return Reverse(CompareUintDouble(b.as_uint(), a));
    case Kind::kDouble:
      return CompareDoubles(a, b.as_double());
    default:
      return Order::kIncomparable;
  }
}

Order CompareText(std::string_view a, std::string_view b) {
  const int order = a.compare(b);
  return order == 0 ? Order::kEqual : (order < 0 ? Order::kLess : Order::kGreater);
}

Order CompareTimes(const Value& a, const Value& b) {
  const Order order = Three(a.seconds(), b.seconds());
  return order == Order::kEqual ? Three(a.nanos(), b.nanos()) : order;
}

bool IsNumber(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble;
}

bool EqualLists(const ListView& a, const ListView& b, Arena& arena, uint64_t* steps_left) {
  const size_t size = a.size();
  if (size != b.size()) {
    return false;
  }
  for (size_t i = 0; i < size; ++i) {
    if (!EqualWithin(a.At(i, arena), b.At(i, arena), arena, steps_left)) {
      return false;
    }
  }
  return true;
}

bool EqualMaps(const MapView& a, const MapView& b, Arena& arena, uint64_t* steps_left) {
  const size_t size = a.size();
  if (size != b.size()) {
    return false;
  }
  for (size_t i = 0; i < size; ++i) {
    const Value key = a.KeyAt(i, arena);
    Value in_a;
    Value in_b;
    if (!a.Find(key, arena, &in_a) || !b.Find(key, arena, &in_b) ||
        !EqualWithin(in_a, in_b, arena, steps_left)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Order Compare(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      return CompareIntWith(a.as_int(), b);
    case Kind::kUint:
      return CompareUintWith(a.as_uint(), b);
    case Kind::kDouble:
      return CompareDoubleWith(a.as_double(), b);
    default:
      break;
  }
  if (a.kind() != b.kind()) {
    return Order::kIncomparable;
  }
  switch (a.kind()) {
    case Kind::kBool:
      return Three(a.as_uint(), b.as_uint());
    case Kind::kString:
    case Kind::kBytes:
      return CompareText(a.as_string(), b.as_string());
    case Kind::kTimestamp:
    case Kind::kDuration:
      return CompareTimes(a, b);
    default:
      return Order::kIncomparable;
  }
}

bool EqualWithin(const Value& a, const Value& b, Arena& arena, uint64_t* steps_left) {
  if (*steps_left == 0) {
    return false;
  }
  --*steps_left;
  if (IsNumber(a.kind())) {
    return Compare(a, b) == Order::kEqual;
  }
  if (a.kind() != b.kind()) {
    return false;
  }
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kList:
      return EqualLists(a.list(), b.list(), arena, steps_left);
    case Kind::kMap:
      return EqualMaps(a.map(), b.map(), arena, steps_left);
    case Kind::kObject:
      return a.object() == b.object() && &a.object_type() == &b.object_type();
    case Kind::kType:
      return a.as_string() == b.as_string();
    case Kind::kError:
      return false;
    case Kind::kString:
    case Kind::kBytes:
      *steps_left -= std::min<uint64_t>(*steps_left, a.as_string().size() / 64);
      return a.as_string() == b.as_string();
    default:
      return Compare(a, b) == Order::kEqual;
  }
}

bool Equal(const Value& a, const Value& b, Arena& arena) {
  uint64_t steps_left = std::numeric_limits<uint64_t>::max();
  return EqualWithin(a, b, arena, &steps_left);
}

Value CanonicalKey(const Value& key) {
  if (key.kind() != Kind::kDouble) {
    return key;
  }
  const double d = key.as_double();
  if (d >= -0x1p63 && d < 0x1p63 && d == static_cast<double>(static_cast<int64_t>(d))) {
    return Value::Int(static_cast<int64_t>(d));
  }
  if (d >= 0 && d < 0x1p64 && d == static_cast<double>(static_cast<uint64_t>(d))) {
    return Value::Uint(static_cast<uint64_t>(d));
  }
  return key;
}

}  // namespace huitou::cel
