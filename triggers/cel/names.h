// Names in a tree: chains like a.b.c, namespaces, the names of types. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triggers/cel/ast.h"

namespace huitou::cel {

// The first name of a chain a.b.c of names only; null for any other expression.
const Expr* ChainRoot(const Expr& expr);
// "a.b.c"; only for what has a root.
std::string ChainText(const Expr& expr);

// What `name` may mean in a namespace, in the order of preference: in "a.b", "x" is a.b.x, a.x, x.
std::vector<std::string> CandidateNames(std::string_view container, std::string_view name,
                                        bool absolute);

// The type that a name denotes ("int", "google.protobuf.Timestamp"), as static text; else empty.
std::string_view TypeNamed(std::string_view name);
// What type(x) answers for a value of this kind that is no object.
std::string_view TypeNameOfKind(Kind kind);

// "<lead>a, b, c and 4 more"; empty when there are none.
std::string ListSome(std::string_view lead, const std::vector<std::string_view>& names);

}  // namespace huitou::cel
