// The specification's JSON conversion, as `huitou eval` prints it.
#include <cmath>
#include <string>

#include "triggers/base/json.h"
#include "triggers/cel/text.h"
#include "triggers/cel/time_text.h"
#include "triggers/cel/value.h"

namespace huitou::cel {
namespace {

void Append(const Value& value, Arena& arena, std::string* out);

// A double keeps its point, so that it reads back as a double.
std::string DoubleJson(double d) {
  if (!std::isfinite(d)) {
    return '"' + DoubleText(d) + '"';
  }
  std::string text = DoubleText(d);
  if (text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return text;
}

std::string KeyText(const Value& key) {
  switch (key.kind()) {
    case Kind::kBool:
      return key.as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(key.as_int());
    case Kind::kUint:
      return std::to_string(key.as_uint());
    default:
      return std::string(key.as_string());
  }
}

void AppendList(const ListView& list, Arena& arena, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    *out += i == 0 ? "" : ",";
    Append(list.At(i, arena), arena, out);
  }
  *out += ']';
}

void AppendMap(const MapView& map, Arena& arena, std::string* out) {
  *out += '{';
  for (size_t i = 0; i < map.size(); ++i) {
    const Value key = map.KeyAt(i, arena);
    Value value;
    map.Find(key, arena, &value);
    *out += i == 0 ? "" : ",";
    AppendJsonString(out, KeyText(key));
    *out += ':';
    Append(value, arena, out);
  }
  *out += '}';
}

void Append(const Value& value, Arena& arena, std::string* out) {
  switch (value.kind()) {
    case Kind::kNull:
      *out += "null";
      return;
    case Kind::kBool:
      *out += value.as_bool() ? "true" : "false";
      return;
    case Kind::kInt:
      *out += std::to_string(value.as_int());
      return;
    case Kind::kUint:
      *out += std::to_string(value.as_uint());
      return;
    case Kind::kDouble:
      *out += DoubleJson(value.as_double());
      return;
    case Kind::kBytes:
      AppendJsonString(out, Base64(value.as_string()));
      return;
    case Kind::kTimestamp:
      AppendJsonString(out, InstantText(value));
      return;
    case Kind::kDuration:
      AppendJsonString(out, LengthText(value));
      return;
    case Kind::kList:
      return AppendList(value.list(), arena, out);
    case Kind::kMap:
      return AppendMap(value.map(), arena, out);
    case Kind::kObject:
      AppendJsonString(out, "object");
      return;
    case Kind::kString:
    case Kind::kType:
    case Kind::kError:
      AppendJsonString(out, value.as_string());
      return;
  }
}

}  // namespace

std::string ToJson(const Value& value) {
  Arena arena;
  std::string out;
  Append(value, arena, &out);
  return out;
}

}  // namespace huitou::cel
