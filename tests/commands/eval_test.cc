#include "daemon/commands/eval.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace huitou {
namespace {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome Eval(const EvalOptions& options, const std::string& input = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunEval(options, in, out, err);
  return {code, out.str(), err.str()};
}

Outcome EvalText(const std::string& expression, const std::string& vars = "{}") {
  EvalOptions options;
  options.expression = expression;
  options.vars = vars;
  return Eval(options);
}

Outcome EvalLines(const std::string& input) {
  EvalOptions options;
  options.batch = true;
  return Eval(options, input);
}

TEST(EvalCommand, PrintsTheValueAsJson) {
  EXPECT_EQ(EvalText("1 + 1").out, "2\n");
  EXPECT_EQ(EvalText("[n, f, s]", R"({"n": 3, "f": 1.0, "s": "回"})").out, "[3,1.0,\"回\"]\n");
  EXPECT_EQ(EvalText("1 + 1").code, 0);
}

TEST(EvalCommand, ReadsNumbersByTheirForm) {
  const std::string vars =
      R"({"i": -3, "u": 9223372036854775808, "d": 3.0, "e": 3e0, "n": null, "l": [1, 1.5]})";
  EXPECT_EQ(
      EvalText("[type(i), type(u), type(d), type(e), type(n), type(l[0]), type(l[1])]", vars).out,
      R"(["int","uint","double","double","null_type","int","double"])"
      "\n");
}

TEST(EvalCommand, BindsEventAndCustomer) {
  EvalOptions options;
  options.expression = "event.order.total > 200.0 && customer.orders >= 1 && !has(customer.tier)";
  options.event = R"({"type": "order.paid", "order": {"total": 259.0}})";
  options.customer = R"({"orders": 3})";
  EXPECT_EQ(Eval(options).out, "true\n");
}

TEST(EvalCommand, PointsAtEveryMistakeByColumn) {
  const Outcome outcome = EvalText("ordrs > 1 && orders > 'a'", R"({"orders": 1})");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "column 1: error: unknown name 'ordrs'; did you mean 'orders'?\n"
            "  ordrs > 1 && orders > 'a'\n"
            "  ^\n"
            "column 21: error: '>' cannot take int and string; write the number without quotes, or "
            "convert it with string(...)\n"
            "  ordrs > 1 && orders > 'a'\n"
            "                      ^\n");
}

TEST(EvalCommand, CountsColumnsInCharacters) {
  EXPECT_EQ(EvalText("'回头客' == x").err.substr(0, 30), "column 10: error: unknown name");
  EXPECT_EQ(EvalText("'回头客' == '' || 1 / 0 > 0").err, "column 18: error: division by zero\n");
}

TEST(EvalCommand, SaysWhatIsWrongWithItsOptions) {
  Outcome outcome = EvalText("1", "[1]");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "--vars must be a JSON object, for example {\"n\": 1}\n");
  outcome = EvalText("1", "{");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err.substr(0, 19), "--vars is no JSON: ");
}

TEST(EvalCommand, AnswersEachLineWithOneLine) {
  const Outcome outcome = EvalLines(
      "{\"expr\": \"x + 1\", \"vars\": {\"x\": 1}}\n"
      "{\"expr\": \"x + 1\"}\n"
      "{\"expr\": \"1 / x\", \"vars\": {\"x\": 0}}\n"
      "nonsense\n"
      "\n"
      "{\"vars\": {}}\n"
      "{\"expr\": \"a.b\", \"vars\": {\"a.b\": true, \"a.b\": false}}\n"
      "{\"expr\": \"b'\\\\xff'\", \"vars\": null}");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  std::istringstream lines(outcome.out);
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) {
    all.push_back(line);
  }
  ASSERT_EQ(all.size(), 8U);
  EXPECT_EQ(all[0], R"({"value":2})");
  EXPECT_EQ(all[1], R"({"error":"unknown name 'x'","column":1})");
  EXPECT_EQ(all[2], R"({"error":"division by zero","column":3})");
  EXPECT_EQ(all[3].substr(0, 30), R"({"error":"the line is no JSON:)");
  EXPECT_EQ(all[4].substr(0, 30), R"({"error":"the line is no JSON:)");
  EXPECT_EQ(all[5].substr(0, 32), R"({"error":"the line has no text u)");
  EXPECT_EQ(all[6], R"({"value":false})");
  EXPECT_EQ(all[7], R"({"value":"/w=="})");
}

TEST(EvalCommand, BindsTheOptionsForEveryLineOfABatch) {
  EvalOptions options;
  options.batch = true;
  options.vars = R"({"x": 1, "y": 2})";
  EXPECT_EQ(Eval(options, R"({"expr": "[x, y]", "vars": {"x": 5}})").out, "{\"value\":[5,2]}\n");
}

}  // namespace
}  // namespace huitou
