#include <algorithm>
#include <utility>

#include "triggers/cel/cel.h"

namespace huitou::cel {
namespace {

std::string_view ScalarName(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
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
      return "timestamp";
    case Kind::kDuration:
      return "duration";
    case Kind::kType:
      return "type";
    default:
      return "dyn";
  }
}

template <typename T>
const T* FindNamed(const std::vector<T>& all, std::string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& t) { return t.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Type Type::List(Type element) {
  Type t;
  t.tag_ = Tag::kList;
  t.parameters_ = std::make_shared<const std::vector<Type>>(std::vector<Type>{std::move(element)});
  return t;
}

Type Type::Map(Type key, Type value) {
  Type t;
  t.tag_ = Tag::kMap;
  t.parameters_ = std::make_shared<const std::vector<Type>>(
      std::vector<Type>{std::move(key), std::move(value)});
  return t;
}

Type Type::Object(std::string name) {
  Type t;
  t.tag_ = Tag::kObject;
  t.object_name_ = std::move(name);
  return t;
}

std::string Type::ToString() const {
  switch (tag_) {
    case Tag::kDyn:
      return "dyn";
    case Tag::kScalar:
      return std::string(ScalarName(scalar_));
    case Tag::kList:
      return "list(" + element().ToString() + ")";
    case Tag::kMap:
      return "map(" + key().ToString() + ", " + value().ToString() + ")";
    case Tag::kObject:
      return object_name_;
  }
  return {};
}

bool Type::operator==(const Type& other) const {
  if (tag_ != other.tag_) {
    return false;
  }
  switch (tag_) {
    case Tag::kDyn:
      return true;
    case Tag::kScalar:
      return scalar_ == other.scalar_;
    case Tag::kObject:
      return object_name_ == other.object_name_;
    default:
      return *parameters_ == *other.parameters_;
  }
}

void Environment::AddObject(std::string name, std::vector<Field> fields,
                            const ObjectType* runtime) {
  CHECK(FindObject(name) == nullptr);
  objects_.push_back({std::move(name), std::move(fields), runtime});
}

void Environment::AddVariable(std::string name, Type type, int slot) {
  CHECK(slot >= 0 && FindVariable(name) == nullptr);
  variables_.push_back({std::move(name), std::move(type), slot});
}

void Environment::AddFunction(Function function) {
  functions_.push_back(std::move(function));
}

void Environment::SetContainer(std::string container) {
  container_ = std::move(container);
}

void Environment::AddStringExtensions() {
  string_extensions_ = true;
}

void Environment::DisableChecker() {
  checked_ = false;
}

const Environment::ObjectDecl* Environment::FindObject(std::string_view name) const {
  return FindNamed(objects_, name);
}

const Environment::Variable* Environment::FindVariable(std::string_view name) const {
  return FindNamed(variables_, name);
}

}  // namespace huitou::cel
