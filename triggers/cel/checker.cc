#include "triggers/cel/checker.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "triggers/base/text.h"
#include "triggers/cel/names.h"
#include "triggers/cel/operators.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

bool IsDyn(const Type& type) {
  return type.tag() == Type::Tag::kDyn;
}
bool IsScalar(const Type& type, Kind kind) {
  return type.tag() == Type::Tag::kScalar && type.scalar() == kind;
}

// Lists of functions by name, whether built in or the host's.
struct Candidate {
  std::string_view name;
  bool is_method;
  const std::vector<Type>* parameters;
  const Type* result;
  BuiltinCall builtin;
  HostCall host;
};

std::string ListTypes(const std::vector<Type>& types, size_t from) {
  std::string text = "(";
  for (size_t i = from; i < types.size(); ++i) {
    text += (i == from ? "" : ", ") + types[i].ToString();
  }
  return text + ")";
}

class Checker {
 public:
  Checker(const Environment& env, std::vector<CompileError>* errors) : env_(env), errors_(errors) {
    for (const Builtin& b : Builtins()) {
      if (!b.extension || env.string_extensions()) {
        functions_.push_back({b.name, b.is_method, &b.parameters, &b.result, b.call, nullptr});
      }
    }
    for (const Function& f : env.functions()) {
      functions_.push_back({f.name, f.is_method, &f.parameters, &f.result, nullptr, f.call});
    }
  }

  void Visit(Expr& expr);

 private:
  struct Local {
    std::string name;
    Type type;
  };

  void VisitName(Expr& expr);
  void VisitSelect(Expr& expr);
  bool ResolveQualified(Expr& expr, const std::string& name, bool absolute);
  bool ResolveLocal(Expr& expr);
  void ReadField(Expr& expr);
  void VisitCall(Expr& expr);
  std::vector<Candidate> FindFunctions(Expr& expr);
  void Overload(Expr& expr, const std::vector<Candidate>& candidates);
  void ReportNoOverload(Expr& expr, const std::vector<Candidate>& candidates,
                        const std::vector<Type>& arguments);
  void ReportUnknownFunction(Expr& expr);
  void VisitOperator(Expr& expr);
  void VisitList(Expr& expr);
  void VisitMap(Expr& expr);
  void VisitMacro(Expr& expr);
  Type ElementOf(Expr& range, std::string_view macro);
  Type MacroResult(const Expr& expr, const Type& element);

  const Local* FindLocal(std::string_view name) const {
    const auto found = std::find_if(locals_.rbegin(), locals_.rend(),
                                    [&](const Local& l) { return l.name == name; });
    return found == locals_.rend() ? nullptr : &*found;
  }

  // A mistake in what `expr` means; its type becomes dyn, so that it is reported once.
  void Report(Expr& expr, size_t offset, std::string message, std::string hint = {}) {
    expr.type = Type::Dyn();
    if (env_.checked()) {
      errors_->push_back({offset, std::move(message), std::move(hint)});
    } else {
      expr.binding = {};
      expr.binding.what = Binding::What::kFail;
      expr.binding.error = std::move(message);
    }
  }
  // A mistake in types; unchecked, it is left to the evaluation.
  void ReportType(Expr& expr, size_t offset, std::string message, std::string hint = {}) {
    expr.type = Type::Dyn();
    if (env_.checked()) {
      errors_->push_back({offset, std::move(message), std::move(hint)});
    }
  }

  const Environment& env_;
  std::vector<CompileError>* errors_;
  std::vector<Candidate> functions_;
  std::vector<Local> locals_;
};

void Checker::Visit(Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kLiteral:
      expr.type = TypeOfLiteral(expr.literal);
      return;
    case Expr::Kind::kName:
      return VisitName(expr);
    case Expr::Kind::kSelect:
      return VisitSelect(expr);
    case Expr::Kind::kHas:
      Visit(*expr.target);
      ReadField(expr);
      expr.type = Type::Bool();
      return;
    case Expr::Kind::kCall:
      return VisitCall(expr);
    case Expr::Kind::kOperator:
      return VisitOperator(expr);
    case Expr::Kind::kList:
      return VisitList(expr);
    case Expr::Kind::kMap:
      return VisitMap(expr);
    case Expr::Kind::kMacro:
      return VisitMacro(expr);
  }
}

bool Checker::ResolveLocal(Expr& expr) {
  const Local* local = expr.absolute ? nullptr : FindLocal(expr.name);
  if (local == nullptr) {
    return false;
  }
  expr.binding.what = Binding::What::kLocal;
  expr.binding.index = static_cast<int>(local - locals_.data());
  expr.type = local->type;
  return true;
}

