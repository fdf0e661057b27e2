// The CEL specification's own cases (../shared/cel, see its README). Skipped where they are not.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/cel/cel.h"
#include "triggers/cel/compare.h"
#include "triggers/cel/time_text.h"

namespace huitou::cel {
namespace {

namespace dom = simdjson::dom;

// Cases that do not pass, with the reason. One that starts passing must leave the list.
const std::map<std::string, std::string>& NotPassing() {
  static const std::map<std::string, std::string> cases = {};
  return cases;
}

std::string_view Text(dom::element json, std::string_view key) {
  std::string_view text;
  EXPECT_EQ(json[key].get(text), simdjson::SUCCESS) << key;
  return text;
}

std::string DecodeBase64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      break;
    }
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return out;
}

Value Owned(Value value, Arena& arena) {
  return Copy(value, arena);
}

double ReadDouble(dom::element json) {
  double d = 0;
  if (json["value"].get(d) == simdjson::SUCCESS) {
    return d;
  }
  const std::string_view text = Text(json, "value");
  if (text == "NaN") {
    return std::nan("");
  }
  return text == "Infinity" ? HUGE_VAL : -HUGE_VAL;
}

Value Read(dom::element json, Arena& arena);

Value ReadMap(dom::element json, Arena& arena) {
  std::vector<std::pair<Value, Value>> entries;
  for (dom::element entry : json["entries"].get_array()) {
    entries.emplace_back(Read(entry.at(0), arena), Read(entry.at(1), arena));
  }
  return MakeMap(std::move(entries), arena);
}

Value ReadList(dom::element json, Arena& arena) {
  std::vector<Value> items;
  for (dom::element item : json["value"].get_array()) {
    items.push_back(Read(item, arena));
  }
  return MakeList(std::move(items), arena);
}

Value Read(dom::element json, Arena& arena) {
  const std::string_view type = Text(json, "type");
  if (type == "null") {
    return Value::Null();
  }
  if (type == "bool") {
    return Value::Bool(json["value"].get_bool().value());
  }
  if (type == "double") {
    return Value::Double(ReadDouble(json));
  }
  if (type == "list") {
    return ReadList(json, arena);
  }
  if (type == "map") {
    return ReadMap(json, arena);
  }
  const std::string text(Text(json, "value"));
  if (type == "int") {
    return Value::Int(std::stoll(text));
  }
  if (type == "uint") {
    return Value::Uint(std::stoull(text));
  }
  if (type == "bytes") {
    return Owned(Value::Bytes(DecodeBase64(text)), arena);
  }
  if (type == "timestamp") {
    const Instant instant = ParseInstant(text).value();
    return Value::Timestamp(instant.seconds, instant.nanos);
  }
  if (type == "duration") {
    const int64_t nanos = ParseLength(text).value();
    return Value::Duration(nanos / 1'000'000'000, static_cast<int32_t>(nanos % 1'000'000'000));
  }
  if (type == "type") {
    return Owned(Value::Type(text), arena);
  }
  EXPECT_EQ(type, "string");
  return Owned(Value::String(text), arena);
}

// Equal in kind and value; NaN matches NaN, and maps match in any order.
bool Same(const Value& a, const Value& b, Arena& arena) {
  if (a.kind() != b.kind()) {
    return false;
  }
  if (a.kind() == Kind::kDouble) {
    return (std::isnan(a.as_double()) && std::isnan(b.as_double())) ||
           (a.as_double() == b.as_double() &&
            std::signbit(a.as_double()) == std::signbit(b.as_double()));
  }
  if (a.kind() == Kind::kList) {
    bool same = a.list().size() == b.list().size();
    for (size_t i = 0; same && i < a.list().size(); ++i) {
      same = Same(a.list().At(i, arena), b.list().At(i, arena), arena);
    }
    return same;
  }
  if (a.kind() == Kind::kMap) {
    bool same = a.map().size() == b.map().size();
    for (size_t i = 0; same && i < a.map().size(); ++i) {
      const Value key = a.map().KeyAt(i, arena);
      Value in_a;
      Value in_b;
      same = a.map().Find(key, arena, &in_a) && b.map().Find(key, arena, &in_b) &&
             Same(in_a, in_b, arena);
    }
    return same;
  }
  return Equal(a, b, arena);
}

Type TypeOf(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return Type::Bool();
    case Kind::kInt:
      return Type::Int();
    case Kind::kUint:
      return Type::Uint();
    case Kind::kDouble:
      return Type::Double();
    case Kind::kString:
      return Type::String();
    case Kind::kBytes:
      return Type::Bytes();
    case Kind::kTimestamp:
      return Type::Timestamp();
    case Kind::kDuration:
      return Type::Duration();
    case Kind::kList:
      return Type::List(Type::Dyn());
    case Kind::kMap:
      return Type::Map(Type::Dyn(), Type::Dyn());
    default:
      return Type::Dyn();
  }
}

// Empty when the case passes; otherwise what happened instead.
std::string RunCase(dom::element test, bool dyn_variables) {
  Arena arena;
  Environment env;
  env.AddStringExtensions();
  env.SetContainer(std::string(Text(test, "container")));
  if (test["disable_check"].get_bool().value()) {
    env.DisableChecker();
  }
  std::vector<Value> slots;
  for (dom::key_value_pair variable : dom::object(test["vars"].get_object())) {
    slots.push_back(Read(variable.value, arena));
    env.AddVariable(std::string(variable.key), dyn_variables ? Type::Dyn() : TypeOf(slots.back()),
                    static_cast<int>(slots.size()) - 1);
  }
  const dom::element expect = test["expect"];
  const bool expects_error = expect["error"].error() == simdjson::SUCCESS;
  const Compiled compiled = Compile(Text(test, "expr"), env);
  if (!compiled.ok()) {
    return expects_error ? "" : "refused: " + compiled.errors[0].message;
  }
  const Value value = compiled->Eval(slots, nullptr, arena);
  if (value.is_error() || expects_error) {
    return value.is_error() && expects_error ? "" : "gave " + ToJson(value);
  }
  const Value wanted = Read(expect, arena);
  return Same(value, wanted, arena) ? "" : ToJson(value) + " is not " + ToJson(wanted);
}

void RunFile(const char* file, size_t count) {
  const std::filesystem::path path =
      std::filesystem::path(HUITOU_SOURCE_DIR) / ".." / "shared" / "cel" / file;
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << path << " is not here";
  }
  dom::parser parser;
  dom::document_stream lines;
  const simdjson::padded_string text = simdjson::padded_string::load(path.string()).take_value();
  ASSERT_EQ(parser.parse_many(text).get(lines), simdjson::SUCCESS);
  size_t run = 0;
  for (dom::element test : lines) {
    const std::string name = std::string(Text(test, "file")) + "/" +
                             std::string(Text(test, "section")) + "/" +
                             std::string(Text(test, "name"));
    ++run;
    std::string wrong = RunCase(test, false);
    if (wrong.empty()) {
      wrong = RunCase(test, true);
    }
    if (NotPassing().contains(name)) {
      EXPECT_FALSE(wrong.empty()) << name << " passes: take it off the list";
    } else {
      EXPECT_TRUE(wrong.empty()) << name << ": " << Text(test, "expr") << ": " << wrong;
    }
  }
  EXPECT_EQ(run, count);
}

TEST(Conformance, TheLanguageIsTheSpecifications) {
  RunFile("conformance.jsonl", 776);
}

TEST(Conformance, TheStringExtensionsAreTheSpecifications) {
  RunFile("strings_ext.jsonl", 157);
}

}  // namespace
}  // namespace huitou::cel
