#include "triggers/cel/program.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "triggers/cel/checker.h"
#include "triggers/cel/evaluator.h"
#include "triggers/cel/parser.h"
#include "triggers/limits.h"

namespace huitou::cel {

Program::Impl::Impl() : arena(limits::kCelBytesMax) {
}
Program::Impl::~Impl() = default;

Program::Program(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {
}
Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

const std::string& Program::text() const {
  return impl_->text;
}
const Type& Program::result_type() const {
  return impl_->result_type;
}
const std::vector<int>& Program::slots_used() const {
  return impl_->slots_used;
}
const std::vector<std::string>& Program::optional_reads() const {
  return impl_->optional_reads;
}

namespace {

Value Finish(Evaluator& evaluator, const Program::Impl& impl, size_t* error_offset) {
  Value value = evaluator.Run(static_cast<uint32_t>(impl.nodes.size() - 1));
  if (evaluator.out_of_steps()) [[unlikely]] {
    value = Value::Error(kOutOfSteps);
  }
  if (value.is_error() && error_offset != nullptr) {
    *error_offset = evaluator.error_offset();
  }
  return value;
}

}  // namespace

Value Program::Eval(std::span<const Value> slots, void* host, Arena& arena,
                    size_t* error_offset) const {
  CHECK(impl_->slots_used.empty() || static_cast<size_t>(impl_->slots_used.back()) < slots.size());
  if (!impl_->uses_locals) {
    Evaluator evaluator(*impl_, slots.data(), host, arena, nullptr);
    return Finish(evaluator, *impl_, error_offset);
  }
  std::array<Value, limits::kCelMacroDepthMax> locals;
  Evaluator evaluator(*impl_, slots.data(), host, arena, locals.data());
  return Finish(evaluator, *impl_, error_offset);
}

Compiled Compile(std::string_view text, const Environment& env, const Type& expected) {
  Compiled compiled;
  auto impl = std::make_unique<Program::Impl>();
  impl->text = std::string(text);
  const ExprPtr tree = Parse(text, &impl->arena, &compiled.errors);
  if (tree != nullptr) {
    Check(tree.get(), env, &compiled.errors);
    if (compiled.errors.empty() && env.checked() && !IsAssignable(tree->type, expected)) {
      compiled.errors.push_back(
          {tree->start_offset,
           "this must be " + expected.ToString() + ", not " + tree->type.ToString(),
           {}});
    }
  }
  if (compiled.errors.empty()) {
    impl->result_type = tree->type;
    Generate(*tree, env, impl.get(), &compiled.errors);
  }
  if (compiled.errors.empty()) {
    impl->optional_reads = FindOptionalReads(*tree);
    compiled.program = std::make_shared<const Program>(Program(std::move(impl)));
  }
  std::stable_sort(
      compiled.errors.begin(), compiled.errors.end(),
      [](const CompileError& a, const CompileError& b) { return a.offset < b.offset; });
  return compiled;
}

}  // namespace huitou::cel
