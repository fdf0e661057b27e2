// `huitou eval`: evaluates one condition, or one per line, for the people who write them. Pure but
// for its streams; one thread.
//
// Example: RunEval({.expression = "n > 1", .vars = R"({"n":2})"}, in, out, err) prints true.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

namespace huitou {

struct EvalOptions {
  std::string expression;
  std::optional<std::string> vars;      // JSON: an object of variables
  std::optional<std::string> event;     // JSON: an object, bound to `event`
  std::optional<std::string> customer;  // JSON: an object, bound to `customer`
  bool batch = false;  // lines {"expr":...,"vars":{...}} from `in` instead of `expression`
};

// The value as JSON on `out`, or the errors with their columns on `err`. In a batch one line for
// each line: {"value":...} or {"error":"...","column":n}. Returns the exit code: 0; 1 where the
// expression has an error; 2 where the options are no JSON objects.
int RunEval(const EvalOptions& options, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace huitou
