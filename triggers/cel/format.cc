// "%s".format([...]) of the string extensions: %s %d %f %e %b %o %x %X and %%.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "triggers/base/text.h"
#include "triggers/cel/builtins.h"
#include "triggers/cel/text.h"
#include "triggers/cel/time_text.h"

namespace huitou::cel {
namespace {

// More digits than any double has.
constexpr int kPrecisionMax = 400;
constexpr int kPrecisionDefault = 6;

class Formatter {
 public:
  explicit Formatter(CallContext& context) : context_(context) {}

  Value Run(std::string_view format, const ListView& arguments);

 private:
  bool ParsePrecision(std::string_view format, size_t* at);
  bool Append(char verb, const Value& value);
  bool AppendText(const Value& value);
  bool AppendItems(const Value& list);
  bool AppendEntries(const Value& map);
  bool AppendDecimal(const Value& value);
  bool AppendReal(char verb, const Value& value);
  bool AppendBased(char verb, const Value& value);

  bool Refuse(std::string_view message) {
    error_ = message;
    return false;
  }

  CallContext& context_;
  std::string out_;
  int precision_ = kPrecisionDefault;
  std::string_view error_ = kNoOverload;
};

std::string Digits(uint64_t value, uint32_t base, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  do {
    text.push_back(digits[value % base]);
    value /= base;
  } while (value != 0);
  std::reverse(text.begin(), text.end());
  return text;
}

std::string Hex(std::string_view bytes, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

bool Formatter::AppendText(const Value& value) {
  if (!context_.Spend(1)) {
    return Refuse(kOutOfSteps);
  }
  switch (value.kind()) {
    case Kind::kNull:
      out_ += "null";
      return true;
    case Kind::kBool:
      out_ += value.as_bool() ? "true" : "false";
      return true;
    case Kind::kInt:
      out_ += std::to_string(value.as_int());
      return true;
    case Kind::kUint:
      out_ += std::to_string(value.as_uint());
      return true;
    case Kind::kDouble:
      out_ += DoubleText(value.as_double());
      return true;
    case Kind::kBytes:
      if (!IsUtf8(value.as_string())) {
        return Refuse("the bytes are not valid UTF-8");
      }
      [[fallthrough]];
    case Kind::kString:
    case Kind::kType:
      out_ += value.as_string();
      return true;
    case Kind::kTimestamp:
      out_ += InstantText(value);
      return true;
    case Kind::kDuration:
      out_ += LengthText(value);
      return true;
    case Kind::kList:
      return AppendItems(value);
    case Kind::kMap:
      return AppendEntries(value);
    default:
      return Refuse(kNoOverload);
  }
}

bool Formatter::AppendItems(const Value& list) {
  out_ += '[';
  for (size_t i = 0; i < list.list().size(); ++i) {
    out_ += i == 0 ? "" : ", ";
    if (!AppendText(list.list().At(i, context_.arena))) {
      return false;
    }
  }
  out_ += ']';
  return true;
}

// Entries sorted by the text of their keys, so that the result does not depend on their order.
bool Formatter::AppendEntries(const Value& map) {
  std::vector<std::pair<std::string, Value>> entries;
  for (size_t i = 0; i < map.map().size(); ++i) {
    const Value key = map.map().KeyAt(i, context_.arena);
    Value value;
    std::string outer = std::exchange(out_, {});
    const bool ok = map.map().Find(key, context_.arena, &value) && AppendText(key);
    entries.emplace_back(std::exchange(out_, std::move(outer)), value);
    if (!ok) {
      return false;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  out_ += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    out_ += (i == 0 ? "" : ", ") + entries[i].first + ": ";
    if (!AppendText(entries[i].second)) {
      return false;
    }
  }
  out_ += '}';
  return true;
}

bool Formatter::AppendDecimal(const Value& value) {
  const bool number =
      value.kind() == Kind::kInt || value.kind() == Kind::kUint || value.kind() == Kind::kDouble;
  return number && AppendText(value);
}

bool Formatter::AppendReal(char verb, const Value& value) {
  double d = 0;
  switch (value.kind()) {
    case Kind::kInt:
      d = static_cast<double>(value.as_int());
      break;
    case Kind::kUint:
      d = static_cast<double>(value.as_uint());
      break;
    case Kind::kDouble:
      d = value.as_double();
      break;
    default:
      return false;
  }
  if (!std::isfinite(d)) {
    out_ += DoubleText(d);
    return true;
  }
  // The largest double has 309 digits before the point.
  char buffer[kPrecisionMax + 320];
  std::snprintf(buffer, sizeof(buffer), verb == 'f' ? "%.*f" : "%.*e", precision_, d);
  out_ += buffer;
  return true;
}

bool Formatter::AppendBased(char verb, const Value& value) {
  const uint32_t base = verb == 'b' ? 2 : (verb == 'o' ? 8 : 16);
  const bool upper = verb == 'X';
  switch (value.kind()) {
    case Kind::kBool:
      if (base != 2) {
        return false;
      }
      out_ += value.as_bool() ? '1' : '0';
      return true;
    case Kind::kInt:
      out_ += value.as_int() < 0 ? "-" + Digits(0 - value.as_uint(), base, upper)
                                 : Digits(value.as_uint(), base, upper);
      return true;
    case Kind::kUint:
      out_ += Digits(value.as_uint(), base, upper);
      return true;
    case Kind::kString:
    case Kind::kBytes:
      if (base != 16) {
        return false;
      }
      out_ += Hex(value.as_string(), upper);
      return true;
    default:
      return false;
  }
}

bool Formatter::Append(char verb, const Value& value) {
  switch (verb) {
    case 's':
      return AppendText(value);
    case 'd':
      return AppendDecimal(value);
    case 'f':
    case 'e':
      return AppendReal(verb, value);
    case 'b':
    case 'o':
    case 'x':
    case 'X':
      return AppendBased(verb, value);
    default:
      return Refuse("unknown formatting clause");
  }
}

bool Formatter::ParsePrecision(std::string_view format, size_t* at) {
  precision_ = kPrecisionDefault;
  if (*at >= format.size() || format[*at] != '.') {
    return true;
  }
  int digits = 0;
  precision_ = 0;
  for (++*at; *at < format.size() && format[*at] >= '0' && format[*at] <= '9'; ++*at, ++digits) {
    precision_ = std::min(precision_ * 10 + (format[*at] - '0'), kPrecisionMax + 1);
  }
  return (digits > 0 && precision_ <= kPrecisionMax) || Refuse("bad precision in a format");
}

Value Formatter::Run(std::string_view format, const ListView& arguments) {
  size_t next = 0;
  for (size_t at = 0; at < format.size();) {
    const size_t percent = std::min(format.find('%', at), format.size());
    out_ += format.substr(at, percent - at);
    at = percent + 1;
    if (percent == format.size()) {
      break;
    }
    if (at < format.size() && format[at] == '%') {
      out_ += '%';
      ++at;
      continue;
    }
    if (!ParsePrecision(format, &at)) {
      return Value::Error(error_);
    }
    if (at >= format.size() || next >= arguments.size()) {
      return Value::Error(at >= format.size() ? "a format ends in '%'"
                                              : "too few format arguments");
    }
    const Value value = arguments.At(next++, context_.arena);
    const size_t before = out_.size();
    if (!Append(format[at++], value)) {
      return value.is_error() ? value : Value::Error(error_);
    }
    if (!context_.Spend(1 + (out_.size() - before) / 64)) {
      return Value::Error(kOutOfSteps);
    }
  }
  return ArenaString(context_.arena, out_);
}

}  // namespace

Value FormatText(CallContext& context, std::span<const Value> arguments) {
  if (!arguments[0].is_string() || arguments[1].kind() != Kind::kList) {
    return Value::Error(kNoOverload);
  }
  if (!context.SpendBytes(arguments[0].as_string().size())) {
    return Value::Error(kOutOfSteps);
  }
  return Formatter(context).Run(arguments[0].as_string(), arguments[1].list());
}

}  // namespace huitou::cel
