// charAt(), split() and the other string extensions. Positions and lengths count code points.
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "triggers/base/text.h"
#include "triggers/cel/builtins.h"
#include "triggers/cel/text.h"

namespace huitou::cel {
namespace {

constexpr std::string_view kOutOfRange = "index out of range";

// Reads the arguments one by one; ok() stays true while all had the kind asked for.
class Arguments {
 public:
  explicit Arguments(std::span<const Value> all) : all_(all) {}

  std::string_view Text() {
    const Value* value = Next(Kind::kString);
    return value == nullptr ? std::string_view{} : value->as_string();
  }
  int64_t Int(int64_t absent) {
    if (next_ >= all_.size()) {
      return absent;
    }
    const Value* value = Next(Kind::kInt);
    return value == nullptr ? 0 : value->as_int();
  }
  bool ok() const { return ok_ && next_ >= all_.size(); }

 private:
  const Value* Next(Kind kind) {
    ok_ = ok_ && next_ < all_.size() && all_[next_].kind() == kind;
    return ok_ ? &all_[next_++] : nullptr;
  }

  std::span<const Value> all_;
  size_t next_ = 0;
  bool ok_ = true;
};

size_t OffsetOf(std::string_view text, int64_t index) {
  return index < 0 ? std::string_view::npos : CodePointOffset(text, static_cast<size_t>(index));
}

// Linear, whatever the texts are.
size_t FindFrom(std::string_view text, std::string_view part, size_t start) {
  if (part.empty()) {
    return start;
  }
  const void* found = memmem(text.data() + start, text.size() - start, part.data(), part.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

Value CharAt(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const int64_t index = arguments.Int(0);
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  size_t offset = OffsetOf(text, index);
  if (offset == std::string_view::npos) {
    return Value::Error(kOutOfRange);
  }
  const size_t start = offset;
  if (offset < text.size()) {
    NextCodePoint(text, &offset);
  }
  return Value::String(text.substr(start, offset - start));
}

Value IndexOf(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const std::string_view part = arguments.Text();
  const int64_t from = arguments.Int(0);
  if (!arguments.ok() || !context.SpendBytes(text.size() + part.size())) {
    return Value::Error(kNoOverload);
  }
  const size_t start = OffsetOf(text, from);
  if (start == std::string_view::npos) {
    return Value::Error(kOutOfRange);
  }
  const size_t found = FindFrom(text, part, start);
  return Value::Int(found == std::string_view::npos
                        ? -1
                        : static_cast<int64_t>(CountCodePoints(text.substr(0, found))));
}

Value LastIndexOf(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const std::string_view part = arguments.Text();
  const int64_t from = arguments.Int(std::numeric_limits<int64_t>::max());
  // rfind may go over the part at each place.
  const uint64_t work = uint64_t{text.size() + 1} * (part.size() / 64 + 1) / 64;
  if (!arguments.ok() || !context.Spend(work)) {
    return Value::Error(kNoOverload);
  }
  const bool whole = from == std::numeric_limits<int64_t>::max();
  const size_t start = whole ? text.size() : OffsetOf(text, from);
  if (start == std::string_view::npos) {
    return Value::Error(kOutOfRange);
  }
  const size_t found = text.rfind(part, start);
  return Value::Int(found == std::string_view::npos
                        ? -1
                        : static_cast<int64_t>(CountCodePoints(text.substr(0, found))));
}

Value MapAscii(CallContext& context, std::span<const Value> all, char first, char last) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  std::string mapped(text);
  for (char& c : mapped) {
    if (c >= first && c <= last) {
      c = static_cast<char>(c ^ 0x20);
    }
  }
  return ArenaString(context.arena, mapped);
}

Value LowerAscii(CallContext& context, std::span<const Value> all) {
  return MapAscii(context, all, 'A', 'Z');
}

Value UpperAscii(CallContext& context, std::span<const Value> all) {
  return MapAscii(context, all, 'a', 'z');
}

// Where to cut a text of `size` bytes next, for the empty part: after each code point.
size_t NextCut(std::string_view text, std::string_view part, size_t start) {
  if (!part.empty()) {
    return FindFrom(text, part, start);
  }
  if (start >= text.size()) {
    return std::string_view::npos;
  }
  NextCodePoint(text, &start);
  return start;
}

Value Replace(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const std::string_view part = arguments.Text();
  const std::string_view with = arguments.Text();
  int64_t left = arguments.Int(-1);
  if (!arguments.ok()) {
    return Value::Error(kNoOverload);
  }
  std::string out;
  size_t start = 0;
  if (part.empty() && left != 0) {
    out += with;
    --left;
  }
  for (; left != 0; --left) {
    const size_t cut = NextCut(text, part, start);
    if (cut == std::string_view::npos) {
      break;
    }
    out += text.substr(start, cut - start);
    out += with;
    start = cut + part.size();
    if (!context.Spend(1 + with.size() / 64)) {
      return Value::Error(kOutOfSteps);
    }
  }
  out += text.substr(start);
  return context.SpendBytes(out.size()) ? ArenaString(context.arena, out)
                                        : Value::Error(kOutOfSteps);
}

Value Split(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const std::string_view part = arguments.Text();
  const int64_t limit = arguments.Int(-1);
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  std::vector<Value> items;
  size_t start = 0;
  while (limit != 0 && (limit < 0 || static_cast<int64_t>(items.size()) + 1 < limit)) {
    const size_t cut = NextCut(text, part, start);
    if (cut == std::string_view::npos || (part.empty() && cut == text.size())) {
      break;
    }
    items.push_back(Value::String(text.substr(start, cut - start)));
    start = cut + part.size();
    if (!context.Spend(1)) {
      return Value::Error(kOutOfSteps);
    }
  }
  const bool rest = limit != 0 && !(part.empty() && text.empty());
  if (rest) {
    items.push_back(Value::String(text.substr(start)));
  }
  return MakeList(std::move(items), context.arena);
}

Value Substring(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  const int64_t from = arguments.Int(0);
  const int64_t to = arguments.Int(std::numeric_limits<int64_t>::max());
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  const size_t start = OffsetOf(text, from);
  const size_t end = to == std::numeric_limits<int64_t>::max() ? text.size() : OffsetOf(text, to);
  if (start == std::string_view::npos || end == std::string_view::npos || start > end) {
    return Value::Error(kOutOfRange);
  }
  return Value::String(text.substr(start, end - start));
}

// Unicode's White_Space.
bool IsSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Value Trim(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  size_t first = text.size();
  size_t last = text.size();
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    if (!IsSpace(NextCodePoint(text, &offset))) {
      first = std::min(first, start);
      last = offset;
    }
  }
  return Value::String(text.substr(first, last - first));
}

Value Join(CallContext& context, std::span<const Value> all) {
  if (all[0].kind() != Kind::kList || (all.size() == 2 && !all[1].is_string())) {
    return Value::Error(kNoOverload);
  }
  const std::string_view separator = all.size() == 2 ? all[1].as_string() : std::string_view{};
  const ListView& list = all[0].list();
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    const Value item = list.At(i, context.arena);
    if (!item.is_string()) {
      return item.is_error() ? item : Value::Error(kNoOverload);
    }
    out += i == 0 ? std::string_view{} : separator;
    out += item.as_string();
    if (!context.Spend(1 + (separator.size() + item.as_string().size()) / 64)) {
      return Value::Error(kOutOfSteps);
    }
  }
  return ArenaString(context.arena, out);
}

Value ReverseText(CallContext& context, std::span<const Value> all) {
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  std::string out(text.size(), '\0');
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    NextCodePoint(text, &offset);
    text.copy(out.data() + (text.size() - offset), offset - start, start);
  }
  return ArenaString(context.arena, out);
}

