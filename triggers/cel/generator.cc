#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "triggers/cel/evaluator.h"
#include "triggers/cel/names.h"
#include "triggers/cel/program.h"
#include "triggers/cel/time_text.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

static_assert(limits::kCelMacroDepthMax <= UINT8_MAX);

class Generator {
 public:
  Generator(const Environment& env, Program::Impl* program, std::vector<CompileError>* errors)
      : env_(env), program_(*program), errors_(errors) {}

  uint32_t Emit(const Expr& expr);

 private:
  uint32_t EmitLeaf(const Expr& expr);
  uint32_t EmitFail(const Expr& expr);
  uint32_t EmitSelect(const Expr& expr);
  uint32_t EmitOperator(const Expr& expr);
  uint32_t EmitCall(const Expr& expr);
  uint32_t EmitMatches(const Expr& expr, const Node& node);
  uint32_t EmitMacro(const Expr& expr);
  uint32_t EmitMany(const Expr& expr, Op op, const std::vector<const Expr*>& parts);
  void CheckConstantArgument(const Expr& expr, const Node& node);

  uint32_t Push(Node node, const Expr& expr) {
    node.offset = static_cast<uint32_t>(expr.offset);
    program_.nodes.push_back(node);
    return static_cast<uint32_t>(program_.nodes.size() - 1);
  }
  uint32_t PushConstant(const Value& value, const Expr& expr, Op op = Op::kConstant) {
    program_.constants.push_back(value);
    return Push({.op = op, .a = static_cast<uint32_t>(program_.constants.size() - 1)}, expr);
  }
  uint32_t Text(std::string_view text) {
    const std::string_view copy = program_.arena.Copy(text);
    CHECK(copy.data() != nullptr);
    program_.constants.push_back(Value::String(copy));
    return static_cast<uint32_t>(program_.constants.size() - 1);
  }
  bool IsConstant(uint32_t node) const { return program_.nodes[node].op == Op::kConstant; }
  const Value& ConstantOf(uint32_t node) const {
    return program_.constants[program_.nodes[node].a];
  }

  // Evaluates the node pushed last, all of whose operands are constants, and puts the result in its
  // place. An error stays for the evaluation, where || may absorb it.
  uint32_t Fold(uint32_t index, size_t nodes_before, size_t children_before, const Expr& expr) {
    Evaluator evaluator(program_, nullptr, nullptr, program_.arena, nullptr);
    const Value value = evaluator.Run(index);
    if (value.is_error()) {
      return index;
    }
    program_.nodes.resize(nodes_before);
    program_.children.resize(children_before);
    return PushConstant(value, expr);
  }

  const Environment& env_;
  Program::Impl& program_;
  std::vector<CompileError>* errors_;
};

uint32_t Generator::Emit(const Expr& expr) {
  if (expr.binding.what == Binding::What::kFail) {
    return EmitFail(expr);
  }
  switch (expr.kind) {
    case Expr::Kind::kLiteral:
    case Expr::Kind::kName:
      return EmitLeaf(expr);
    case Expr::Kind::kSelect:
    case Expr::Kind::kHas:
      return EmitSelect(expr);
    case Expr::Kind::kOperator:
      return EmitOperator(expr);
    case Expr::Kind::kCall:
      return EmitCall(expr);
    case Expr::Kind::kMacro:
      return EmitMacro(expr);
    case Expr::Kind::kList:
    case Expr::Kind::kMap: {
      std::vector<const Expr*> parts;
      for (const ExprPtr& arg : expr.args) {
        parts.push_back(arg.get());
      }
      return EmitMany(expr, expr.kind == Expr::Kind::kList ? Op::kList : Op::kMap, parts);
    }
  }
  return Node::kNone;
}

uint32_t Generator::EmitFail(const Expr& expr) {
  const std::string_view message = program_.arena.Copy(expr.binding.error);
  CHECK(message.data() != nullptr);
  return PushConstant(Value::Error(message), expr, Op::kFail);
}

uint32_t Generator::EmitLeaf(const Expr& expr) {
  const auto index = static_cast<uint32_t>(expr.binding.index);
  switch (expr.binding.what) {
    case Binding::What::kSlot:
      program_.slots_used.push_back(expr.binding.index);
      return Push({.op = Op::kSlot, .a = index}, expr);
    case Binding::What::kLocal:
      return Push({.op = Op::kLocal, .a = index}, expr);
    default:
      return PushConstant(expr.literal, expr);
  }
}

