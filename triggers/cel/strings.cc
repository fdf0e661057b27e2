// size(), contains() and the other functions on text that belong to the language itself.
#include <re2/re2.h>

#include <cstring>
#include <string>

#include "triggers/base/text.h"
#include "triggers/cel/builtins.h"
#include "triggers/cel/program.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

Value Size(CallContext& context, std::span<const Value> arguments) {
  const Value& x = arguments[0];
  switch (x.kind()) {
    case Kind::kString:
      if (!context.SpendBytes(x.as_string().size())) {
        return Value::Error(kOutOfSteps);
      }
      return Value::Int(static_cast<int64_t>(CountCodePoints(x.as_string())));
    case Kind::kBytes:
      return Value::Int(static_cast<int64_t>(x.as_string().size()));
    case Kind::kList:
      return Value::Int(static_cast<int64_t>(x.list().size()));
    case Kind::kMap:
      return Value::Int(static_cast<int64_t>(x.map().size()));
    default:
      return Value::Error(kNoOverload);
  }
}

bool BothText(std::span<const Value> arguments) {
  return arguments[0].is_string() && arguments[1].is_string();
}

Value StartsWith(CallContext&, std::span<const Value> arguments) {
  return BothText(arguments)
             ? Value::Bool(arguments[0].as_string().starts_with(arguments[1].as_string()))
             : Value::Error(kNoOverload);
}

Value EndsWith(CallContext&, std::span<const Value> arguments) {
  return BothText(arguments)
             ? Value::Bool(arguments[0].as_string().ends_with(arguments[1].as_string()))
             : Value::Error(kNoOverload);
}

Value Contains(CallContext& context, std::span<const Value> arguments) {
  if (!BothText(arguments)) {
    return Value::Error(kNoOverload);
  }
  const std::string_view text = arguments[0].as_string();
  const std::string_view part = arguments[1].as_string();
  if (!context.SpendBytes(text.size() + part.size())) {
    return Value::Error(kOutOfSteps);
  }
  // memmem takes linear time whatever the texts are; string_view::find does not.
  return Value::Bool(part.empty() || (!text.empty() && memmem(text.data(), text.size(), part.data(),
                                                              part.size()) != nullptr));
}

// With a pattern that is known only now; constant ones are compiled with the program.
Value Matches(CallContext& context, std::span<const Value> arguments) {
  if (!BothText(arguments)) {
    return Value::Error(kNoOverload);
  }
  const std::string_view text = arguments[0].as_string();
  const std::string_view pattern = arguments[1].as_string();
  if (pattern.size() > limits::kCelPatternTextBytesMax) {
    return Value::Error("the pattern is too long");
  }
  if (!context.Spend(limits::kCelPatternSteps + pattern.size()) ||
      !context.SpendMatching(text.size())) {
    return Value::Error(kOutOfSteps);
  }
  std::string error;
  const std::unique_ptr<re2::RE2> compiled = CompilePattern(pattern, &error);
  if (compiled == nullptr) {
    return Fail(context.arena, error, pattern);
  }
  return Value::Bool(re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled));
}

}  // namespace

void AppendStringFunctions(std::vector<Builtin>* table) {
  const Type s = Type::String();
  for (const bool is_method : {false, true}) {
    for (const Type& type :
         {s, Type::Bytes(), Type::List(Type::Dyn()), Type::Map(Type::Dyn(), Type::Dyn())}) {
      table->push_back({"size", is_method, {type}, Type::Int(), Size});
    }
    table->push_back({"matches", is_method, {s, s}, Type::Bool(), Matches});
  }
  table->push_back({"contains", true, {s, s}, Type::Bool(), Contains});
  table->push_back({"startsWith", true, {s, s}, Type::Bool(), StartsWith});
  table->push_back({"endsWith", true, {s, s}, Type::Bool(), EndsWith});
}

const std::vector<Builtin>& Builtins() {
  static const std::vector<Builtin> table = [] {
    std::vector<Builtin> all;
    AppendStringFunctions(&all);
    AppendConversions(&all);
    AppendTimeFunctions(&all);
    AppendStringExtensions(&all);
    // Known to the checker by their names; the evaluator has them as nodes.
    all.push_back({"type", false, {Type::Dyn()}, Type::TypeOfType(), nullptr});
    all.push_back({"dyn", false, {Type::Dyn()}, Type::Dyn(), nullptr});
    return all;
  }();
  return table;
}

Value Fail(Arena& arena, std::string_view what, std::string_view detail) {
  constexpr size_t kDetailBytesMax = 64;
  std::string text(what);
  if (!detail.empty()) {
    text += ": '";
    text += detail.size() <= kDetailBytesMax ? detail : detail.substr(0, kDetailBytesMax);
    while (!IsUtf8(text)) {
      text.pop_back();  // a code point that the cut went through
    }
    text += "'";
  }
  const std::string_view copy = arena.Copy(text);
  return Value::Error(copy.data() == nullptr ? kOutOfBytes : copy);
}

Value ArenaString(Arena& arena, std::string_view text) {
  const std::string_view copy = arena.Copy(text);
  return copy.data() == nullptr ? Value::Error(kOutOfBytes) : Value::String(copy);
}

}  // namespace huitou::cel
