#include "triggers/cel/names.h"

#include <algorithm>

namespace huitou::cel {
namespace {

constexpr std::string_view kTypeNames[] = {"null_type",
                                           "bool",
                                           "int",
                                           "uint",
                                           "double",
                                           "string",
                                           "bytes",
                                           "list",
                                           "map",
                                           "type",
                                           "google.protobuf.Timestamp",
                                           "google.protobuf.Duration"};

}  // namespace

const Expr* ChainRoot(const Expr& expr) {
  const Expr* at = &expr;
  while (at->kind == Expr::Kind::kSelect) {
    at = at->target.get();
  }
  return at->kind == Expr::Kind::kName ? at : nullptr;
}

std::string ChainText(const Expr& expr) {
  return expr.kind == Expr::Kind::kName ? expr.name : ChainText(*expr.target) + "." + expr.name;
}

std::vector<std::string> CandidateNames(std::string_view container, std::string_view name,
                                        bool absolute) {
  std::vector<std::string> names;
  while (!absolute && !container.empty()) {
    names.push_back(std::string(container) + "." + std::string(name));
    const size_t dot = container.rfind('.');
    container = container.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  names.emplace_back(name);
  return names;
}

std::string_view TypeNamed(std::string_view name) {
  const auto* found = std::find(std::begin(kTypeNames), std::end(kTypeNames), name);
  return found == std::end(kTypeNames) ? std::string_view{} : *found;
}

std::string_view TypeNameOfKind(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kType:
      return "type";
    default:
      return "object";
  }
}

std::string ListSome(std::string_view lead, const std::vector<std::string_view>& names) {
  constexpr size_t kShownMax = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShownMax); ++i) {
    text += (i == 0 ? std::string(lead) : ", ") + std::string(names[i]);
  }
  if (names.size() > kShownMax) {
    text += " and " + std::to_string(names.size() - kShownMax) + " more";
  }
  return text;
}

}  // namespace huitou::cel
