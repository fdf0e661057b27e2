// Values of the Common Expression Language, as the evaluator passes them around.
//
// A Value is 24 bytes, trivially copyable and owns nothing: strings, lists and maps point into an
// Arena, into the program's constants, or into the object that a variable was bound to. All of
// them must outlive it. One thread at a time, as its Arena.
//
// Example: Value v = Value::String("gold"); if (v.is_string()) Use(v.as_string());
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/check.h"

namespace huitou::cel {

enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kObject,
  kType,
  kError,
};

class Value;

// A bump allocator with a ceiling, for what an evaluation or an event creates. Allocate returns
// null past the ceiling; the evaluator turns that into an error. Clear() keeps the first block.
class Arena {
 public:
  explicit Arena(size_t bytes_max = size_t{1} << 20);
  ~Arena();
  Arena(Arena&&) noexcept;
  Arena& operator=(Arena&&) noexcept;

  void* Allocate(size_t bytes, size_t alignment = alignof(std::max_align_t));
  // A copy of `text` that lives as long as the arena; null data when full.
  std::string_view Copy(std::string_view text);
  void Clear();
  size_t bytes_used() const { return used_; }

 private:
  struct Block;
  Block* first_ = nullptr;
  Block* current_ = nullptr;
  size_t bytes_max_;
  size_t used_ = 0;
};

// A list or map that lives elsewhere (an order's items, a customer's categories): read through
// these instead of being copied into values.
class ListView {
 public:
  virtual ~ListView() = default;
  virtual size_t size() const = 0;
  virtual Value At(size_t index, Arena& arena) const = 0;
};

class MapView {
 public:
  virtual ~MapView() = default;
  virtual size_t size() const = 0;
  // False when there is no such key.
  virtual bool Find(const Value& key, Arena& arena, Value* value) const = 0;
  // The keys by position, in a stable order (for comprehensions).
  virtual Value KeyAt(size_t index, Arena& arena) const = 0;
};

// The runtime side of an object type declared in an Environment: fields are read by index, the
// index being the position in its declaration.
class ObjectType {
 public:
  virtual ~ObjectType() = default;
  virtual Value Get(const void* self, int field, Arena& arena) const = 0;
  // has(x.f): whether the field is set.
  virtual bool Has(const void* self, int field) const = 0;
};

class Value {
 public:
  Value() = default;  // null

  static Value Null() { return {}; }
  static Value Bool(bool b) { return Value(Kind::kBool, b ? 1u : 0u); }
  static Value Int(int64_t i) { return Value(Kind::kInt, static_cast<uint64_t>(i)); }
  static Value Uint(uint64_t u) { return Value(Kind::kUint, u); }
  static Value Double(double d) {
    Value v(Kind::kDouble, 0);
    v.payload_.real = d;
    return v;
  }
  static Value String(std::string_view s) { return Text(Kind::kString, s); }
  static Value Bytes(std::string_view s) { return Text(Kind::kBytes, s); }
  // Seconds since 1970 and nanoseconds in [0, 1e9).
  static Value Timestamp(int64_t seconds, int32_t nanos);
  // Seconds and nanoseconds of the same sign.
  static Value Duration(int64_t seconds, int32_t nanos);
  static Value List(const ListView* list) { return Pointer(Kind::kList, list, nullptr); }
  static Value Map(const MapView* map) { return Pointer(Kind::kMap, map, nullptr); }
  static Value Object(const ObjectType* type, const void* self) {
    return Pointer(Kind::kObject, type, self);
  }
  // A type's name, e.g. "int"; must outlive the value.
  static Value Type(std::string_view name) { return Text(Kind::kType, name); }
  // An error's message; must outlive the value (a literal or arena text).
  static Value Error(std::string_view message) { return Text(Kind::kError, message); }

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_error() const { return kind_ == Kind::kError; }
  bool is_true() const { return kind_ == Kind::kBool && payload_.bits != 0; }

  bool as_bool() const { return payload_.bits != 0; }
  int64_t as_int() const { return static_cast<int64_t>(payload_.bits); }
  uint64_t as_uint() const { return payload_.bits; }
  double as_double() const { return payload_.real; }
  // Also of bytes, a type's name and an error's message.
  std::string_view as_string() const {
    return {static_cast<const char*>(payload_.pointer), extra_.size};
  }
  int64_t seconds() const { return static_cast<int64_t>(payload_.bits); }
  int32_t nanos() const { return nanos_; }
  const ListView& list() const { return *static_cast<const ListView*>(payload_.pointer); }
  const MapView& map() const { return *static_cast<const MapView*>(payload_.pointer); }
  const ObjectType& object_type() const {
    return *static_cast<const ObjectType*>(payload_.pointer);
  }
  const void* object() const { return extra_.pointer; }

 private:
  Value(Kind kind, uint64_t bits) : kind_(kind) { payload_.bits = bits; }
  static Value Text(Kind kind, std::string_view s) {
    Value v(kind, 0);
    v.payload_.pointer = s.data();
    v.extra_.size = s.size();
    return v;
  }
  static Value Pointer(Kind kind, const void* a, const void* b) {
    Value v(kind, 0);
    v.payload_.pointer = a;
    v.extra_.pointer = b;
    return v;
  }

  Kind kind_ = Kind::kNull;
  int32_t nanos_ = 0;
  union {
    uint64_t bits = 0;
    double real;
    const void* pointer;
  } payload_;
  union {
    size_t size = 0;
    const void* pointer;
  } extra_;
};

static_assert(sizeof(Value) == 24);

// Lists and maps built in an arena (attributes of an event, literals, results of macros).
Value MakeList(std::vector<Value> items, Arena& arena);
// Later entries win over earlier ones with an equal key.
Value MakeMap(std::vector<std::pair<Value, Value>> entries, Arena& arena);
// A deep copy of null, bool, numbers, text, times, lists and maps into `arena`. Objects are kept
// as references.
Value Copy(const Value& value, Arena& arena);

// CEL's == (numbers compare across types; NaN is unequal to itself).
bool Equal(const Value& a, const Value& b, Arena& arena);

// The specification's JSON conversion, as `huitou eval` prints it (contracts.md section 1).
std::string ToJson(const Value& value);

}  // namespace huitou::cel
