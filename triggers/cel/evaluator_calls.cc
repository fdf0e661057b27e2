// The evaluator's second half: literals, calls and macros.
#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include "triggers/cel/compare.h"
#include "triggers/cel/evaluator.h"
#include "triggers/cel/names.h"

namespace huitou::cel {
namespace {

bool FitsKind(const Type& type, const Value& value) {
  switch (type.tag()) {
    case Type::Tag::kDyn:
      return true;
    case Type::Tag::kScalar:
      return value.kind() == type.scalar();
    case Type::Tag::kList:
      return value.kind() == Kind::kList;
    case Type::Tag::kMap:
      return value.kind() == Kind::kMap;
    case Type::Tag::kObject:
      return value.kind() == Kind::kObject || value.is_null();
  }
  return false;
}

bool IsMapKey(Kind kind) {
  return kind == Kind::kBool || kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kString;
}

// What a macro goes through: a list's items or a map's keys.
class Range {
 public:
  explicit Range(const Value& value) : value_(value) {}
  bool valid() const { return value_.kind() == Kind::kList || value_.kind() == Kind::kMap; }
  size_t size() const {
    return value_.kind() == Kind::kList ? value_.list().size() : value_.map().size();
  }
  Value At(size_t index, Arena& arena) const {
    return value_.kind() == Kind::kList ? value_.list().At(index, arena)
                                        : value_.map().KeyAt(index, arena);
  }

