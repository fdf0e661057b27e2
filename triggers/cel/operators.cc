#include "triggers/cel/operators.h"

#include <utility>

#include "triggers/cel/checker.h"

namespace huitou::cel {
namespace {

bool IsDyn(const Type& type) {
  return type.tag() == Type::Tag::kDyn;
}
bool Is(const Type& type, Kind kind) {
  return type.tag() == Type::Tag::kScalar && type.scalar() == kind;
}
bool IsNumber(const Type& type) {
  return Is(type, Kind::kInt) || Is(type, Kind::kUint) || Is(type, Kind::kDouble);
}

OperatorCheck Ok(Type result) {
  OperatorCheck check;
  check.ok = true;
  check.result = std::move(result);
  return check;
}

// How to make the second of two types fit the first.
std::string ConversionHint(const Type& a, const Type& b) {
  if (IsNumber(a) && IsNumber(b)) {
    const bool any_double = Is(a, Kind::kDouble) || Is(b, Kind::kDouble);
    return any_double ? "convert one side with double(...)" : "convert one side with int(...)";
  }
  if (Is(a, Kind::kString) || Is(b, Kind::kString)) {
    const Type& other = Is(a, Kind::kString) ? b : a;
    if (IsNumber(other)) {
      return "write the number without quotes, or convert it with string(...)";
    }
    if (Is(other, Kind::kTimestamp) || Is(other, Kind::kDuration)) {
      return "convert the text with " + other.ToString() + "(...)";
    }
  }
  return {};
}

OperatorCheck Refuse(Operator op, const Type& a, const Type& b) {
  OperatorCheck check;
  check.message = "'" + std::string(OperatorText(op)) + "' cannot take " + a.ToString() + " and " +
                  b.ToString();
  check.hint = ConversionHint(a, b);
  return check;
}

OperatorCheck NeedBool(Operator op, const std::vector<Type>& operands, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!IsAssignable(operands[i], Type::Bool())) {
      OperatorCheck check;
      check.result = Type::Bool();
      check.operand = i;
      check.message =
          "'" + std::string(OperatorText(op)) + "' needs bool, not " + operands[i].ToString();
      check.hint = IsNumber(operands[i]) ? "compare it, for example '> 0'" : "";
      return check;
    }
  }
  return Ok(Type::Bool());
}

bool AreComparable(const Type& a, const Type& b) {
  return IsAssignable(a, b) || IsAssignable(b, a) || (IsNumber(a) && IsNumber(b));
}

OperatorCheck CheckEquality(Operator op, const Type& a, const Type& b) {
  OperatorCheck check = AreComparable(a, b) ? Ok(Type::Bool()) : Refuse(op, a, b);
  check.result = Type::Bool();
  return check;
}

bool HasOrder(const Type& type) {
  return IsDyn(type) || IsNumber(type) || Is(type, Kind::kBool) || Is(type, Kind::kString) ||
         Is(type, Kind::kBytes) || Is(type, Kind::kTimestamp) || Is(type, Kind::kDuration);
}

OperatorCheck CheckOrder(Operator op, const Type& a, const Type& b) {
  const bool ok = HasOrder(a) && HasOrder(b) && AreComparable(a, b);
  OperatorCheck check = ok ? Ok(Type::Bool()) : Refuse(op, a, b);
  check.result = Type::Bool();
  return check;
}

OperatorCheck CheckIn(const Type& item, const Type& range) {
  switch (range.tag()) {
    case Type::Tag::kDyn:
      return Ok(Type::Bool());
    case Type::Tag::kList:
    case Type::Tag::kMap: {
      const Type& element = range.tag() == Type::Tag::kList ? range.element() : range.key();
      OperatorCheck check =
          AreComparable(item, element) ? Ok(Type::Bool()) : Refuse(Operator::kIn, item, range);
      check.result = Type::Bool();
      return check;
    }
    default: {
      OperatorCheck check = Refuse(Operator::kIn, item, range);
      check.result = Type::Bool();
      check.hint = Is(range, Kind::kString) ? "for a part of a text write text.contains(part)" : "";
      return check;
    }
  }
}

// Sums and differences of times.
bool TimeResult(Operator op, const Type& a, const Type& b, Type* result) {
  const bool add = op == Operator::kAdd;
  const bool a_time = Is(a, Kind::kTimestamp);
  const bool b_time = Is(b, Kind::kTimestamp);
  const bool a_length = Is(a, Kind::kDuration);
  const bool b_length = Is(b, Kind::kDuration);
  if ((a_time && b_length) || (add && a_length && b_time)) {
    *result = Type::Timestamp();
    return true;
  }
  if ((a_length && b_length) || (!add && a_time && b_time)) {
    *result = Type::Duration();
    return true;
  }
  return false;
}