Value Quote(CallContext& context, std::span<const Value> all) {
  static constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kNames = "abfnrtv\\\"";
  Arguments arguments(all);
  const std::string_view text = arguments.Text();
  if (!arguments.ok() || !context.SpendBytes(text.size())) {
    return Value::Error(kNoOverload);
  }
  std::string out = "\"";
  for (const char c : text) {
    const size_t escaped = kEscaped.find(c);
    if (escaped == std::string_view::npos) {
      out += c;
    } else {
      out += '\\';
      out += kNames[escaped];
    }
  }
  out += '"';
  return ArenaString(context.arena, out);
}

}  // namespace

void AppendStringExtensions(std::vector<Builtin>* table) {
  const Type s = Type::String();
  const Type i = Type::Int();
  const Type list = Type::List(Type::String());
  const auto method = [&](std::string_view name, std::vector<Type> parameters, const Type& result,
                          BuiltinCall call) {
    table->push_back({name, true, std::move(parameters), result, call, true});
  };
  method("charAt", {s, i}, s, CharAt);
  method("format", {s, Type::List(Type::Dyn())}, s, FormatText);
  method("indexOf", {s, s}, i, IndexOf);
  method("indexOf", {s, s, i}, i, IndexOf);
  method("join", {list}, s, Join);
  method("join", {list, s}, s, Join);
  method("lastIndexOf", {s, s}, i, LastIndexOf);
  method("lastIndexOf", {s, s, i}, i, LastIndexOf);
  method("lowerAscii", {s}, s, LowerAscii);
  method("replace", {s, s, s}, s, Replace);
  method("replace", {s, s, s, i}, s, Replace);
  method("reverse", {s}, s, ReverseText);
  method("split", {s, s}, list, Split);
  method("split", {s, s, i}, list, Split);
  method("substring", {s, i}, s, Substring);
  method("substring", {s, i, i}, s, Substring);
  method("trim", {s}, s, Trim);
  method("upperAscii", {s}, s, UpperAscii);
  table->push_back({"strings.quote", false, {s}, s, Quote, true});
}

}  // namespace huitou::cel
