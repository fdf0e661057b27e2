// Nanoseconds per evaluation of typical conditions, over an object read in place as the engine
// does, and per compilation.
//
// Run: cel_bench --benchmark_min_time=0.2
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "triggers/cel/cel.h"

namespace huitou::cel {
namespace {

struct Customer {
  int64_t orders = 3;
  double spend = 1280.5;
  std::string tier = "gold";
  std::vector<std::string> tags = {"vip", "newsletter", "beta"};
};

class Tags final : public ListView {
 public:
  explicit Tags(const std::vector<std::string>& tags) : tags_(tags) {}
  size_t size() const override { return tags_.size(); }
  Value At(size_t index, Arena&) const override { return Value::String(tags_[index]); }

 private:
  const std::vector<std::string>& tags_;
};

const Customer& TheCustomer() {
  static const Customer customer;
  return customer;
}

class CustomerType final : public ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    static const Tags tags(TheCustomer().tags);
    const auto& customer = *static_cast<const Customer*>(self);
    switch (field) {
      case 0:
        return Value::Int(customer.orders);
      case 1:
        return Value::Double(customer.spend);
      case 2:
        return Value::String(customer.tier);
      default:
        return Value::List(&tags);
    }
  }
  bool Has(const void*, int) const override { return true; }
};

Environment MakeEnvironment() {
  static const CustomerType type;
  Environment env;
  env.AddObject("customer",
                {{"orders", Type::Int()},
                 {"spend", Type::Double()},
                 {"tier", Type::String()},
                 {"tags", Type::List(Type::String())}},
                &type);
  env.AddVariable("customer", Type::Object("customer"), 0);
  env.AddVariable("now", Type::Timestamp(), 1);
  return env;
}

void Evaluate(benchmark::State& state, std::string_view text) {
  const Compiled compiled = Compile(text, MakeEnvironment(), Type::Bool());
  static const CustomerType type;
  const Value slots[] = {Value::Object(&type, &TheCustomer()), Value::Timestamp(1'762'819'200, 0)};
  Arena arena;
  for (auto _ : state) {
    benchmark::DoNotOptimize(compiled->Eval(slots, nullptr, arena));
  }
  if (arena.bytes_used() != 0) {
    state.SkipWithError("the condition allocates");
  }
}

BENCHMARK_CAPTURE(Evaluate, two_fields, "customer.orders >= 1 && customer.tier != 'black'");
BENCHMARK_CAPTURE(Evaluate, tag, "customer.spend > 500.0 && 'beta' in customer.tags");
BENCHMARK_CAPTURE(Evaluate, macro,
                  "customer.tier in ['gold', 'black'] && customer.tags.exists(t, t == 'beta')");
BENCHMARK_CAPTURE(Evaluate, pattern, "customer.tier.matches('^(gold|black)$')");
BENCHMARK_CAPTURE(Evaluate, local_hour, "now.getHours('Asia/Shanghai') >= 9");

void CompileCondition(benchmark::State& state) {
  const Environment env = MakeEnvironment();
  for (auto _ : state) {
    benchmark::DoNotOptimize(Compile("customer.orders >= 1 && customer.tier != 'black'", env));
  }
}
BENCHMARK(CompileCondition);

}  // namespace
}  // namespace huitou::cel
