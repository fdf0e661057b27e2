// Runs a compiled expression over slots. Lives for one evaluation; one thread.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>

#include "triggers/cel/builtins.h"
#include "triggers/cel/compare.h"
#include "triggers/cel/program.h"

namespace huitou::cel {

class Evaluator {
 public:
  // `locals` has room for kCelMacroDepthMax values if the program uses macros.
  Evaluator(const Program::Impl& program, const Value* slots, void* host, Arena& arena,
            Value* locals);

  // The value of a node and all below it.
  Value Run(uint32_t index);

  size_t error_offset() const { return error_offset_; }
  bool out_of_steps() const { return context_.steps_left == 0; }

 private:
  static constexpr std::string_view kAbsent = "no such field: the object is absent";

  // Room for a value. Values are made in place: one that is written field by field and copied at
  // once stalls the processor (its wide load cannot be served from the narrow stores).
  union Scratch {
    Scratch() {}  // NOLINT(modernize-use-equals-default): leaves the room as it is
    Value value;
  };

  // A node's value without a copy or a call where it is a constant or a variable: most are.
  const Value& Operand(uint32_t index, Scratch* scratch) {
    const Node& node = nodes_[index];
    switch (node.op) {
      case Op::kConstant:
        return constants_[node.a];
      case Op::kSlotField:
        return *new (&scratch->value) Value(RunField(node, slots_[node.a]));
      case Op::kLocal:
        return locals_[node.a];
      default:
        return *new (&scratch->value) Value(Run(index));
    }
  }

  Value Error(const Node& node, std::string_view message) {
    error_offset_ = node.offset;
    return Value::Error(message);
  }
  // A value from outside: where it is an error, it happened here.
  Value Own(const Node& node, const Value& value) {
    if (value.is_error()) [[unlikely]] {
      error_offset_ = node.offset;
    }
    return value;
  }

  // NaN is neither before nor after anything.
  Value Ordered(const Node& node, Order order, bool holds) {
    return order == Order::kIncomparable ? Error(node, kNoOverload) : Value::Bool(holds);
  }

  Value RunOther(const Node& node);
  Value RunAnd(const Node& node, bool absorbing);
  Value RunComparison(const Node& node);
  Value RunEquality(const Node& node);
  Value RunArithmetic(const Node& node);
  Value RunNegate(const Node& node);
  Value RunConditional(const Node& node);
  Value RunNot(const Node& node);
  Value RunIn(const Node& node);
  Value RunIndex(const Node& node);
  Value RunField(const Node& node, const Value& object) {
    return object.kind() == Kind::kObject ? GetField(node, object) : FieldOfNone(node, object);
  }
  Value GetField(const Node& node, const Value& object) {
    Value value =
        object.object_type().Get(object.object(), static_cast<int>(node.b), context_.arena);
    if (value.is_error()) [[unlikely]] {
      error_offset_ = node.offset;
    }
    return value;
  }
  Value FieldOfNone(const Node& node, const Value& object) {
    return object.is_error() ? Own(node, object) : Error(node, kAbsent);
  }
  Value RunHasField(const Node& node);
  Value RunSelect(const Node& node, bool has);
  Value SelectDynamic(const Node& node, const Value& object, bool has);
  Value RunList(const Node& node);
  Value RunMapLiteral(const Node& node);
  Value RunCall(const Node& node);
  Value Dispatch(const Node& node, const Value* arguments);
  Value RunMatches(const Node& node);
  Value RunTypeOf(const Node& node);
  Value RunQuantifier(const Node& node, const Value& range);
  Value RunExistsOne(const Node& node, const Value& range);
  Value RunCollect(const Node& node, const Value& range);
  Value RunMacro(const Node& node);

  const Program::Impl& program_;
  const Node* nodes_;
  const Value* constants_;
  const uint32_t* children_;
  const Value* slots_;
  void* host_;
  CallContext context_;
  Value* locals_;
  uint32_t error_offset_ = 0;
};

}  // namespace huitou::cel
