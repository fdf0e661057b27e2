// The functions of the language and of its string extensions: what the checker knows of them and
// what runs. A built-in accepts any values and answers kNoOverload for those it has no overload
// for, so that one function serves all overloads of a name. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "triggers/cel/cel.h"
#include "triggers/cel/value.h"

namespace huitou::cel {

inline constexpr std::string_view kNoOverload = "no such overload";
inline constexpr std::string_view kOutOfSteps = "the evaluation takes too many steps";
inline constexpr std::string_view kOutOfBytes = "the evaluation needs too much memory";

// Of one call, so that they fit on the stack.
inline constexpr size_t kArgumentsMax = 8;

// What a function may use while it runs.
struct CallContext {
  Arena& arena;
  uint64_t steps_left;

  // Pays for work beyond the call itself; false when the steps are used up.
  bool Spend(uint64_t steps) {
    if (steps > steps_left) [[unlikely]] {
      steps_left = 0;
      return false;
    }
    steps_left -= steps;
    return true;
  }
  // Pays for reading text: some 64 bytes take as long as one step.
  bool SpendBytes(size_t bytes) { return Spend(bytes / 64); }
  // Pays for a pattern that goes over a text.
  bool SpendMatching(size_t bytes) { return Spend(bytes / 8); }
};

using BuiltinCall = Value (*)(CallContext& context, std::span<const Value> arguments);

// One overload for the checker. A list or map parameter takes any list or map.
struct Builtin {
  std::string_view name;
  bool is_method;
  std::vector<Type> parameters;  // with the receiver first for a method
  Type result;
  BuiltinCall call;
  bool extension = false;
};

// All of them; the extensions are marked.
const std::vector<Builtin>& Builtins();

// Parts of the table, by file.
void AppendConversions(std::vector<Builtin>* table);
void AppendStringFunctions(std::vector<Builtin>* table);
void AppendTimeFunctions(std::vector<Builtin>* table);
void AppendStringExtensions(std::vector<Builtin>* table);

// Helpers shared by the implementations.
Value Fail(Arena& arena, std::string_view what, std::string_view detail);  // "what 'detail'"
Value ArenaString(Arena& arena, std::string_view text);                    // a copy, or kOutOfBytes

// "%s and %d".format([...]) of the string extensions.
Value FormatText(CallContext& context, std::span<const Value> arguments);

}  // namespace huitou::cel