bool Checker::ResolveQualified(Expr& expr, const std::string& name, bool absolute) {
  for (const std::string& candidate : CandidateNames(env_.container(), name, absolute)) {
    if (const Environment::Variable* variable = env_.FindVariable(candidate)) {
      expr.binding.what = Binding::What::kSlot;
      expr.binding.index = variable->slot;
      expr.type = variable->type;
      return true;
    }
    if (const std::string_view type = TypeNamed(candidate); !type.empty()) {
      expr.binding.what = Binding::What::kConstant;
      expr.literal = Value::Type(type);
      expr.type = Type::TypeOfType();
      return true;
    }
  }
  return false;
}

void Checker::VisitName(Expr& expr) {
  if (ResolveLocal(expr) || ResolveQualified(expr, expr.name, expr.absolute)) {
    return;
  }
  std::vector<std::string_view> known;
  for (const Environment::Variable& variable : env_.variables()) {
    known.push_back(variable.name);
  }
  for (const Local& local : locals_) {
    known.push_back(local.name);
  }
  const std::string nearest(Suggest(expr.name, known));
  std::string hint;
  if (!nearest.empty()) {
    hint = "did you mean '" + nearest + "'?";
  } else if (!known.empty()) {
    hint = ListSome("known here: ", known) + "; a text needs quotes: '" + expr.name + "'";
  }
  Report(expr, expr.offset, "unknown name '" + expr.name + "'", std::move(hint));
}

void Checker::VisitSelect(Expr& expr) {
  const Expr* root = ChainRoot(expr);
  if (root != nullptr && (root->absolute || FindLocal(root->name) == nullptr)) {
    std::string name = ChainText(expr);
    if (ResolveQualified(expr, name, root->absolute)) {
      expr.kind = Expr::Kind::kName;
      expr.name = std::move(name);
      expr.target.reset();
      return;
    }
  }
  Visit(*expr.target);
  ReadField(expr);
}

void Checker::ReadField(Expr& expr) {
  const Type& type = expr.target->type;
  switch (type.tag()) {
    case Type::Tag::kDyn:
      return;
    case Type::Tag::kMap:
      if (!IsAssignable(Type::String(), type.key())) {
        return ReportType(expr, expr.offset, "the keys of " + type.ToString() + " are not strings",
                          "read it with [...]");
      }
      expr.type = type.value();
      return;
    case Type::Tag::kObject:
      break;
    default:
      return ReportType(expr, expr.offset, type.ToString() + " has no field '" + expr.name + "'");
  }
  const Environment::ObjectDecl* object = env_.FindObject(type.object_name());
  CHECK(object != nullptr);
  std::vector<std::string_view> known;
  for (const Field& field : object->fields) {
    if (field.name == expr.name) {
      expr.binding.what = Binding::What::kField;
      expr.binding.index = static_cast<int>(&field - object->fields.data());
      expr.binding.optional_field = field.optional;
      expr.type = field.type;
      return;
    }
    if (!field.name.starts_with('#')) {  // a name that cannot be written stands for none
      known.push_back(field.name);
    }
  }
  const std::string nearest(Suggest(expr.name, known));
  const std::string path = ChainRoot(*expr.target) == nullptr ? "" : ChainText(*expr.target) + ".";
  Report(expr, expr.offset, type.object_name() + " has no field '" + expr.name + "'",
         known.empty()     ? std::string()
         : nearest.empty() ? ListSome("its fields are ", known)
                           : "did you mean '" + path + nearest + "'?");
}

// The functions that a call may mean: by its name alone, as a method, or, where the target is a
// chain of names, by the qualified name (strings.quote).
std::vector<Candidate> Checker::FindFunctions(Expr& expr) {
  std::vector<Candidate> found;
  const auto collect = [&](std::string_view name, bool is_method) {
    for (const Candidate& f : functions_) {
      if (f.name == name && f.is_method == is_method) {
        found.push_back(f);
      }
    }
    return !found.empty();
  };
  const Expr* root = expr.target == nullptr ? nullptr : ChainRoot(*expr.target);
  if (expr.target == nullptr) {
    for (const std::string& name : CandidateNames(env_.container(), expr.name, expr.absolute)) {
      if (collect(name, false)) {
        return found;
      }
    }
    return found;
  }
  if (root != nullptr && FindLocal(root->name) == nullptr) {
    const std::string qualified = ChainText(*expr.target) + "." + expr.name;
    for (const std::string& name : CandidateNames(env_.container(), qualified, root->absolute)) {
      if (collect(name, false)) {
        expr.binding.qualified = true;
        return found;
      }
    }
  }
  collect(expr.name, true);
  return found;
}

