#include "daemon/decode/field_map.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "daemon/decode/limits.h"
#include "triggers/base/json.h"

namespace huitou {
namespace {

namespace dom = simdjson::dom;

// What a target holds, which decides how a shop's value is written.
enum class FieldKind { kText, kTime, kAmount, kInteger, kBool, kAny };

FieldKind KindOf(std::string_view target) {
  static constexpr std::array<std::string_view, 26> kTexts = {
      "id",
      "type",
      "customer.id",
      "customer.phone",
      "customer.email",
      "customer.wechat_openid",
      "customer.locale",
      "customer.timezone",
      "customer.region",
      "customer.birthday",
      "order.id",
      "order.currency",
      "review.id",
      "review.order_id",
      "review.sku",
      "review.text",
      "consent.channel",
      "consent.class",
      "consent.template",
      "coupon.code",
      "coupon.dispatch",
      "message.dispatch",
      "message.channel",
      "message.reason",
      "message.text",
      "item.sku",
  };
  for (const std::string_view text : kTexts) {
    if (target == text) {
      return FieldKind::kText;
    }
  }
  if (target == "item.category") {
    return FieldKind::kText;
  }
  if (target == "time") {
    return FieldKind::kTime;
  }
  if (target == "order.total" || target == "coupon.amount" || target == "item.price") {
    return FieldKind::kAmount;
  }
  if (target == "item.quantity" || target == "review.rating" || target == "consent.credits") {
    return FieldKind::kInteger;
  }
  return target == "review.verified" ? FieldKind::kBool : FieldKind::kAny;
}

// A scalar as text: numbers by their shortest decimal, without an exponent. Nothing for others.
std::optional<std::string> ScalarText(const dom::element& element) {
  char digits[400];
  switch (element.type()) {
    case dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case dom::element_type::INT64:
      return std::to_string(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return std::to_string(element.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE: {
      const auto end = std::to_chars(digits, digits + sizeof digits,
                                     element.get_double().value_unsafe(), std::chars_format::fixed);
      return end.ec == std::errc() ? std::optional<std::string>({digits, end.ptr}) : std::nullopt;
    }
    case dom::element_type::BOOL:
      return element.get_bool().value_unsafe() ? "true" : "false";
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? std::optional(number)
                                                                       : std::nullopt;
}

// Seconds or milliseconds since 1970 as decimal text, with or without a fraction.
std::optional<TimeUs> ParseEpoch(std::string_view text, TimeUnit unit) {
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative ? 1 : 0);
  const size_t point = std::min(text.find('.'), text.size());
  const std::optional<int64_t> whole = ParseInteger(text.substr(0, point));
  const DurationUs scale = unit == TimeUnit::kSeconds ? kSecondUs : kSecondUs / 1000;
  if (!whole || *whole < 0 || *whole > kTimestampMax / scale) {
    return std::nullopt;
  }
  TimeUs time = *whole * scale;
  DurationUs digit = scale;
  for (const char c : text.substr(std::min(point + 1, text.size()))) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    digit /= 10;
    time += (c - '0') * digit;
  }
  time = is_negative ? -time : time;
  return time < kTimestampMin ? std::nullopt : std::optional(time);
}

// Maps one record; writes each object of the contract as it goes.
class Mapping {
 public:
  Mapping(const dom::element& record, const FieldMap& map, std::string* detail)
      : record_(record), map_(map), detail_(detail) {}

  EventError Run(std::string* out);

 private:
  bool Fail(EventError error, std::string_view path) {
    error_ = error;
    *detail_ = path;
    return false;
  }
  Currency FindCurrency() const;
  bool AddItems(std::string* json);
  // `path` is what errors call the target.
  bool Add(const dom::element& base, std::string_view target, const FieldSource& source,
           std::string_view path, std::string_view key, JsonObject* object, bool* has_any);
  bool AddText(std::string_view target, const FieldSource& source, std::string_view path,
               std::string_view key, std::string text, JsonObject* object);
  bool AddTime(const FieldSource& source, std::string_view path, std::string_view key,
               std::string_view text, JsonObject* object);

  const dom::element& record_;
  const FieldMap& map_;
  std::string* detail_;
  Currency currency_;
  EventError error_ = EventError::kNone;
};

// The element that a pointer finds; nothing where there is none or it is null.
std::optional<dom::element> Find(const dom::element& base, const std::string& pointer) {
  dom::element found;
  if (base.at_pointer(pointer).get(found) != simdjson::SUCCESS || found.is_null()) {
    return std::nullopt;
  }
  return found;
}

Currency Mapping::FindCurrency() const {
  const auto source = map_.fields.find("order.currency");
  if (source == map_.fields.end()) {
    return map_.currency;
  }
  std::string code = source->second.value.value_or("");
  if (!source->second.pointer.empty()) {
    if (const auto found = Find(record_, source->second.pointer)) {
      code = ScalarText(*found).value_or("");
    }
  }
  if (const auto mapped = source->second.table.find(code); mapped != source->second.table.end()) {
    code = mapped->second;
  }
  return Currency::Parse(code).value_or(map_.currency);
}

bool Mapping::AddTime(const FieldSource& source, std::string_view path, std::string_view key,
                      std::string_view text, JsonObject* object) {
  const std::optional<TimeUs> time = source.unit != TimeUnit::kText ? ParseEpoch(text, source.unit)
                                     : source.zone ? ParseTimeInZone(text, *source.zone)
                                                   : ParseRfc3339(text);
  if (!time) {
    return Fail(EventError::kBadTime, path);
  }
  object->Add(key, FormatRfc3339(*time));
  return true;
}

bool Mapping::AddText(std::string_view target, const FieldSource& source, std::string_view path,
                      std::string_view key, std::string text, JsonObject* object) {
  if (!source.table.empty()) {
    const auto mapped = source.table.find(text);
    if (mapped == source.table.end() && !source.other) {
      return Fail(EventError::kBadType, path);
    }
    text = mapped == source.table.end() ? *source.other : mapped->second;
    if (text.empty()) {
      // The record says nothing, or nothing of this field.
      return target != "type" || Fail(EventError::kTombstone, path);
    }
  }
  switch (KindOf(target)) {
    case FieldKind::kTime:
      return AddTime(source, path, key, text, object);
    case FieldKind::kAmount: {
      const std::optional<int64_t> minor = source.minor ? ParseInteger(text) : std::nullopt;
      if (source.minor && !minor) {
        return Fail(EventError::kBadType, path);
      }
      object->Add(key, minor ? FormatMinor(*minor, currency_) : text);
      return true;
    }
    case FieldKind::kInteger: {
      const std::optional<int64_t> number = ParseInteger(text);
      if (!number) {
        return Fail(EventError::kBadType, path);
      }
      object->AddInteger(key, *number);
      return true;
    }
    case FieldKind::kBool:
      if (text != "true" && text != "false" && text != "1" && text != "0") {
        return Fail(EventError::kBadType, path);
      }
      object->AddBoolean(key, text == "true" || text == "1");
      return true;
    default:
      object->Add(key, text);
      return true;
  }
}

bool Mapping::Add(const dom::element& base, std::string_view target, const FieldSource& source,
                  std::string_view path, std::string_view key, JsonObject* object, bool* has_any) {
  const std::optional<dom::element> found =
      source.pointer.empty() ? std::nullopt : Find(base, source.pointer);
  if (!found && !source.value) {
    return true;
  }
  *has_any = true;
  if (!found) {
    return AddText(target, source, path, key, *source.value, object);
  }
  if (source.table.empty() && KindOf(target) == FieldKind::kAny) {
    object->AddRaw(key, simdjson::minify(*found));
    return true;
  }
  std::optional<std::string> text = ScalarText(*found);
  if (!text) {
    return Fail(EventError::kBadType, path);
  }
  return AddText(target, source, path, key, std::move(*text), object);
}

bool Mapping::AddItems(std::string* json) {
  const std::optional<dom::element> found = Find(record_, map_.items_pointer);
  *json = "[";
  if (!found) {
    return true;
  }
  dom::array items;
  if (found->get_array().get(items) != simdjson::SUCCESS) {
    return Fail(EventError::kBadType, "order.items");
  }
  size_t index = 0;
  for (const dom::element item : items) {
    JsonObject object;
    for (const auto& [name, source] : map_.item_fields) {
      std::string path = "order.items[";
      path.append(std::to_string(index)).append("].").append(name);
      bool has_any = false;
      if (!Add(item, std::string("item.").append(name), source, path, name, &object, &has_any)) {
        return false;
      }
    }
    json->append(index++ == 0 ? "" : ",").append(object.Close());
  }
  json->push_back(']');
  return true;
}

EventError Mapping::Run(std::string* out) {
  currency_ = FindCurrency();
  JsonObject top;
  std::map<std::string_view, JsonObject> objects;
  for (const auto& [target, source] : map_.fields) {
    const size_t dot = target.find('.');
    bool has_any = false;
    if (dot == std::string::npos) {
      if (!Add(record_, target, source, target, target, &top, &has_any)) {
        return error_;
      }
      continue;
    }
    const std::string_view name = std::string_view(target).substr(0, dot);
    const std::string_view field = std::string_view(target).substr(dot + 1);
    JsonObject object = objects[name];
    if (!Add(record_, target, source, target, field, &object, &has_any)) {
      return error_;
    }
    if (has_any) {
      objects[name] = object;
    }
  }
  if (!map_.items_pointer.empty()) {
    std::string items;
    if (!AddItems(&items)) {
      return error_;
    }
    if (items != "[") {
      objects["order"].AddRaw("items", items);
    }
  }
  for (auto& [name, object] : objects) {
    if (const std::string json = object.Close(); json != "{}") {
      top.AddRaw(name, json);
    }
  }
  *out = top.Close();
  return EventError::kNone;
}

// JSON whose integers of more than 18 digits are texts, for the parser refuses those past 64 bits.
// As a number they would lose digits, and ids are what is so long.
std::string QuoteLongIntegers(std::string_view json) {
  static constexpr std::string_view kOfNumbers = "+-.0123456789Ee";
  static constexpr size_t kDigitsMax = 18;  // any such fits
  std::string quoted;
  quoted.reserve(json.size() + 16);
  bool in_text = false;
  for (size_t i = 0; i < json.size();) {
    size_t length = 1;
    if (in_text && json[i] == '\\') {
      length = std::min<size_t>(2, json.size() - i);
    } else if (json[i] == '"') {
      in_text = !in_text;
    } else if (!in_text && kOfNumbers.find(json[i]) != std::string_view::npos) {
      length = std::min(json.find_first_not_of(kOfNumbers, i), json.size()) - i;
    }
    const std::string_view token = json.substr(i, length);
    const std::string_view digits = token.substr(token[0] == '-' ? 1 : 0);
    const bool is_long = !in_text && digits.size() > kDigitsMax && digits[0] != '0' &&
                         digits.find_first_not_of("0123456789") == std::string_view::npos;
    quoted.append(is_long ? "\"" : "").append(token).append(is_long ? "\"" : "");
    i += length;
  }
  return quoted;
}

simdjson::error_code Parse(dom::parser* parser, std::string_view json, dom::element* record) {
  const simdjson::error_code error = parser->parse(json.data(), json.size()).get(*record);
  if (error == simdjson::SUCCESS || error == simdjson::UTF8_ERROR || error == simdjson::EMPTY) {
    return error;
  }
  // The word for such a number differs between versions of the library.
  const std::string quoted = QuoteLongIntegers(json);
  return quoted.size() == json.size() ? error : parser->parse(quoted).get(*record);
}

}  // namespace

bool IsJsonPointer(std::string_view pointer) {
  if (!pointer.empty() && pointer[0] != '/') {
    return false;
  }
  for (size_t i = pointer.find('~'); i < pointer.size(); i = pointer.find('~', i + 1)) {
    if (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')) {
      return false;
    }
  }
  return true;
}

std::optional<TimeUs> ParseTimeInZone(std::string_view text, const Zone& zone) {
  if (const std::optional<TimeUs> time = ParseRfc3339(text)) {
    return time;
  }
  if (text.size() < 19 || text.size() > 40 || (text[10] != 'T' && text[10] != ' ')) {
    return std::nullopt;
  }
  std::string local(text);
  local[10] = 'T';
  const std::optional<TimeUs> wall = ParseRfc3339(local.append("Z"));
  return wall ? std::optional(zone.FromLocal(*wall)) : std::nullopt;
}

EventError MapToContract(std::string_view json, const FieldMap& map, std::string* out,
                         std::string* detail) {
  detail->clear();
  if (json.empty()) {
    return EventError::kTombstone;
  }
  if (json.size() > limits::kEventBytesMax) {
    return EventError::kTooLarge;
  }
  dom::parser parser;
  dom::element record;
  const simdjson::error_code error = Parse(&parser, json, &record);
  if (error != simdjson::SUCCESS) {
    *detail = simdjson::error_message(error);
    return error == simdjson::UTF8_ERROR ? EventError::kBadUtf8
           : error == simdjson::EMPTY    ? EventError::kTombstone
                                         : EventError::kBadJson;
  }
  if (record.is_null()) {
    return EventError::kTombstone;
  }
  return Mapping(record, map, detail).Run(out);
}

}  // namespace huitou
