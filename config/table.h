// Tables of keys: each says what a map of the configuration may hold. One table serves reading
// (unknown, repeated and missing keys, types), the JSON Schema and the reference pages.
//
// Constant data; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace huitou::config {

enum class Type : uint8_t {
  kNone,
  kText,
  kName,        // letters, digits, '_' and '-'
  kInteger,     // zero or more
  kBoolean,     // true or false
  kDecimal,     // a number with or without fraction
  kDuration,    // 90s, 12h, 47d
  kMoney,       // 50 CNY
  kMoneyRate,   // 10000 CNY/d
  kPercent,     // 10%
  kCountRate,   // 5000/d
  kRate,        // 100/s
  kTimeOfDay,   // "09:00"
  kDate,        // 2026-11-01, or with a time
  kTimestamp,   // RFC 3339, or +46d
  kCondition,   // CEL that is true or false
  kExpression,  // CEL of any type
  kMustache,    // text with {{variables}}
  kEvent,       // an event's name
  kEnum,        // one of Key::choices
  kCurrency,
  kZone,
  kLocale,
  kPath,
  kUrl,
  kSecret,      // env:NAME or file:PATH
  kMap,         // of Key::table
  kMapOrList,   // kMap, or a list of such maps
  kListOfMaps,  // of Key::table
  kListOfText,
  kNamed,      // a map from names to values of Key::value (or of Key::table)
  kFreeform,   // whatever the user writes
  kComponent,  // a map that `provider:` chooses the keys of
};

struct Table;

struct Key {
  std::string_view name;
  Type type = Type::kNone;
  std::string_view help = {};  // one sentence without its full stop
  bool required = false;
  std::string_view default_text = {};
  std::vector<std::string_view> choices = {};  // of kEnum
  const Table& (*table)() = nullptr;
  Type value = Type::kNone;      // of kNamed
  Type otherwise = Type::kNone;  // a second form that is taken too
  bool later = false;            // part of the language, not yet of this version
};

struct Table {
  std::string_view name;     // "campaign", "send step"
  std::string_view example;  // what such a map looks like
  std::vector<Key> keys;
  std::vector<std::string_view> one_of = {};  // exactly one of these keys must be there

  const Key* Find(std::string_view key) const;
};

// "a duration such as 90s, 12h or 47d": what a value of this type is.
std::string_view Description(Type type);
// A regular expression for JSON Schema; empty where any text will do.
std::string_view Pattern(Type type);

}  // namespace huitou::config
