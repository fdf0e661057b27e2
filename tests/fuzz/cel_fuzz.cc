// Any text as a condition: compile it against a small shop, evaluate it, print the result. Nothing
// may crash, leak, or run past the bounds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/cel/cel_testing.h"
#include "triggers/base/check.h"

namespace huitou::cel {
namespace {

Environment FuzzShop(bool checked) {
  Environment env = Shop();
  env.AddStringExtensions();
  env.AddFunction({.name = "bought",
                   .is_method = true,
                   .parameters = {Type::Object("customer"), Type::String()},
                   .result = Type::Bool(),
                   .call = [](void*, std::span<const Value> arguments, Arena&) {
                     return Value::Bool(arguments[1].as_string() == "tea");
                   }});
  if (!checked) {
    env.DisableChecker();
  }
  return env;
}

void TryOne(std::string_view text, const Environment& env) {
  static const Customer customer;
  const Compiled compiled = Compile(text, env);
  CHECK(compiled.ok() == compiled.errors.empty());
  for (const CompileError& error : compiled.errors) {
    CHECK(error.offset <= text.size() && !error.message.empty());
  }
  if (!compiled.ok()) {
    return;
  }
  Arena arena;
  const Value object = Value::Object(&CustomerType::Get(), &customer);
  const Value slots[] = {object, object, Value::Timestamp(1'762'819'392, 0)};
  size_t offset = 0;
  const Value value = compiled->Eval(slots, nullptr, arena, &offset);
  CHECK(!value.is_error() || offset <= text.size());
  ToJson(Copy(value, arena));
}

}  // namespace
}  // namespace huitou::cel

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const huitou::cel::Environment checked = huitou::cel::FuzzShop(true);
  static const huitou::cel::Environment unchecked = huitou::cel::FuzzShop(false);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  huitou::cel::TryOne(text, checked);
  huitou::cel::TryOne(text, unchecked);
  return 0;
}