uint32_t Generator::EmitSelect(const Expr& expr) {
  const size_t nodes_before = program_.nodes.size();
  const size_t children_before = program_.children.size();
  const bool has = expr.kind == Expr::Kind::kHas;
  const uint32_t target = Emit(*expr.target);
  if (expr.binding.what == Binding::What::kField) {
    Node node{.op = has ? Op::kHasField : Op::kField,
              .a = target,
              .b = static_cast<uint32_t>(expr.binding.index)};
    if (!has && program_.nodes[target].op == Op::kSlot) {
      node.op = Op::kSlotField;
      node.a = program_.nodes[target].a;
      program_.nodes.pop_back();
    }
    return Push(node, expr);
  }
  const uint32_t key = Text(expr.name);
  const uint32_t index = Push({.op = has ? Op::kHas : Op::kSelect, .a = target, .b = key}, expr);
  return IsConstant(target) ? Fold(index, nodes_before, children_before, expr) : index;
}

uint32_t Generator::EmitMany(const Expr& expr, Op op, const std::vector<const Expr*>& parts) {
  const size_t nodes_before = program_.nodes.size();
  const size_t children_before = program_.children.size();
  std::vector<uint32_t> operands;
  operands.reserve(parts.size());
  for (const Expr* part : parts) {
    operands.push_back(Emit(*part));
  }
  Node node{.op = op,
            .a = static_cast<uint32_t>(program_.children.size()),
            .b = static_cast<uint32_t>(operands.size())};
  program_.children.insert(program_.children.end(), operands.begin(), operands.end());
  const uint32_t index = Push(node, expr);
  const bool constant =
      std::all_of(operands.begin(), operands.end(), [this](uint32_t i) { return IsConstant(i); });
  return constant ? Fold(index, nodes_before, children_before, expr) : index;
}

Op OpOf(Operator op) {
  switch (op) {
    case Operator::kAnd:
      return Op::kAnd;
    case Operator::kOr:
      return Op::kOr;
    case Operator::kNot:
      return Op::kNot;
    case Operator::kConditional:
      return Op::kConditional;
    case Operator::kEqual:
      return Op::kEqual;
    case Operator::kNotEqual:
      return Op::kNotEqual;
    case Operator::kLess:
      return Op::kLess;
    case Operator::kLessEqual:
      return Op::kLessEqual;
    case Operator::kGreater:
      return Op::kGreater;
    case Operator::kGreaterEqual:
      return Op::kGreaterEqual;
    case Operator::kIn:
      return Op::kIn;
    case Operator::kAdd:
      return Op::kAdd;
    case Operator::kSubtract:
      return Op::kSubtract;
    case Operator::kMultiply:
      return Op::kMultiply;
    case Operator::kDivide:
      return Op::kDivide;
    case Operator::kModulo:
      return Op::kModulo;
    case Operator::kNegate:
      return Op::kNegate;
    case Operator::kIndex:
      return Op::kIndex;
  }
  return Op::kFail;
}

uint32_t Generator::EmitOperator(const Expr& expr) {
  if (expr.op == Operator::kAnd || expr.op == Operator::kOr) {
    std::vector<const Expr*> parts;
    for (const ExprPtr& arg : expr.args) {
      parts.push_back(arg.get());
    }
    return EmitMany(expr, OpOf(expr.op), parts);
  }
  const size_t nodes_before = program_.nodes.size();
  const size_t children_before = program_.children.size();
  Node node{.op = OpOf(expr.op)};
  bool constant = true;
  for (size_t i = 0; i < expr.args.size(); ++i) {
    const uint32_t operand = Emit(*expr.args[i]);
    constant = constant && IsConstant(operand);
    (i == 0 ? node.a : (i == 1 ? node.b : node.c)) = operand;
  }
  const uint32_t index = Push(node, expr);
  return constant ? Fold(index, nodes_before, children_before, expr) : index;
}

uint32_t Generator::EmitCall(const Expr& expr) {
  const bool method = expr.target != nullptr && !expr.binding.qualified;
  switch (expr.binding.what) {
    case Binding::What::kIdentity:
      return Emit(*expr.args[0]);
    case Binding::What::kTypeOf: {
      const size_t nodes_before = program_.nodes.size();
      const size_t children_before = program_.children.size();
      const uint32_t operand = Emit(*expr.args[0]);
      const uint32_t index = Push({.op = Op::kTypeOf, .a = operand}, expr);
      return IsConstant(operand) ? Fold(index, nodes_before, children_before, expr) : index;
    }
    default:
      break;
  }
  const size_t nodes_before = program_.nodes.size();
  const size_t children_before = program_.children.size();
  std::vector<uint32_t> operands;
  if (method) {
    operands.push_back(Emit(*expr.target));
  }
  for (const ExprPtr& arg : expr.args) {
    operands.push_back(Emit(*arg));
  }
  Node node{.op = Op::kCall,
            .a = static_cast<uint32_t>(program_.children.size()),
            .b = static_cast<uint32_t>(operands.size()),
            .c = static_cast<uint32_t>(program_.calls.size())};
  program_.children.insert(program_.children.end(), operands.begin(), operands.end());
  const bool builtin = expr.binding.options.front().builtin != nullptr;
  if (builtin && expr.name == "matches" && operands.size() == 2 && IsConstant(operands[1]) &&
      ConstantOf(operands[1]).is_string()) {
    return EmitMatches(expr, node);
  }
  program_.calls.push_back(expr.binding.options);
  const uint32_t index = Push(node, expr);
  if (!builtin) {
    return index;
  }
  CheckConstantArgument(expr, node);
  const bool constant =
      std::all_of(operands.begin(), operands.end(), [this](uint32_t i) { return IsConstant(i); });
  return constant ? Fold(index, nodes_before, children_before, expr) : index;
}

