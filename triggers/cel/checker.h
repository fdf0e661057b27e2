// Names and types: finds what every name, field and call of a tree means, gives every node its
// type, and reports all mistakes with suggestions. One thread.
#pragma once

#include <vector>

#include "triggers/cel/ast.h"
#include "triggers/cel/cel.h"

namespace huitou::cel {

// Annotates `tree`. In an unchecked environment a mistake becomes a node that fails when it is
// evaluated instead.
void Check(Expr* tree, const Environment& env, std::vector<CompileError>* errors);

// Whether a value of type `from` may stand where `to` is asked for: dyn may stand for anything.
bool IsAssignable(const Type& from, const Type& to);

}  // namespace huitou::cel
