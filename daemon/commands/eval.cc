#include "daemon/commands/eval.h"

#include <simdjson.h>

#include <istream>
#include <map>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/json.h"
#include "triggers/base/text.h"
#include "triggers/cel/cel.h"

namespace huitou {
namespace {

namespace dom = simdjson::dom;

constexpr int kExitGood = 0;
constexpr int kExitNo = 1;
constexpr int kExitUsage = 2;

// Variables of one evaluation: a condition sees a customer of some kilobytes; thousands of those
// still fit.
constexpr size_t kVarsBytesMax = size_t{64} << 20;

using Variables = std::map<std::string, cel::Value, std::less<>>;

cel::Value ToValue(dom::element json, cel::Arena& arena);

cel::Value ToList(dom::array items, cel::Arena& arena) {
  std::vector<cel::Value> values;
  for (dom::element item : items) {
    values.push_back(ToValue(item, arena));
    if (values.back().is_error()) {
      return values.back();
    }
  }
  return cel::MakeList(std::move(values), arena);
}

cel::Value ToMap(dom::object fields, cel::Arena& arena) {
  std::vector<std::pair<cel::Value, cel::Value>> entries;
  for (dom::key_value_pair field : fields) {
    entries.emplace_back(cel::Value::String(field.key), ToValue(field.value, arena));
    if (entries.back().second.is_error()) {
      return entries.back().second;
    }
  }
  return cel::MakeMap(std::move(entries), arena);
}

// Texts stay in the JSON document, which outlives the evaluation.
cel::Value ToValue(dom::element json, cel::Arena& arena) {
  switch (json.type()) {
    case dom::element_type::NULL_VALUE:
      return cel::Value::Null();
    case dom::element_type::BOOL:
      return cel::Value::Bool(json.get_bool().value_unsafe());
    case dom::element_type::INT64:
      return cel::Value::Int(json.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return cel::Value::Uint(json.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return cel::Value::Double(json.get_double().value_unsafe());
    case dom::element_type::STRING:
      return cel::Value::String(json.get_string().value_unsafe());
    case dom::element_type::ARRAY:
      return ToList(json.get_array().value_unsafe(), arena);
    case dom::element_type::OBJECT:
      return ToMap(json.get_object().value_unsafe(), arena);
  }
  return cel::Value::Null();
}

cel::Type TypeOf(const cel::Value& value) {
  switch (value.kind()) {
    case cel::Kind::kBool:
      return cel::Type::Bool();
    case cel::Kind::kInt:
      return cel::Type::Int();
    case cel::Kind::kUint:
      return cel::Type::Uint();
    case cel::Kind::kDouble:
      return cel::Type::Double();
    case cel::Kind::kString:
      return cel::Type::String();
    case cel::Kind::kList:
      return cel::Type::List(cel::Type::Dyn());
    case cel::Kind::kMap:
      return cel::Type::Map(cel::Type::String(), cel::Type::Dyn());
    default:
      return cel::Type::Dyn();
  }
}

struct Mistake {
  size_t column = 1;  // in characters, from 1
  std::string text;   // "what; hint"
};

struct Answer {
  std::string json;               // empty when there are mistakes
  std::vector<Mistake> mistakes;  // in the order of their columns
};

size_t ColumnOf(std::string_view text, size_t offset) {
  return CountCodePoints(text.substr(0, offset)) + 1;
}

Answer Refuse(std::string text) {
  return {.json = {}, .mistakes = {{1, std::move(text)}}};
}

std::string HintOf(const cel::CompileError& error) {
  for (const std::string name : {"event", "customer"}) {
    if (error.message == "unknown name '" + name + "'") {
      return "; give it by --" + name + " JSON";
    }
  }
  return (error.hint.empty() ? "" : "; ") + error.hint;
}

Answer Evaluate(std::string_view expression, const Variables& variables) {
  cel::Environment env;
  env.AddStringExtensions();
  std::vector<cel::Value> slots;
  for (const auto& [name, value] : variables) {
    env.AddVariable(name, TypeOf(value), static_cast<int>(slots.size()));
    slots.push_back(value);
  }
  Answer answer;
  const cel::Compiled compiled = cel::Compile(expression, env);
  for (const cel::CompileError& error : compiled.errors) {
    answer.mistakes.push_back({ColumnOf(expression, error.offset), error.message + HintOf(error)});
  }
  if (!compiled.ok()) {
    return answer;
  }
  cel::Arena arena;
  size_t offset = 0;
  const cel::Value value = compiled->Eval(slots, nullptr, arena, &offset);
  if (value.is_error()) {
    answer.mistakes.push_back({ColumnOf(expression, offset), std::string(value.as_string())});
  } else {
    answer.json = cel::ToJson(value);
  }
  return answer;
}

// The JSON documents of the options, and the values that point into them.
class Bindings {
 public:
  Bindings() : arena_(kVarsBytesMax) {}

  // Empty when every option is an object; otherwise what is wrong.
  std::string Load(const EvalOptions& options) {
    for (const auto& [name, json] :
         {std::pair("event", &options.event), std::pair("customer", &options.customer)}) {
      if (!json->has_value()) {
        continue;
      }
      dom::object object;
      std::string wrong = Parse(name, **json, &object);
      if (!wrong.empty()) {
        return wrong;
      }
      variables_[name] = ToMap(object, arena_);
    }
    if (options.vars.has_value()) {
      dom::object object;
      std::string wrong = Parse("vars", *options.vars, &object);
      return wrong.empty() ? AddAll(object, arena_, &variables_) : wrong;
    }
    return {};
  }

  static std::string AddAll(dom::object object, cel::Arena& arena, Variables* variables) {
    for (dom::key_value_pair field : object) {
      const cel::Value value = ToValue(field.value, arena);
      if (value.is_error()) {
        return "the variables are too large";
      }
      (*variables)[std::string(field.key)] = value;
    }
    return {};
  }

  const Variables& variables() const { return variables_; }

 private:
  std::string Parse(const char* option, const std::string& json, dom::object* object) {
    parsers_.push_back(std::make_unique<dom::parser>());
    dom::element root;
    const simdjson::error_code error = parsers_.back()->parse(json).get(root);
    if (error != simdjson::SUCCESS) {
      return std::string("--") + option + " is no JSON: " + simdjson::error_message(error);
    }
    if (root.get_object().get(*object) != simdjson::SUCCESS) {
      return std::string("--") + option + " must be a JSON object, for example {\"n\": 1}";
    }
    return {};
  }

  std::vector<std::unique_ptr<dom::parser>> parsers_;
  cel::Arena arena_;
  Variables variables_;
};

Answer AnswerLine(dom::parser& parser, const std::string& line, const Variables& common) {
  dom::element root;
  const simdjson::error_code error = parser.parse(line).get(root);
  if (error != simdjson::SUCCESS) {
    return Refuse(std::string("the line is no JSON: ") + simdjson::error_message(error));
  }
  std::string_view expression;
  if (root["expr"].get_string().get(expression) != simdjson::SUCCESS) {
    return Refuse(R"(the line has no text under "expr"; write {"expr": "1 + 1", "vars": {}})");
  }
  cel::Arena arena(kVarsBytesMax);
  Variables variables = common;
  dom::element vars;
  if (root["vars"].get(vars) == simdjson::SUCCESS && !vars.is_null()) {
    dom::object object;
    if (vars.get_object().get(object) != simdjson::SUCCESS) {
      return Refuse(R"("vars" must be a JSON object)");
    }
    std::string wrong = Bindings::AddAll(object, arena, &variables);
    if (!wrong.empty()) {
      return Refuse(std::move(wrong));
    }
  }
  return Evaluate(expression, variables);
}

int RunBatch(const Variables& common, std::istream& in, std::ostream& out) {
  dom::parser parser;
  std::string line;
  while (std::getline(in, line)) {
    const Answer answer = AnswerLine(parser, line, common);
    JsonObject object;
    if (answer.mistakes.empty()) {
      object.AddRaw("value", answer.json);
    } else {
      const Mistake& first = answer.mistakes.front();
      object.Add("error", first.text);
      object.AddInteger("column", static_cast<int64_t>(first.column));
    }
    out << object.Close() << '\n';
    out.flush();  // a peer at the other end of a pipe may wait for it before asking again
  }
  return kExitGood;
}

// With a mark under the place, where a terminal's columns are the text's characters.
void PrintMistakes(const std::string& expression, const Answer& answer, std::ostream& err) {
  const bool plain = expression.size() <= 100 &&
                     expression.find_first_not_of(
                         " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                         "abcdefghijklmnopqrstuvwxyz{|}~") == std::string::npos;
  for (const Mistake& mistake : answer.mistakes) {
    err << "column " << mistake.column << ": error: " << mistake.text << '\n';
    if (plain) {
      err << "  " << expression << "\n  " << std::string(mistake.column - 1, ' ') << "^\n";
    }
  }
}

}  // namespace

int RunEval(const EvalOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  Bindings bindings;
  const std::string wrong = bindings.Load(options);
  if (!wrong.empty()) {
    err << wrong << '\n';
    return kExitUsage;
  }
  if (options.batch) {
    return RunBatch(bindings.variables(), in, out);
  }
  const Answer answer = Evaluate(options.expression, bindings.variables());
  if (!answer.mistakes.empty()) {
    PrintMistakes(options.expression, answer, err);
    return kExitNo;
  }
  out << answer.json << '\n';
  return kExitGood;
}

}  // namespace huitou