void Checker::VisitCall(Expr& expr) {
  const std::vector<Candidate> candidates = FindFunctions(expr);
  if (expr.target != nullptr && !expr.binding.qualified) {
    Visit(*expr.target);
  }
  for (const ExprPtr& arg : expr.args) {
    Visit(*arg);
  }
  const bool plain = expr.target == nullptr && expr.args.size() == 1;
  if (plain && expr.name == "dyn") {
    expr.binding.what = Binding::What::kIdentity;
    expr.type = Type::Dyn();
    return;
  }
  if (plain && expr.name == "type") {
    expr.binding.what = Binding::What::kTypeOf;
    expr.type = Type::TypeOfType();
    return;
  }
  if (candidates.empty()) {
    return ReportUnknownFunction(expr);
  }
  Overload(expr, candidates);
}

void Checker::Overload(Expr& expr, const std::vector<Candidate>& candidates) {
  std::vector<Type> arguments;
  if (expr.target != nullptr && !expr.binding.qualified) {
    arguments.push_back(expr.target->type);
  }
  for (const ExprPtr& arg : expr.args) {
    arguments.push_back(arg->type);
  }
  std::vector<CallOption> options;
  bool first = true;
  for (const Candidate& f : candidates) {
    const bool fits =
        f.parameters->size() == arguments.size() &&
        std::equal(arguments.begin(), arguments.end(), f.parameters->begin(), IsAssignable);
    if (!fits) {
      continue;
    }
    expr.type = first || expr.type == *f.result ? *f.result : Type::Dyn();
    first = false;
    const bool known = f.builtin != nullptr &&
                       std::any_of(options.begin(), options.end(), [&](const CallOption& option) {
                         return option.builtin == f.builtin;
                       });
    if (!known) {
      // A built-in looks at the kinds itself.
      options.push_back(
          {f.builtin != nullptr ? std::vector<Type>{} : *f.parameters, f.builtin, f.host});
    }
  }
  if (options.empty()) {
    return ReportNoOverload(expr, candidates, arguments);
  }
  std::stable_partition(options.begin(), options.end(),
                        [](const CallOption& option) { return option.host != nullptr; });
  expr.binding.what = Binding::What::kCall;
  expr.binding.options = std::move(options);
}

void Checker::ReportNoOverload(Expr& expr, const std::vector<Candidate>& candidates,
                               const std::vector<Type>& arguments) {
  const bool method = expr.target != nullptr && !expr.binding.qualified;
  const size_t from = method ? 1 : 0;
  std::string message = "'" + expr.name + "' cannot take " + ListTypes(arguments, from);
  if (method) {
    message += " of " + arguments[0].ToString();
  }
  std::vector<std::string> forms;
  for (const Candidate& f : candidates) {
    std::string form = (method ? (*f.parameters)[0].ToString() + "." : "") + std::string(f.name) +
                       ListTypes(*f.parameters, from);
    forms.push_back(std::move(form));
  }
  Report(expr, expr.offset, std::move(message),
         ListSome("there is ", {forms.begin(), forms.end()}));
}

void Checker::ReportUnknownFunction(Expr& expr) {
  const bool method = expr.target != nullptr;
  std::vector<std::string_view> known;
  bool other_form = false;
  for (const Candidate& f : functions_) {
    other_form = other_form || f.name == expr.name;
    if (f.is_method == method) {
      known.emplace_back(f.name);
    }
  }
  if (method) {
    for (const char* macro : {"all", "exists", "exists_one", "map", "filter"}) {
      other_form = other_form || expr.name == macro;
      known.emplace_back(macro);
    }
  }
  std::string hint;
  const std::string nearest(Suggest(expr.name, known));
  if (std::find(known.begin(), known.end(), expr.name) != known.end()) {
    hint = "it takes a name and a condition, as in list." + expr.name + "(item, item > 0)";
  } else if (other_form) {
    hint = method ? "write " + expr.name + "(x)" : "write x." + expr.name + "(...)";
  } else if (!nearest.empty()) {
    hint = "did you mean '" + nearest + "'?";
  }
  Report(expr, expr.offset, "unknown function '" + expr.name + "'", std::move(hint));
}

