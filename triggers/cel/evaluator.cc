#include "triggers/cel/evaluator.h"

#include "triggers/cel/arithmetic.h"
#include "triggers/cel/compare.h"
#include "triggers/limits.h"

namespace huitou::cel {

Evaluator::Evaluator(const Program::Impl& program, const Value* slots, void* host, Arena& arena,
                     Value* locals)
    : program_(program),
      nodes_(program.nodes.data()),
      constants_(program.constants.data()),
      children_(program.children.data()),
      slots_(slots),
      host_(host),
      context_{arena, limits::kCelStepsMax},
      locals_(locals) {
}

Value Evaluator::Run(uint32_t index) {
  const Node& node = nodes_[index];
  if (context_.steps_left == 0) [[unlikely]] {
    return Error(node, kOutOfSteps);
  }
  --context_.steps_left;
  switch (node.op) {
    case Op::kConstant:
      return constants_[node.a];
    case Op::kSlot:
      return Own(node, slots_[node.a]);
    case Op::kLocal:
      return locals_[node.a];
    case Op::kSlotField:
      return RunField(node, slots_[node.a]);
    case Op::kAnd:
      return RunAnd(node, false);
    case Op::kOr:
      return RunAnd(node, true);
    case Op::kNot:
      return RunNot(node);
    case Op::kEqual:
    case Op::kNotEqual:
      return RunEquality(node);
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return RunComparison(node);
    case Op::kConditional:
      return RunConditional(node);
    case Op::kIn:
      return RunIn(node);
    default:
      return RunOther(node);
  }
}

Value Evaluator::RunOther(const Node& node) {
  switch (node.op) {
    case Op::kField: {
      Scratch scratch;
      return RunField(node, Operand(node.a, &scratch));
    }
    case Op::kHasField:
      return RunHasField(node);
    case Op::kSelect:
      return RunSelect(node, false);
    case Op::kHas:
      return RunSelect(node, true);
    case Op::kNegate:
      return RunNegate(node);
    case Op::kIndex:
      return RunIndex(node);
    case Op::kList:
      return RunList(node);
    case Op::kMap:
      return RunMapLiteral(node);
    case Op::kAll:
    case Op::kExists:
    case Op::kExistsOne:
    case Op::kFilter:
    case Op::kMapMacro:
      return RunMacro(node);
    case Op::kCall:
      return RunCall(node);
    case Op::kTypeOf:
      return RunTypeOf(node);
    case Op::kMatches:
      return RunMatches(node);
    case Op::kFail:
      return Own(node, constants_[node.a]);
    default:
      return RunArithmetic(node);
  }
}

// && with absorbing = false, || with true: one operand of that value decides whatever the others
// say; otherwise the first error counts.
Value Evaluator::RunAnd(const Node& node, bool absorbing) {
  Value error;
  uint32_t error_offset = 0;
  for (uint32_t i = node.a; i < node.a + node.b; ++i) {
    const Value value = Run(children_[i]);
    if (value.is_bool()) [[likely]] {
      if (value.as_bool() == absorbing) {
        return Value::Bool(absorbing);
      }
    } else if (!error.is_error()) {
      error = value.is_error() ? value : Error(nodes_[children_[i]], kNoOverload);
      error_offset = error_offset_;
    }
  }
  if (error.is_error()) [[unlikely]] {
    error_offset_ = error_offset;
    return error;
  }
  return Value::Bool(!absorbing);
}

Value Evaluator::RunNot(const Node& node) {
  const Value value = Run(node.a);
  if (value.is_bool()) [[likely]] {
    return Value::Bool(!value.as_bool());
  }
  return value.is_error() ? value : Error(node, kNoOverload);
}

Value Evaluator::RunConditional(const Node& node) {
  const Value condition = Run(node.a);
  if (condition.is_bool()) [[likely]] {
    return Run(condition.as_bool() ? node.b : node.c);
  }
  return condition.is_error() ? condition : Error(node, kNoOverload);
}

Value Evaluator::RunEquality(const Node& node) {
  Scratch scratch_a;
  Scratch scratch_b;
  const Value& a = Operand(node.a, &scratch_a);
  const Value& b = a.is_error() ? a : Operand(node.b, &scratch_b);
  if (b.is_error()) [[unlikely]] {
    return b;
  }
  const bool wanted = node.op == Op::kEqual;
  if (a.is_string() && b.is_string() && context_.SpendBytes(a.as_string().size())) [[likely]] {
    return Value::Bool((a.as_string() == b.as_string()) == wanted);
  }
  const bool equal = EqualWithin(a, b, context_.arena, &context_.steps_left);
  if (context_.steps_left == 0) [[unlikely]] {
    return Error(node, kOutOfSteps);
  }
  return Value::Bool(equal == wanted);
}

Value Evaluator::RunComparison(const Node& node) {
  Scratch scratch_a;
  Scratch scratch_b;
  const Value& a = Operand(node.a, &scratch_a);
  const Value& b = a.is_error() ? a : Operand(node.b, &scratch_b);
  if (b.is_error()) [[unlikely]] {
    return b;
  }
  const Order order =
      a.kind() == Kind::kInt && b.kind() == Kind::kInt
          ? static_cast<Order>((a.as_int() > b.as_int()) - (a.as_int() < b.as_int()))
          : Compare(a, b);
  switch (node.op) {
    case Op::kLess:
      return Ordered(node, order, order == Order::kLess);
    case Op::kLessEqual:
      return Ordered(node, order, order <= Order::kEqual);
    case Op::kGreater:
      return Ordered(node, order, order == Order::kGreater);
    default:
      return Ordered(node, order, order == Order::kGreater || order == Order::kEqual);
  }
}

Value Evaluator::RunArithmetic(const Node& node) {
  Scratch scratch_a;
  Scratch scratch_b;
  const Value& a = Operand(node.a, &scratch_a);
  const Value& b = a.is_error() ? a : Operand(node.b, &scratch_b);
  return b.is_error() ? b : Own(node, Arithmetic(node.op, a, b, context_));
}

Value Evaluator::RunNegate(const Node& node) {
  const Value value = Run(node.a);
  return value.is_error() ? value : Own(node, Negate(value));
}

Value Evaluator::RunIn(const Node& node) {
  Scratch scratch_a;
  Scratch scratch_b;
  const Value& item = Operand(node.a, &scratch_a);
  const Value& range = item.is_error() ? item : Operand(node.b, &scratch_b);
  if (range.is_error()) [[unlikely]] {
    return range;
  }
  if (range.kind() == Kind::kMap) {
    Value found;
    return Value::Bool(range.map().Find(item, context_.arena, &found));
  }
  if (range.kind() != Kind::kList) {
    return Error(node, kNoOverload);
  }
  const ListView& list = range.list();
  const size_t size = list.size();
  for (size_t i = 0; i < size; ++i) {
    if (EqualWithin(item, list.At(i, context_.arena), context_.arena, &context_.steps_left)) {
      return Value::Bool(true);
    }
    if (context_.steps_left == 0) [[unlikely]] {
      return Error(node, kOutOfSteps);
    }
  }
  return Value::Bool(false);
}

Value Evaluator::RunIndex(const Node& node) {
  Scratch scratch_a;
  Scratch scratch_b;
  const Value& range = Operand(node.a, &scratch_a);
  const Value& index = range.is_error() ? range : Operand(node.b, &scratch_b);
  if (index.is_error()) [[unlikely]] {
    return index;
  }
  if (range.kind() == Kind::kMap) {
    Value found;
    return range.map().Find(index, context_.arena, &found)
               ? Own(node, found)
               : Own(node, Fail(context_.arena, "no such key",
                                index.is_string() ? index.as_string() : std::string_view{}));
  }
  const Value at = CanonicalKey(index);
  const bool whole = at.kind() == Kind::kInt || at.kind() == Kind::kUint;
  if (range.kind() != Kind::kList || !whole) {
    return Error(node, kNoOverload);
  }
  // A negative int is past the end as an unsigned one.
  if (at.as_uint() >= range.list().size()) {
    return Error(node, "index out of range");
  }
  return Own(node, range.list().At(at.as_uint(), context_.arena));
}

Value Evaluator::RunHasField(const Node& node) {
  const Value object = Run(node.a);
  if (object.kind() == Kind::kObject) [[likely]] {
    return Value::Bool(object.object_type().Has(object.object(), static_cast<int>(node.b)));
  }
  return object.is_error() ? object : Error(node, kAbsent);
}

Value Evaluator::RunSelect(const Node& node, bool has) {
  Scratch scratch;
  const Value& target = Operand(node.a, &scratch);
  if (target.kind() == Kind::kMap) {
    Value found;
    const bool present = target.map().Find(constants_[node.b], context_.arena, &found);
    if (has) {
      return Value::Bool(present);
    }
    return Own(node, present ? found
                             : Fail(context_.arena, "no such key", constants_[node.b].as_string()));
  }
  if (target.kind() == Kind::kObject) {
    return SelectDynamic(node, target, has);
  }
  return target.is_error()
             ? target
             : Own(node, Fail(context_.arena, "no such field", constants_[node.b].as_string()));
}

// A field of an object whose type the checker did not see.
Value Evaluator::SelectDynamic(const Node& node, const Value& object, bool has) {
  const std::string_view name = constants_[node.b].as_string();
  for (const Environment::ObjectDecl& declared : program_.objects) {
    if (declared.runtime != &object.object_type()) {
      continue;
    }
    for (size_t i = 0; i < declared.fields.size(); ++i) {
      if (declared.fields[i].name != name) {
        continue;
      }
      const int field = static_cast<int>(i);
      return has ? Value::Bool(object.object_type().Has(object.object(), field))
                 : Own(node, object.object_type().Get(object.object(), field, context_.arena));
    }
  }
  return Own(node, Fail(context_.arena, "no such field", name));
}

}  // namespace huitou::cel
