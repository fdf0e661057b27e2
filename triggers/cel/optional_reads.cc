// Which optional fields an expression reads although they may be absent.
#include <algorithm>
#include <set>

#include "triggers/cel/names.h"
#include "triggers/cel/program.h"

namespace huitou::cel {
namespace {

using Paths = std::set<std::string>;

// "customer.attributes.name" for a read that names its way, also through ['name']; else empty.
std::string PathOf(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kName:
      return expr.name;
    case Expr::Kind::kSelect:
    case Expr::Kind::kHas: {
      const std::string target = PathOf(*expr.target);
      return target.empty() ? target : target + "." + expr.name;
    }
    case Expr::Kind::kOperator:
      if (expr.op == Operator::kIndex && expr.args[1]->kind == Expr::Kind::kLiteral &&
          expr.args[1]->literal.is_string()) {
        const std::string target = PathOf(*expr.args[0]);
        return target.empty() ? target
                              : target + "." + std::string(expr.args[1]->literal.as_string());
      }
      return {};
    default:
      return {};
  }
}

// Whether the read itself may find nothing: an optional field, or any key of a map.
bool MayBeAbsent(const Expr& expr) {
  if (expr.kind == Expr::Kind::kSelect) {
    return expr.binding.optional_field || expr.binding.what == Binding::What::kNone;
  }
  return expr.kind == Expr::Kind::kOperator && expr.op == Operator::kIndex && !PathOf(expr).empty();
}

bool IsNull(const Expr& expr) {
  return expr.kind == Expr::Kind::kLiteral && expr.literal.is_null();
}

// The paths that are surely present when `expr` has the value `outcome`.
Paths PresentWhen(const Expr& expr, bool outcome) {
  if (expr.kind == Expr::Kind::kHas) {
    return outcome ? Paths{PathOf(expr)} : Paths{};
  }
  if (expr.kind != Expr::Kind::kOperator) {
    return {};
  }
  switch (expr.op) {
    case Operator::kNot:
      return PresentWhen(*expr.args[0], !outcome);
    case Operator::kAnd:
    case Operator::kOr: {
      Paths all;
      if (outcome == (expr.op == Operator::kAnd)) {
        for (const ExprPtr& arg : expr.args) {
          all.merge(PresentWhen(*arg, outcome));
        }
      }
      return all;
    }
    case Operator::kEqual:
    case Operator::kNotEqual: {
      const bool null_test = IsNull(*expr.args[0]) || IsNull(*expr.args[1]);
      const Expr& read = IsNull(*expr.args[0]) ? *expr.args[1] : *expr.args[0];
      return null_test && outcome == (expr.op == Operator::kNotEqual) ? Paths{PathOf(read)}
                                                                      : Paths{};
    }
    case Operator::kIn:
      // 'name' in customer.attributes
      if (outcome && expr.args[0]->kind == Expr::Kind::kLiteral &&
          expr.args[0]->literal.is_string() && !PathOf(*expr.args[1]).empty()) {
        return {PathOf(*expr.args[1]) + "." + std::string(expr.args[0]->literal.as_string())};
      }
      return {};
    default:
      return {};
  }
}

class Reader {
 public:
  void Visit(const Expr& expr, const Paths& present) {
    if (MayBeAbsent(expr)) {
      std::string path = PathOf(expr);
      if (!path.empty() && !present.contains(path)) {
        found_.insert(std::move(path));
      }
    }
    if (expr.kind == Expr::Kind::kOperator && VisitLogic(expr, present)) {
      return;
    }
    if (expr.target != nullptr && !expr.binding.qualified) {
      Visit(*expr.target, present);
    }
    for (const ExprPtr& arg : expr.args) {
      Visit(*arg, present);
    }
  }

  std::vector<std::string> Take() { return {found_.begin(), found_.end()}; }

 private:
  bool VisitLogic(const Expr& expr, const Paths& present) {
    switch (expr.op) {
      case Operator::kConditional: {
        Visit(*expr.args[0], present);
        for (const bool outcome : {true, false}) {
          Paths more = PresentWhen(*expr.args[0], outcome);
          more.insert(present.begin(), present.end());
          Visit(*expr.args[outcome ? 1 : 2], more);
        }
        return true;
      }
      case Operator::kAnd:
      case Operator::kOr: {
        // Each operand is reached with the ones before it true (false for ||).
        Paths so_far = present;
        for (const ExprPtr& arg : expr.args) {
          Visit(*arg, so_far);
          so_far.merge(PresentWhen(*arg, expr.op == Operator::kAnd));
        }
        return true;
      }
      case Operator::kEqual:
      case Operator::kNotEqual: {
        // A comparison with null asks for the presence; only the way to the field is read.
        if (!IsNull(*expr.args[0]) && !IsNull(*expr.args[1])) {
          return false;
        }
        const Expr& read = IsNull(*expr.args[0]) ? *expr.args[1] : *expr.args[0];
        if (read.kind != Expr::Kind::kSelect) {
          return false;
        }
        Visit(*read.target, present);
        return true;
      }
      default:
        return false;
    }
  }

  Paths found_;
};

}  // namespace

std::vector<std::string> FindOptionalReads(const Expr& tree) {
  Reader reader;
  reader.Visit(tree, {});
  return reader.Take();
}

}  // namespace huitou::cel
