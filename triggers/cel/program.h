// A compiled expression: nodes in one array, children before parents, constants and texts beside
// them. Immutable once built, shared by threads.
//
// Example: `a >= 1` is {kSlot a}, {kConstant 1}, {kGreaterEqual 0 1}.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "triggers/cel/ast.h"
#include "triggers/cel/cel.h"

namespace re2 {
class RE2;
}

namespace huitou::cel {

enum class Op : uint8_t {
  kConstant,   // constants[a]
  kSlot,       // slots[a]
  kLocal,      // locals[a]
  kSlotField,  // field b of the object in slots[a]
  kField,      // field b of the object a
  kSelect,     // what a has under the key constants[b]
  kHasField,
  kHas,
  kAnd,  // children[a .. a + b)
  kOr,   // likewise
  kNot,
  kConditional,  // a ? b : c
  kEqual,        // a, b, as all two-sided ones
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
  kList,  // children[a .. a + b)
  kMap,   // likewise: key, value, key, value, ...
  kAll,   // range a, condition b, variable locals[local], as all macros
  kExists,
  kExistsOne,
  kFilter,
  kMapMacro,  // condition b or none, result c
  kCall,      // children[a .. a + b), calls[c]
  kTypeOf,
  kMatches,  // text a, patterns[b]
  kFail,     // error constants[a]
};

struct Node {
  static constexpr uint32_t kNone = UINT32_MAX;

  Op op = Op::kConstant;
  uint8_t local = 0;
  uint32_t offset = 0;  // in the text
  uint32_t a = kNone;
  uint32_t b = kNone;
  uint32_t c = kNone;
};

struct Program::Impl {
  Impl();
  ~Impl();

  std::string text;
  Type result_type;
  std::vector<Node> nodes;  // the last one is the whole
  std::vector<uint32_t> children;
  std::vector<Value> constants;
  std::vector<std::vector<CallOption>> calls;
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  std::vector<Environment::ObjectDecl> objects;  // for objects met through dyn
  std::vector<int> slots_used;
  std::vector<std::string> optional_reads;
  bool uses_locals = false;
  Arena arena;  // the constants' texts, lists and maps
};

// A pattern compiled within the bounds; null with *error otherwise.
std::unique_ptr<re2::RE2> CompilePattern(std::string_view pattern, std::string* error);

// Tree to nodes, with constant parts evaluated now. Constants that cannot work (a pattern, a
// timestamp, a zone) are reported when the environment is checked.
void Generate(const Expr& tree, const Environment& env, Program::Impl* impl,
              std::vector<CompileError>* errors);

// The paths of optional fields that `tree` reads unguarded, sorted.
std::vector<std::string> FindOptionalReads(const Expr& tree);

}  // namespace huitou::cel