uint32_t Generator::EmitMatches(const Expr& expr, const Node& node) {
  std::string error;
  const uint32_t text = program_.children[node.a];
  std::unique_ptr<re2::RE2> pattern =
      CompilePattern(ConstantOf(program_.children[node.a + 1]).as_string(), &error);
  if (pattern == nullptr) {
    if (env_.checked()) {
      errors_->push_back({expr.args.back()->start_offset, error, {}});
    }
    const std::string_view message = program_.arena.Copy(error);
    return PushConstant(Value::Error(message), expr, Op::kFail);
  }
  program_.patterns.push_back(std::move(pattern));
  return Push(
      {.op = Op::kMatches, .a = text, .b = static_cast<uint32_t>(program_.patterns.size() - 1)},
      expr);
}

// Texts that can never be a time, a length or a zone are mistakes of the author.
void Generator::CheckConstantArgument(const Expr& expr, const Node& node) {
  if (!env_.checked() || node.b == 0) {
    return;
  }
  const uint32_t last = program_.children[node.a + node.b - 1];
  if (!IsConstant(last) || !ConstantOf(last).is_string()) {
    return;
  }
  const std::string_view text = ConstantOf(last).as_string();
  const size_t offset = expr.args.empty() ? expr.offset : expr.args.back()->start_offset;
  const std::string quoted = "'" + std::string(text.substr(0, 64)) + "'";
  if (expr.name == "timestamp" && node.b == 1 && !ParseInstant(text).has_value()) {
    errors_->push_back({offset, quoted + " is no timestamp", "write 2026-11-11T00:00:00Z"});
  } else if (expr.name == "duration" && node.b == 1 && !ParseLength(text).has_value()) {
    errors_->push_back({offset, quoted + " is no duration",
                        "write 36h, 90m or 1.5s; the units are h, m, s, ms, us and ns"});
  } else if (expr.name.starts_with("get") && expr.target != nullptr && node.b == 2 &&
             !OffsetInZone(text, 0).has_value()) {
    errors_->push_back({offset, quoted + " is no time zone", "write Asia/Shanghai, UTC or +08:00"});
  }
}

Op OpOf(Macro macro) {
  switch (macro) {
    case Macro::kAll:
      return Op::kAll;
    case Macro::kExists:
      return Op::kExists;
    case Macro::kExistsOne:
      return Op::kExistsOne;
    case Macro::kMap:
      return Op::kMapMacro;
    case Macro::kFilter:
      return Op::kFilter;
  }
  return Op::kFail;
}

uint32_t Generator::EmitMacro(const Expr& expr) {
  program_.uses_locals = true;
  Node node{.op = OpOf(expr.macro), .local = static_cast<uint8_t>(expr.binding.index)};
  node.a = Emit(*expr.target);
  const bool result_only = expr.macro == Macro::kMap && expr.args.size() == 1;
  (result_only ? node.c : node.b) = Emit(*expr.args[0]);
  if (expr.args.size() == 2) {
    node.c = Emit(*expr.args[1]);
  }
  return Push(node, expr);
}

}  // namespace

std::unique_ptr<re2::RE2> CompilePattern(std::string_view pattern, std::string* error) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(limits::kCelPatternBytesMax);
  auto compiled =
      std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) {
    *error = "the pattern is refused: " + compiled->error();
    return nullptr;
  }
  return compiled;
}

void Generate(const Expr& tree, const Environment& env, Program::Impl* impl,
              std::vector<CompileError>* errors) {
  impl->objects = env.objects();
  Generator(env, impl, errors).Emit(tree);
  std::sort(impl->slots_used.begin(), impl->slots_used.end());
  impl->slots_used.erase(std::unique(impl->slots_used.begin(), impl->slots_used.end()),
                         impl->slots_used.end());
}

}  // namespace huitou::cel
