// The tree of an expression, as the parser builds it and the checker annotates it. Lives only while
// compiling; one thread.
//
// Example: `customer.orders >= 1` is an operator kGreaterEqual over a select of a name and a
// literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "triggers/cel/builtins.h"
#include "triggers/cel/cel.h"
#include "triggers/cel/value.h"

namespace huitou::cel {

enum class Operator : uint8_t {
  kAnd,  // any number of operands
  kOr,   // any number of operands
  kNot,
  kConditional,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kIndex,
};

enum class Macro : uint8_t { kAll, kExists, kExistsOne, kMap, kFilter };

// How an operator is written: "&&", "?:", "[]".
std::string_view OperatorText(Operator op);
// How a macro is written: "exists_one".
std::string_view MacroText(Macro macro);

// One way to call a function, as the checker found it.
struct CallOption {
  std::vector<Type> parameters;  // compared with the arguments' kinds when `checked` is false
  BuiltinCall builtin = nullptr;
  HostCall host = nullptr;
};

// What a name, a select or a call turned out to mean.
struct Binding {
  enum class What : uint8_t {
    kNone,      // by its shape alone: a map's key, an operator
    kSlot,      // a variable: index
    kLocal,     // a macro's variable: index
    kConstant,  // a type's name: literal
    kField,     // an object's field: index
    kCall,      // a function: options
    kTypeOf,    // type(x)
    kIdentity,  // dyn(x)
    kFail,      // unchecked and unknown: fails when evaluated, with error
  };
  What what = What::kNone;
  int index = 0;
  bool optional_field = false;
  bool qualified = false;  // a call whose target is a part of its name
  std::vector<CallOption> options;
  std::string error;
};

struct Expr {
  enum class Kind : uint8_t {
    kLiteral,   // literal
    kName,      // name
    kSelect,    // target.name
    kHas,       // has(target.name)
    kCall,      // name(args) or target.name(args)
    kOperator,  // op, args
    kList,      // args
    kMap,       // args: key, value, key, value, ...
    kMacro,     // target.macro(name, args...)
  };

  Kind kind = Kind::kLiteral;
  Operator op = Operator::kAnd;
  Macro macro = Macro::kAll;
  bool absolute = false;  // written with a leading dot
  int depth = 1;
  size_t offset = 0;        // of the name or sign that errors point to
  size_t start_offset = 0;  // of the first byte
  std::string name;
  Value literal;
  std::unique_ptr<Expr> target;
  std::vector<std::unique_ptr<Expr>> args;

  // Set by the checker.
  Type type;
  Binding binding;
};

using ExprPtr = std::unique_ptr<Expr>;

}  // namespace huitou::cel