void Checker::VisitOperator(Expr& expr) {
  std::vector<Type> types;
  for (const ExprPtr& arg : expr.args) {
    Visit(*arg);
    types.push_back(arg->type);
  }
  OperatorCheck check = CheckOperator(expr.op, types);
  if (check.ok || IsNullTest(expr)) {
    expr.type = check.ok ? check.result : Type::Bool();
    return;
  }
  const size_t offset =
      check.operand < expr.args.size() ? expr.args[check.operand]->start_offset : expr.offset;
  ReportType(expr, offset, std::move(check.message), std::move(check.hint));
  if (check.result == Type::Bool()) {
    expr.type = check.result;
  }
}

void Checker::VisitList(Expr& expr) {
  Type element = Type::Dyn();
  for (size_t i = 0; i < expr.args.size(); ++i) {
    Visit(*expr.args[i]);
    element = i == 0 ? expr.args[i]->type : Join(element, expr.args[i]->type);
  }
  expr.type = Type::List(element);
}

void Checker::VisitMap(Expr& expr) {
  Type key = Type::Dyn();
  Type value = Type::Dyn();
  for (size_t i = 0; i < expr.args.size(); i += 2) {
    Expr& key_expr = *expr.args[i];
    Visit(key_expr);
    Visit(*expr.args[i + 1]);
    const Type& type = key_expr.type;
    if (!IsDyn(type) && !IsScalar(type, Kind::kString) && !IsScalar(type, Kind::kInt) &&
        !IsScalar(type, Kind::kUint) && !IsScalar(type, Kind::kBool)) {
      ReportType(key_expr, key_expr.start_offset, type.ToString() + " cannot be a map's key",
                 "keys are string, int, uint or bool");
    }
    key = i == 0 ? type : Join(key, type);
    value = i == 0 ? expr.args[i + 1]->type : Join(value, expr.args[i + 1]->type);
  }
  expr.type = Type::Map(key, value);
}

Type Checker::ElementOf(Expr& range, std::string_view macro) {
  switch (range.type.tag()) {
    case Type::Tag::kDyn:
      return Type::Dyn();
    case Type::Tag::kList:
      return range.type.element();
    case Type::Tag::kMap:
      return range.type.key();
    default:
      ReportType(
          range, range.start_offset,
          "'" + std::string(macro) + "' needs a list or a map, not " + range.type.ToString());
      return Type::Dyn();
  }
}

Type Checker::MacroResult(const Expr& expr, const Type& element) {
  switch (expr.macro) {
    case Macro::kFilter:
      return Type::List(element);
    case Macro::kMap:
      return Type::List(expr.args.back()->type);
    default:
      return Type::Bool();
  }
}

void Checker::VisitMacro(Expr& expr) {
  Visit(*expr.target);
  const Type element = ElementOf(*expr.target, MacroText(expr.macro));
  if (locals_.size() >= limits::kCelMacroDepthMax) {
    errors_->push_back(
        {expr.offset,
         "macros are nested deeper than " + std::to_string(limits::kCelMacroDepthMax),
         {}});
    return;
  }
  expr.binding.index = static_cast<int>(locals_.size());
  locals_.push_back({expr.name, element});
  for (const ExprPtr& arg : expr.args) {
    Visit(*arg);
  }
  locals_.pop_back();
  const bool has_condition = expr.macro != Macro::kMap || expr.args.size() == 2;
  Expr& condition = *expr.args.front();
  if (has_condition && !IsAssignable(condition.type, Type::Bool())) {
    ReportType(condition, condition.start_offset,
               "the condition of '" + std::string(MacroText(expr.macro)) + "' must be bool, not " +
                   condition.type.ToString());
  }
  expr.type = MacroResult(expr, element);
}

}  // namespace

bool IsAssignable(const Type& from, const Type& to) {
  if (IsDyn(from) || IsDyn(to)) {
    return true;
  }
  if (IsScalar(from, Kind::kNull) && to.tag() == Type::Tag::kObject) {
    return true;
  }
  if (from.tag() != to.tag()) {
    return false;
  }
  switch (from.tag()) {
    case Type::Tag::kList:
      return IsAssignable(from.element(), to.element());
    case Type::Tag::kMap:
      return IsAssignable(from.key(), to.key()) && IsAssignable(from.value(), to.value());
    default:
      return from == to;
  }
}

void Check(Expr* tree, const Environment& env, std::vector<CompileError>* errors) {
  Checker(env, errors).Visit(*tree);
}

}  // namespace huitou::cel
