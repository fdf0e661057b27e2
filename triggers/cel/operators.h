// What the operators accept, for the checker. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "triggers/cel/ast.h"

namespace huitou::cel {

struct OperatorCheck {
  bool ok = false;
  Type result;
  std::string message;
  std::string hint;
  size_t operand = SIZE_MAX;  // the one to point to; the sign itself otherwise
};

OperatorCheck CheckOperator(Operator op, const std::vector<Type>& operands);

// Whether `expr` compares an optional field with null, which asks for its presence.
bool IsNullTest(const Expr& expr);

// The type that both values fit into: dyn when they differ.
Type Join(const Type& a, const Type& b);
Type TypeOfLiteral(const Value& literal);

}  // namespace huitou::cel