 private:
  const Value& value_;
};

}  // namespace

Value Evaluator::RunList(const Node& node) {
  std::vector<Value> items;
  items.reserve(node.b);
  for (uint32_t i = node.a; i < node.a + node.b; ++i) {
    items.push_back(Run(children_[i]));
    if (items.back().is_error()) {
      return items.back();
    }
  }
  return Own(node, MakeList(std::move(items), context_.arena));
}

Value Evaluator::RunMapLiteral(const Node& node) {
  std::vector<std::pair<Value, Value>> entries;
  entries.reserve(node.b / 2);
  for (uint32_t i = node.a; i < node.a + node.b; i += 2) {
    const Value key = Run(children_[i]);
    const Value value = key.is_error() ? key : Run(children_[i + 1]);
    if (value.is_error()) {
      return value;
    }
    if (!IsMapKey(key.kind())) {
      return Error(nodes_[children_[i]], "a map's key is string, int, uint or bool");
    }
    entries.emplace_back(key, value);
  }
  const size_t written = entries.size();
  const Value map = MakeMap(std::move(entries), context_.arena);
  if (!map.is_error() && map.map().size() != written) {
    return Error(node, "a map has the same key twice");
  }
  return Own(node, map);
}

Value Evaluator::RunCall(const Node& node) {
  alignas(Value) std::byte room[(kArgumentsMax + 1) * sizeof(Value)];
  auto* arguments = reinterpret_cast<Value*>(room);
  for (uint32_t i = 0; i < node.b; ++i) {
    new (&arguments[i]) Value(Run(children_[node.a + i]));
    if (arguments[i].is_error()) [[unlikely]] {
      return arguments[i];
    }
  }
  Value value = Dispatch(node, arguments);
  if (value.is_error()) [[unlikely]] {
    error_offset_ = node.offset;
  }
  return value;
}

Value Evaluator::Dispatch(const Node& node, const Value* arguments) {
  const std::span<const Value> all(arguments, node.b);
  for (const CallOption& option : program_.calls[node.c]) {
    if (option.builtin != nullptr) {
      return option.builtin(context_, all);
    }
    if (std::equal(all.begin(), all.end(), option.parameters.begin(),
                   [](const Value& value, const Type& type) { return FitsKind(type, value); })) {
      return option.host == nullptr ? Value::Error("this function is for checking only")
                                    : option.host(host_, all, context_.arena);
    }
  }
  return Value::Error(kNoOverload);
}

Value Evaluator::RunTypeOf(const Node& node) {
  const Value value = Run(node.a);
  if (value.is_error()) {
    return value;
  }
  if (value.kind() == Kind::kObject) {
    for (const Environment::ObjectDecl& declared : program_.objects) {
      if (declared.runtime == &value.object_type()) {
        return Value::Type(declared.name);
      }
    }
  }
  return Value::Type(TypeNameOfKind(value.kind()));
}

Value Evaluator::RunMatches(const Node& node) {
  Scratch scratch;
  const Value& text = Operand(node.a, &scratch);
  if (!text.is_string()) [[unlikely]] {
    return text.is_error() ? text : Error(node, kNoOverload);
  }
  if (!context_.SpendMatching(text.as_string().size())) {
    return Error(node, kOutOfSteps);
  }
  const re2::StringPiece piece(text.as_string().data(), text.as_string().size());
  return Value::Bool(re2::RE2::PartialMatch(piece, *program_.patterns[node.b]));
}

Value Evaluator::RunMacro(const Node& node) {
  Scratch scratch;
  const Value& range = Operand(node.a, &scratch);
  if (!Range(range).valid()) [[unlikely]] {
    return range.is_error() ? range : Error(node, kNoOverload);
  }
  switch (node.op) {
    case Op::kAll:
    case Op::kExists:
      return RunQuantifier(node, range);
    case Op::kExistsOne:
      return RunExistsOne(node, range);
    default:
      return RunCollect(node, range);
  }
}

// all() is && over the items and exists() is ||, errors being absorbed alike.
Value Evaluator::RunQuantifier(const Node& node, const Value& range_value) {
  const bool absorbing = node.op == Op::kExists;
  const Range range(range_value);
  Value error;
  uint32_t error_offset = 0;
  const size_t size = range.size();
  for (size_t i = 0; i < size; ++i) {
    new (&locals_[node.local]) Value(range.At(i, context_.arena));
    const Value value = Run(node.b);
    if (value.is_bool()) [[likely]] {
      if (value.as_bool() == absorbing) {
        return Value::Bool(absorbing);
      }
    } else if (!error.is_error()) {
      error = value.is_error() ? value : Error(node, kNoOverload);
      error_offset = error_offset_;
    }
    if (context_.steps_left == 0) [[unlikely]] {
      return Error(node, kOutOfSteps);
    }
  }
  if (error.is_error()) {
    error_offset_ = error_offset;
    return error;
  }
  return Value::Bool(!absorbing);
}

Value Evaluator::RunExistsOne(const Node& node, const Value& range_value) {
  const Range range(range_value);
  const size_t size = range.size();
  size_t found = 0;
  for (size_t i = 0; i < size; ++i) {
    new (&locals_[node.local]) Value(range.At(i, context_.arena));
    const Value value = Run(node.b);
    if (!value.is_bool()) [[unlikely]] {
      return value.is_error() ? value : Error(node, kNoOverload);
    }
    found += value.as_bool() ? 1 : 0;
  }
  return Value::Bool(found == 1);
}

// filter() keeps the items, map() what they become.
Value Evaluator::RunCollect(const Node& node, const Value& range_value) {
  const Range range(range_value);
  const size_t size = range.size();
  std::vector<Value> items;
  for (size_t i = 0; i < size; ++i) {
    const Value item = range.At(i, context_.arena);
    locals_[node.local] = item;
    if (node.b != Node::kNone) {
      const Value keep = Run(node.b);
      if (!keep.is_bool()) [[unlikely]] {
        return keep.is_error() ? keep : Error(node, kNoOverload);
      }
      if (!keep.as_bool()) {
        continue;
      }
    }
    items.push_back(node.c == Node::kNone ? item : Run(node.c));
    if (items.back().is_error()) [[unlikely]] {
      return items.back();
    }
  }
  return Own(node, MakeList(std::move(items), context_.arena));
}

}  // namespace huitou::cel
