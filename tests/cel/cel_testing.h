// A small shop to write conditions about, and evaluation as text. Tests only.
//
// Example: EXPECT_EQ(Answer("customer.orders + 1"), "4");
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triggers/cel/cel.h"

namespace huitou::cel {

struct Order {
  int64_t total = 0;
};

struct Customer {
  int64_t orders = 3;
  double spend = 1280.5;
  std::string tier = "gold";
  std::vector<std::string> tags = {"vip", "newsletter", "beta"};
  const Order* last_order = nullptr;  // optional
};

class TextList final : public ListView {
 public:
  explicit TextList(const std::vector<std::string>* texts) : texts_(texts) {}
  size_t size() const override { return texts_->size(); }
  Value At(size_t index, Arena&) const override { return Value::String((*texts_)[index]); }

 private:
  const std::vector<std::string>* texts_;
};

class OrderType final : public ObjectType {
 public:
  static const OrderType& Get() {
    static const OrderType type;
    return type;
  }
  Value Get(const void* self, int, Arena&) const override {
    return Value::Int(static_cast<const Order*>(self)->total);
  }
  bool Has(const void*, int) const override { return true; }
};

class CustomerType final : public ObjectType {
 public:
  static const CustomerType& Get() {
    static const CustomerType type;
    return type;
  }
  Value Get(const void* self, int field, Arena& arena) const override {
    const auto& customer = *static_cast<const Customer*>(self);
    switch (field) {
      case 0:
        return Value::Int(customer.orders);
      case 1:
        return Value::Double(customer.spend);
      case 2:
        return Value::String(customer.tier);
      case 3:
        return Value::List(new (arena.Allocate(sizeof(TextList))) TextList(&customer.tags));
      case 4:
        return customer.last_order == nullptr
                   ? Value::Null()
                   : Value::Object(&OrderType::Get(), customer.last_order);
      default:
        return MakeMap({{Value::String("city"), Value::String("Hangzhou")}}, arena);
    }
  }
  bool Has(const void* self, int field) const override {
    return field != 4 || static_cast<const Customer*>(self)->last_order != nullptr;
  }
};

inline Environment Shop() {
  Environment env;
  env.AddObject("order", {{"total", Type::Int()}}, &OrderType::Get());
  env.AddObject("customer",
                {{"orders", Type::Int()},
                 {"spend", Type::Double()},
                 {"tier", Type::String()},
                 {"tags", Type::List(Type::String())},
                 {"last_order", Type::Object("order"), true},
                 {"attributes", Type::Map(Type::String(), Type::Dyn())}},
                &CustomerType::Get());
  env.AddVariable("customer", Type::Object("customer"), 0);
  env.AddVariable("anything", Type::Dyn(), 1);
  env.AddVariable("now", Type::Timestamp(), 2);
  return env;
}

inline std::string Describe(const CompileError& error) {
  return std::to_string(error.offset) + ": " + error.message +
         (error.hint.empty() ? "" : "; " + error.hint);
}

// Every mistake in a line of its own; empty when there is none.
inline std::string Mistakes(std::string_view text, const Environment& env = Shop(),
                            const Type& expected = Type::Dyn()) {
  std::string all;
  for (const CompileError& error : Compile(text, env, expected).errors) {
    all += (all.empty() ? "" : "\n") + Describe(error);
  }
  return all;
}

// The value as JSON, or "error at 3: ...".
inline std::string Answer(std::string_view text, const Environment& env = Shop(),
                          const Customer& customer = {}) {
  const Compiled compiled = Compile(text, env);
  if (!compiled.ok()) {
    return "refused at " + Describe(compiled.errors[0]);
  }
  const Value object = Value::Object(&CustomerType::Get(), &customer);
  const Value slots[] = {object, object, Value::Timestamp(1'762'819'392, 0)};
  Arena arena;
  size_t offset = 0;
  const Value value = compiled->Eval(slots, nullptr, arena, &offset);
  return value.is_error()
             ? "error at " + std::to_string(offset) + ": " + std::string(value.as_string())
             : ToJson(value);
}

}  // namespace huitou::cel
