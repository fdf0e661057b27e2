// Text to tree: the grammar, the macros, and the bounds on length and nesting. One thread.
//
// Example:
//   Arena literals;
//   std::vector<CompileError> errors;
//   ExprPtr tree = Parse("1 + 1", &literals, &errors);  // null with one error otherwise
#pragma once

#include <string_view>
#include <vector>

#include "triggers/cel/ast.h"

namespace huitou::cel {

// The tree's literal texts live in `literals`.
ExprPtr Parse(std::string_view text, Arena* literals, std::vector<CompileError>* errors);

}  // namespace huitou::cel