OperatorCheck CheckSum(Operator op, const Type& a, const Type& b) {
  if (IsDyn(a) || IsDyn(b)) {
    return Ok(Type::Dyn());
  }
  if (a == b && IsNumber(a)) {
    return Ok(a);
  }
  Type result;
  if (TimeResult(op, a, b, &result)) {
    return Ok(result);
  }
  if (op == Operator::kAdd) {
    if (a == b && (Is(a, Kind::kString) || Is(a, Kind::kBytes))) {
      return Ok(a);
    }
    if (a.tag() == Type::Tag::kList && b.tag() == Type::Tag::kList) {
      return Ok(Join(a, b));
    }
  }
  return Refuse(op, a, b);
}

OperatorCheck CheckProduct(Operator op, const Type& a, const Type& b) {
  if (IsDyn(a) || IsDyn(b)) {
    return Ok(Type::Dyn());
  }
  const bool fits = a == b && IsNumber(a) && !(op == Operator::kModulo && Is(a, Kind::kDouble));
  return fits ? Ok(a) : Refuse(op, a, b);
}

OperatorCheck CheckNegate(const Type& type) {
  if (IsDyn(type) || Is(type, Kind::kInt) || Is(type, Kind::kDouble)) {
    return Ok(type);
  }
  OperatorCheck check;
  check.message = "'-' cannot take " + type.ToString();
  return check;
}

OperatorCheck CheckIndex(const Type& range, const Type& index) {
  switch (range.tag()) {
    case Type::Tag::kDyn:
      return Ok(Type::Dyn());
    case Type::Tag::kList:
      return IsDyn(index) || IsNumber(index) ? Ok(range.element())
                                             : Refuse(Operator::kIndex, range, index);
    case Type::Tag::kMap:
      return AreComparable(index, range.key()) ? Ok(range.value())
                                               : Refuse(Operator::kIndex, range, index);
    default:
      return Refuse(Operator::kIndex, range, index);
  }
}

OperatorCheck CheckConditional(const std::vector<Type>& operands) {
  OperatorCheck check = NeedBool(Operator::kConditional, operands, 1);
  if (check.ok) {
    check.result = Join(operands[1], operands[2]);
  }
  return check;
}

}  // namespace

OperatorCheck CheckOperator(Operator op, const std::vector<Type>& operands) {
  switch (op) {
    case Operator::kAnd:
    case Operator::kOr:
    case Operator::kNot:
      return NeedBool(op, operands, operands.size());
    case Operator::kConditional:
      return CheckConditional(operands);
    case Operator::kEqual:
    case Operator::kNotEqual:
      return CheckEquality(op, operands[0], operands[1]);
    case Operator::kLess:
    case Operator::kLessEqual:
    case Operator::kGreater:
    case Operator::kGreaterEqual:
      return CheckOrder(op, operands[0], operands[1]);
    case Operator::kIn:
      return CheckIn(operands[0], operands[1]);
    case Operator::kAdd:
    case Operator::kSubtract:
      return CheckSum(op, operands[0], operands[1]);
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kModulo:
      return CheckProduct(op, operands[0], operands[1]);
    case Operator::kNegate:
      return CheckNegate(operands[0]);
    case Operator::kIndex:
      return CheckIndex(operands[0], operands[1]);
  }
  return {};
}

bool IsNullTest(const Expr& expr) {
  if (expr.op != Operator::kEqual && expr.op != Operator::kNotEqual) {
    return false;
  }
  const auto is_null = [](const Expr& e) { return Is(e.type, Kind::kNull); };
  const Expr& a = *expr.args[0];
  const Expr& b = *expr.args[1];
  return (is_null(a) && b.binding.optional_field) || (is_null(b) && a.binding.optional_field);
}

Type Join(const Type& a, const Type& b) {
  if (a == b) {
    return a;
  }
  if (a.tag() == Type::Tag::kList && b.tag() == Type::Tag::kList) {
    return Type::List(Join(a.element(), b.element()));
  }
  if (a.tag() == Type::Tag::kMap && b.tag() == Type::Tag::kMap) {
    return Type::Map(Join(a.key(), b.key()), Join(a.value(), b.value()));
  }
  return Type::Dyn();
}

Type TypeOfLiteral(const Value& literal) {
  switch (literal.kind()) {
    case Kind::kBool:
      return Type::Bool();
    case Kind::kInt:
      return Type::Int();
    case Kind::kUint:
      return Type::Uint();
    case Kind::kDouble:
      return Type::Double();
    case Kind::kString:
      return Type::String();
    case Kind::kBytes:
      return Type::Bytes();
    default:
      return Type::Null();
  }
}

std::string_view OperatorText(Operator op) {
  static constexpr std::string_view kTexts[] = {"&&", "||", "!", "?:", "==", "!=", "<", "<=", ">",
                                                ">=", "in", "+", "-",  "*",  "/",  "%", "-",  "[]"};
  return kTexts[static_cast<size_t>(op)];
}

std::string_view MacroText(Macro macro) {
  static constexpr std::string_view kTexts[] = {"all", "exists", "exists_one", "map", "filter"};
  return kTexts[static_cast<size_t>(macro)];
}

}  // namespace huitou::cel
