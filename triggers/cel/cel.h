// Conditions: the Common Expression Language, compiled once when a campaign is loaded and
// evaluated for every event. The semantics are those of the CEL specification; names are checked
// against an Environment, so that a misspelt one is refused when loading, with a suggestion.
//
// An Environment and a Program are immutable once built and may be shared by threads. Eval touches
// only its arguments. Evaluation is bounded in steps, depth and bytes (limits.h).
//
// Example:
//   Environment env;
//   env.AddVariable("rating", Type::Int(), 0);
//   auto program = Compile("rating >= 4", env);
//   Arena arena;
//   const Value slots[] = {Value::Int(5)};
//   program->Eval(slots, nullptr, arena).is_true();
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/cel/value.h"

namespace huitou::cel {

// A static type. kDyn is known only when evaluating.
class Type {
 public:
  enum class Tag : uint8_t { kDyn, kScalar, kList, kMap, kObject };

  static Type Dyn() { return {}; }
  static Type Null() { return Scalar(Kind::kNull); }
  static Type Bool() { return Scalar(Kind::kBool); }
  static Type Int() { return Scalar(Kind::kInt); }
  static Type Uint() { return Scalar(Kind::kUint); }
  static Type Double() { return Scalar(Kind::kDouble); }
  static Type String() { return Scalar(Kind::kString); }
  static Type Bytes() { return Scalar(Kind::kBytes); }
  static Type Timestamp() { return Scalar(Kind::kTimestamp); }
  static Type Duration() { return Scalar(Kind::kDuration); }
  static Type TypeOfType() { return Scalar(Kind::kType); }
  static Type List(Type element);
  static Type Map(Type key, Type value);
  // `name` as declared by Environment::AddObject.
  static Type Object(std::string name);

  Tag tag() const { return tag_; }
  Kind scalar() const { return scalar_; }
  const std::string& object_name() const { return object_name_; }
  const Type& element() const { return parameters_->at(0); }  // of a list; a map's value is value()
  const Type& key() const { return parameters_->at(0); }
  const Type& value() const { return parameters_->at(1); }
  // "list(int)", "map(string, dyn)", "customer".
  std::string ToString() const;
  bool operator==(const Type& other) const;

 private:
  static Type Scalar(Kind kind) {
    Type t;
    t.tag_ = Tag::kScalar;
    t.scalar_ = kind;
    return t;
  }

  Tag tag_ = Tag::kDyn;
  Kind scalar_ = Kind::kNull;
  std::string object_name_;
  std::shared_ptr<const std::vector<Type>> parameters_;
};

struct Field {
  std::string name;
  Type type;
  // May be absent (templates must then guard it); has() tells.
  bool optional = false;
};

// A host function or method. `call` gets the receiver first for a method; `host` is what Eval was
// given. It returns Value::Error(...) to fail.
using HostCall = Value (*)(void* host, std::span<const Value> arguments, Arena& arena);

struct Function {
  std::string name;
  bool is_method = false;
  std::vector<Type> parameters;  // with the receiver first for a method
  Type result;
  HostCall call = nullptr;
};

class Environment {
 public:
  // `runtime` must outlive every program compiled against it; null for check-only.
  void AddObject(std::string name, std::vector<Field> fields, const ObjectType* runtime);
  // A variable's value is slots[slot] at Eval. Dotted names are one qualified name.
  void AddVariable(std::string name, Type type, int slot);
  void AddFunction(Function function);
  // Names are looked up in this namespace first ("com.example").
  void SetContainer(std::string container);
  // Adds the string extension functions (charAt, indexOf, format, ...).
  void AddStringExtensions();
  // Conformance only: compile without the checker (undeclared names fail when evaluated).
  void DisableChecker();

  struct ObjectDecl {
    std::string name;
    std::vector<Field> fields;
    const ObjectType* runtime;
  };
  struct Variable {
    std::string name;
    Type type;
    int slot;
  };
  const ObjectDecl* FindObject(std::string_view name) const;
  const Variable* FindVariable(std::string_view name) const;
  const std::vector<ObjectDecl>& objects() const { return objects_; }
  const std::vector<Variable>& variables() const { return variables_; }
  const std::vector<Function>& functions() const { return functions_; }
  const std::string& container() const { return container_; }
  bool string_extensions() const { return string_extensions_; }
  bool checked() const { return checked_; }

 private:
  std::vector<ObjectDecl> objects_;
  std::vector<Variable> variables_;
  std::vector<Function> functions_;
  std::string container_;
  bool string_extensions_ = false;
  bool checked_ = true;
};

// One mistake in an expression. `offset` counts bytes from 0 in the text.
struct CompileError {
  size_t offset = 0;
  std::string message;
  std::string hint;  // "did you mean 'customer.orders'?"; may be empty
};

class Program {
 public:
  // A value, or an error (Value::is_error()). `slots` holds the variables; `host` goes to host
  // functions. Allocates only what the result or an intermediate needs, in `arena`. When the
  // result is an error, *error_offset (if given) gets the byte offset in the text that failed.
  Value Eval(std::span<const Value> slots, void* host, Arena& arena,
             size_t* error_offset = nullptr) const;

  const std::string& text() const;
  const Type& result_type() const;
  // The variable slots that the program may read, sorted.
  const std::vector<int>& slots_used() const;
  // Whether it reads a field declared optional without a guarding has() / ternary / macro of its
  // own; `paths` like "customer.attributes.name". Templates are checked with this.
  const std::vector<std::string>& optional_reads() const;

  struct Impl;
  explicit Program(std::unique_ptr<const Impl> impl);
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

 private:
  std::unique_ptr<const Impl> impl_;
};

struct Compiled {
  std::shared_ptr<const Program> program;  // null when there are errors
  std::vector<CompileError> errors;        // all of them, in the order of offset

  bool ok() const { return program != nullptr; }
  const Program* operator->() const { return program.get(); }
};

// Parses, checks and compiles. `expected` (if not dyn) is the type that the result must have.
Compiled Compile(std::string_view text, const Environment& env, const Type& expected = Type::Dyn());

}  // namespace huitou::cel
