#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/cel/cel_testing.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

TEST(Eval, ReadsObjectsInPlaceAndAllocatesNothing) {
  const Compiled compiled = Compile(
      "customer.orders >= 1 && customer.tier != 'black' && customer.tier in ['gold', 'silver'] && "
      "customer.tier.matches('^g.+d$') && now > timestamp('2025-01-01T00:00:00Z') && "
      "[1, 2, 3].exists(n, n == customer.orders) && customer.spend * 2.0 > 10.0",
      Shop(), Type::Bool());
  ASSERT_TRUE(compiled.ok());
  const Customer customer;
  const Value slots[] = {Value::Object(&CustomerType::Get(), &customer), Value::Null(),
                         Value::Timestamp(1'762'819'392, 0)};
  Arena arena;
  EXPECT_TRUE(compiled->Eval(slots, nullptr, arena).is_true());
  EXPECT_EQ(arena.bytes_used(), 0U);
  EXPECT_EQ(compiled->slots_used(), (std::vector<int>{0, 2}));
  EXPECT_EQ(compiled->result_type(), Type::Bool());
}

TEST(Eval, ReadsListsAndMapsOfObjects) {
  EXPECT_EQ(Answer("customer.tags.exists(t, t == 'beta')"), "true");
  EXPECT_EQ(Answer("size(customer.tags)"), "3");
  EXPECT_EQ(Answer("customer.tags[1]"), "\"newsletter\"");
  EXPECT_EQ(Answer("customer.tags == ['vip', 'newsletter', 'beta']"), "true");
  EXPECT_EQ(Answer("customer.tags + ['x']"), "[\"vip\",\"newsletter\",\"beta\",\"x\"]");
  EXPECT_EQ(Answer("customer.attributes.city"), "\"Hangzhou\"");
  EXPECT_EQ(Answer("has(customer.attributes.zip)"), "false");
  EXPECT_EQ(Answer("customer.attributes.all(key, key == 'city')"), "true");
}

TEST(Eval, FindsFieldsOfObjectsThatTheCheckerDidNotSee) {
  EXPECT_EQ(Answer("anything.orders"), "3");
  EXPECT_EQ(Answer("has(anything.last_order)"), "false");
  EXPECT_EQ(Answer("anything.nothing"), "error at 9: no such field: 'nothing'");
  EXPECT_EQ(Answer("type(anything)"), "\"customer\"");
  EXPECT_EQ(Answer("type(anything) == type(1)"), "false");
}

TEST(Eval, AnAbsentObjectIsAnErrorThatHasGuardsAgainst) {
  EXPECT_EQ(Answer("customer.last_order.total > 5"),
            "error at 20: no such field: the object is absent");
  EXPECT_EQ(Answer("has(customer.last_order) && customer.last_order.total > 5"), "false");
  const Order order{7};
  Customer customer;
  customer.last_order = &order;
  EXPECT_EQ(Answer("has(customer.last_order) && customer.last_order.total > 5", Shop(), customer),
            "true");
}

TEST(Eval, SaysWhereItFailed) {
  EXPECT_EQ(Answer("1 + 2 / (customer.orders - 3)"), "error at 6: division by zero");
  EXPECT_EQ(Answer("customer.tags[7]"), "error at 13: index out of range");
  EXPECT_EQ(Answer("customer.tags[-1]"), "error at 13: index out of range");
  EXPECT_EQ(Answer("customer.attributes.zip == ''"), "error at 20: no such key: 'zip'");
  EXPECT_EQ(Answer("customer.attributes['zip'] == ''"), "error at 19: no such key: 'zip'");
  EXPECT_EQ(Answer("int(customer.tier)"), "error at 0: no int: 'gold'");
  EXPECT_EQ(Answer("9223372036854775807 + customer.orders"), "error at 20: int overflow");
  EXPECT_EQ(Answer("{'a': 1, customer.tier: 2, 'gold': 3}"),
            "error at 0: a map has the same key twice");
}

TEST(Eval, TheErrorToldIsTheOneThatWasNotAbsorbed) {
  EXPECT_EQ(Answer("customer.tags[7] == '' || 1 / (customer.orders - 3) > 0"),
            "error at 13: index out of range");
  EXPECT_EQ(Answer("1 / (customer.orders - 3) > 0 || customer.orders == 3"), "true");
  EXPECT_EQ(Answer("1 / (customer.orders - 3) > 0 && customer.orders == 4"), "false");
  EXPECT_EQ(Answer("(1 / (customer.orders - 3) > 0 || true) && customer.tags[9] == ''"),
            "error at 56: index out of range");
  EXPECT_EQ(Answer("anything.orders || false"), "error at 9: no such overload");
}

TEST(Eval, MacrosAbsorbErrorsAsTheirOperatorsDo) {
  EXPECT_EQ(Answer("[0, 2].exists(n, 4 / n == 2)"), "true");
  EXPECT_EQ(Answer("[0, 2].all(n, 4 / n == 1)"), "false");
  EXPECT_EQ(Answer("[0, 2].exists(n, 4 / n == 1)"), "error at 19: division by zero");
  EXPECT_EQ(Answer("[0, 2].exists_one(n, 4 / n == 2)"), "error at 23: division by zero");
  EXPECT_EQ(Answer("[1, 2, 3].map(n, n > 1, n * 10)"), "[20,30]");
  EXPECT_EQ(Answer("[1, 2].map(x, [3, 4].map(y, x * y))"), "[[3,4],[6,8]]");
  EXPECT_EQ(Answer("[[1], [2]].map(x, x.map(x, x + 1))"), "[[2],[3]]");
}

TEST(Eval, CallsTheHostsFunctions) {
  Environment env = Shop();
  env.AddFunction({.name = "bought",
                   .is_method = true,
                   .parameters = {Type::Object("customer"), Type::String()},
                   .result = Type::Bool(),
                   .call = [](void* host, std::span<const Value> arguments, Arena&) {
                     EXPECT_EQ(arguments.size(), 2U);
                     return Value::Bool(arguments[1].as_string() ==
                                        *static_cast<const std::string*>(host));
                   }});
  env.AddFunction({.name = "days",
                   .parameters = {Type::Int()},
                   .result = Type::Duration(),
                   .call = [](void*, std::span<const Value> arguments, Arena&) {
                     return Value::Duration(arguments[0].as_int() * 86400, 0);
                   }});
  env.AddFunction({.name = "broken",
                   .parameters = {},
                   .result = Type::Int(),
                   .call = [](void*, std::span<const Value>, Arena&) {
                     return Value::Error("the host says no");
                   }});
  const Customer customer;
  const Value slots[] = {Value::Object(&CustomerType::Get(), &customer), Value::Int(2),
                         Value::Timestamp(0, 0)};
  std::string host = "women.clothing";
  Arena arena;
  const auto eval = [&](std::string_view text) {
    const Compiled compiled = Compile(text, env);
    return compiled.ok() ? ToJson(compiled->Eval(slots, &host, arena))
                         : Describe(compiled.errors[0]);
  };
  EXPECT_EQ(eval("customer.bought('women.clothing')"), "true");
  EXPECT_EQ(eval("days(2)"), "\"172800s\"");
  EXPECT_EQ(eval("days(anything)"), "\"172800s\"");
  EXPECT_EQ(eval("days(anything + 0.5)"), "\"no such overload\"");
  EXPECT_EQ(eval("broken() + 1"), "\"the host says no\"");
  EXPECT_EQ(eval("customer.bougth('a')"), "9: unknown function 'bougth'; did you mean 'bought'?");
  EXPECT_EQ(eval("days('2')"), "0: 'days' cannot take (string); there is days(int)");
}

TEST(Eval, EndsAfterItsSteps) {
  std::string text = "true";
  for (int i = 0; i < 4; ++i) {
    const std::string variable(1, static_cast<char>('a' + i));
    text = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26].all(" +
           variable + ", " + text + ")";
  }
  EXPECT_NE(Answer(text).find("too many steps"), std::string::npos);
  // Nothing absorbs that.
  EXPECT_NE(Answer(text + " || true").find("too many steps"), std::string::npos);
}

TEST(Eval, EndsAtItsBytes) {
  std::string text = "customer.tier";
  for (int i = 0; i < 16; ++i) {
    text = "[" + text + "].map(x, x + x)[0]";
  }
  EXPECT_EQ(Answer("size(" + text + ")"), std::to_string(4 << 16));
  for (int i = 0; i < 4; ++i) {
    text = "[" + text + "].map(x, x + x)[0]";
  }
  EXPECT_NE(Answer("size(" + text + ")").find("too much memory"), std::string::npos);
}

TEST(Eval, CompilesPatternsFromDataWithinBounds) {
  EXPECT_EQ(Answer("'gold'.matches(customer.tier)"), "true");
  EXPECT_EQ(Answer("'a'.matches('(' + customer.tier)"),
            "error at 4: the pattern is refused: missing ): (gold: '(gold'");
  EXPECT_NE(
      Answer("customer.tags.all(t, [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20].all(n, "
             "!'x'.matches(t + string(n))))")
          .find("too many steps"),
      std::string::npos);
}

TEST(Eval, KnowsTimesInZones) {
  EXPECT_EQ(Answer("now"), "\"2025-11-11T00:03:12Z\"");
  EXPECT_EQ(Answer("now.getHours('Asia/Shanghai')"), "8");
  EXPECT_EQ(Answer("now.getHours('-09:30')"), "14");
  EXPECT_EQ(Answer("now.getDayOfWeek()"), "2");
  EXPECT_EQ(Answer("(now - duration('36h')).getDate()"), "9");
  EXPECT_EQ(Answer("now - timestamp('2025-11-11T00:00:00+08:00')"), "\"28992s\"");
  EXPECT_EQ(Answer("now.getHours(customer.tier)"), "error at 4: unknown time zone: 'gold'");
  EXPECT_EQ(Answer("duration('-1.5s')"), "\"-1.5s\"");
  EXPECT_EQ(Answer("duration('1h') + duration('30m')"), "\"5400s\"");
  EXPECT_EQ(Answer("timestamp('2024-02-29T12:00:00.25Z').getDayOfYear()"), "59");
}

TEST(Eval, AcceptsStringExtensionsWhereTheyAreAdded) {
  EXPECT_EQ(Answer("customer.tier.upperAscii()").substr(0, 10), "refused at");
  Environment env = Shop();
  env.AddStringExtensions();
  EXPECT_EQ(Answer("customer.tier.upperAscii()", env), "\"GOLD\"");
  EXPECT_EQ(Answer("'回头客'.substring(0, 2)", env), "\"回头\"");
  EXPECT_EQ(Answer("'%s has %d orders'.format([customer.tier, customer.orders])", env),
            "\"gold has 3 orders\"");
  EXPECT_EQ(Answer("'a,b,,c'.split(',')", env), "[\"a\",\"b\",\"\",\"c\"]");
  EXPECT_EQ(Answer("customer.tags.join('+')", env), "\"vip+newsletter+beta\"");
}

TEST(Eval, OneProgramServesManyThreads) {
  const Compiled compiled = Compile(
      "customer.tier.matches('^g') && customer.tags.exists(t, t == 'beta') && "
      "now.getHours('Asia/Shanghai') == 8",
      Shop());
  ASSERT_TRUE(compiled.ok());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Customer customer;
      const Value slots[] = {Value::Object(&CustomerType::Get(), &customer), Value::Null(),
                             Value::Timestamp(1'762'819'392, 0)};
      Arena arena;
      for (int round = 0; round < 100; ++round) {
        good += compiled->Eval(slots, nullptr, arena).is_true() ? 1 : 0;
        arena.Clear();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(good, 400);
}

TEST(Eval, FindsNamesInTheContainerFirst) {
  Environment env;
  env.SetContainer("com.example");
  env.AddVariable("com.example.x", Type::Int(), 0);
  env.AddVariable("x", Type::Int(), 1);
  const Value slots[] = {Value::Int(1), Value::Int(2)};
  Arena arena;
  EXPECT_EQ(Compile("x", env)->Eval(slots, nullptr, arena).as_int(), 1);
  EXPECT_EQ(Compile(".x", env)->Eval(slots, nullptr, arena).as_int(), 2);
}

TEST(Json, IsTheSpecificationsConversion) {
  EXPECT_EQ(Answer("[1, 2u, 1.5, 3.0, -0.0, 1e30, 18446744073709551615u]"),
            "[1,2,1.5,3.0,-0.0,1e+30,18446744073709551615]");
  EXPECT_EQ(Answer("[0.0 / 0.0, 1.0 / 0.0, -1.0 / 0.0]"), "[\"NaN\",\"Infinity\",\"-Infinity\"]");
  EXPECT_EQ(Answer("b'\\x00\\xff'"), "\"AP8=\"");
  EXPECT_EQ(Answer("{1: true, 'a': null, false: 'x\"\\n'}"),
            "{\"1\":true,\"a\":null,\"false\":\"x\\\"\\n\"}");
  EXPECT_EQ(Answer("[type(1), type(now), type(null)]"),
            "[\"int\",\"google.protobuf.Timestamp\",\"null_type\"]");
  EXPECT_EQ(Answer("timestamp('2026-01-02T03:04:05.120Z')"), "\"2026-01-02T03:04:05.12Z\"");
}

}  // namespace
}  // namespace huitou::cel
