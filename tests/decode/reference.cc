#include "tests/decode/reference.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "config/phone.h"
#include "daemon/decode/limits.h"
#include "triggers/base/json.h"

namespace huitou {
namespace {

namespace dom = simdjson::dom;

struct Refused {
  EventError error;
};

dom::object ObjectOf(const dom::element& element) {
  dom::object object;
  if (element.get_object().get(object) != simdjson::SUCCESS) {
    throw Refused{EventError::kBadType};
  }
  return object;
}

dom::array ArrayOf(const dom::element& element) {
  dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS) {
    throw Refused{EventError::kBadType};
  }
  return array;
}

// The fields of an object that are not null, the last of each name, in the order of their first.
class Object {
 public:
  explicit Object(const dom::object& object) {
    for (const auto& field : object) {
      const auto found = std::find_if(fields_.begin(), fields_.end(),
                                      [&](const auto& known) { return known.first == field.key; });
      if (found == fields_.end()) {
        fields_.emplace_back(std::string(field.key), field.value);
      } else if (!field.value.is_null() || !IsNamed(field.key)) {
        found->second = field.value;
      }
    }
  }

  std::optional<dom::element> Take(std::string_view name) {
    named_.emplace_back(name);
    for (const auto& field : fields_) {
      if (field.first == name && !field.second.is_null()) {
        return field.second;
      }
    }
    return std::nullopt;
  }
  // What nobody took, as `,"name":value`.
  std::string Others() const;

 private:
  static bool IsNamed(std::string_view name);

  std::vector<std::pair<std::string, dom::element>> fields_;
  std::vector<std::string> named_;
};

bool Object::IsNamed(std::string_view name) {
  // A null of a name that the contract knows says nothing, so an earlier value stands.
  static const std::vector<std::string_view> kNames = {
      "id",       "type",    "time",     "customer",      "order",  "review",   "consent",
      "coupon",   "message", "phone",    "email",         "locale", "timezone", "region",
      "birthday", "tags",    "currency", "total",         "items",  "sku",      "category",
      "quantity", "price",   "order_id", "wechat_openid", "rating", "text",     "verified"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string AnyJson(const dom::element& element, int depth) {
  if (depth > limits::kAttributeDepthMax) {
    throw Refused{EventError::kTooLarge};
  }
  std::string out;
  if (element.is_object()) {
    if (depth == limits::kAttributeDepthMax) {
      throw Refused{EventError::kTooLarge};
    }
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& field : ObjectOf(element)) {
      const std::string value = AnyJson(field.value, depth + 1);
      const auto known = std::find_if(fields.begin(), fields.end(),
                                      [&](const auto& other) { return other.first == field.key; });
      if (known == fields.end()) {
        fields.emplace_back(std::string(field.key), value);
      } else {
        known->second = value;
      }
    }
    for (const auto& [key, value] : fields) {
      out += out.empty() ? "{" : ",";
      AppendJsonString(&out, key);
      out.append(":").append(value);
    }
    return out.empty() ? "{}" : out + "}";
  }
  if (element.is_array()) {
    if (depth == limits::kAttributeDepthMax) {
      throw Refused{EventError::kTooLarge};
    }
    for (const dom::element item : ArrayOf(element)) {
      out += out.empty() ? "[" : ",";
      out += AnyJson(item, depth + 1);
    }
    return out.empty() ? "[]" : out + "]";
  }
  if (element.is_string()) {
    AppendJsonString(&out, element.get_string().value_unsafe());
    return out;
  }
  if (element.type() == dom::element_type::DOUBLE || element.type() == dom::element_type::UINT64) {
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, element.get_double().value_unsafe());
    out.assign(digits, end.ptr);
    return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
  }
  return simdjson::minify(element);
}

std::string Object::Others() const {
  std::string out;
  for (const auto& [name, value] : fields_) {
    if (std::find(named_.begin(), named_.end(), name) == named_.end()) {
      out += ",";
      AppendJsonString(&out, name);
      out.append(":").append(AnyJson(value, 1));
    }
  }
  return out;
}

std::string Text(const std::optional<dom::element>& element, size_t bytes_max) {
  if (!element) {
    return "";
  }
  if (!element->is_string()) {
    throw Refused{EventError::kBadType};
  }
  const std::string_view text = element->get_string().value_unsafe();
  if (text.size() > bytes_max) {
    throw Refused{EventError::kTooLarge};
  }
  return std::string(text);
}

std::string Id(const std::optional<dom::element>& element) {
  std::string id = Text(element, limits::kIdBytesMax);
  for (const char c : id) {
    if (static_cast<unsigned char>(c) < 0x20) {
      throw Refused{EventError::kBadType};
    }
  }
  return id;
}

std::optional<Object> Sub(const std::optional<dom::element>& element) {
  if (!element) {
    return std::nullopt;
  }
  return Object(ObjectOf(*element));
}

int64_t Integer(const std::optional<dom::element>& element, int64_t otherwise) {
  int64_t number = otherwise;
  if (element && (element->get_int64().get(number) != simdjson::SUCCESS ||
                  element->type() != dom::element_type::INT64 || number > 1'000'000'000 ||
                  number < -1'000'000'000)) {
    throw Refused{EventError::kBadType};
  }
  return number;
}

std::string Amount(const std::optional<dom::element>& element, Currency currency) {
  std::optional<int64_t> minor = 0;
  if (element && element->is_string()) {
    minor = ParseMinor(element->get_string().value_unsafe(), currency);
  } else if (element) {
    minor = ParseMinor(simdjson::minify(*element), currency);
  }
  if (!minor) {
    throw Refused{EventError::kBadType};
  }
  return FormatMinor(*minor, currency);
}

void Put(std::string* out, std::string_view name, std::string_view text) {
  if (!text.empty()) {
    out->append(out->back() == '{' ? "\"" : ",\"").append(name).append("\":");
    AppendJsonString(out, text);
  }
}

void PutRaw(std::string* out, std::string_view name, std::string_view json) {
  out->append(out->back() == '{' ? "\"" : ",\"").append(name).append("\":").append(json);
}

std::string Close(std::string out, const Object& object) {
  const std::string others = object.Others();
  return out.append(out.back() == '{' && !others.empty() ? others.substr(1) : others).append("}");
}

std::string Customer(Object& customer) {
  std::string out = "{";
  Put(&out, "id", Id(customer.Take("id")));
  for (const char* name :
       {"phone", "email", "wechat_openid", "locale", "timezone", "region", "birthday"}) {
    std::string text = Text(customer.Take(name), limits::kWordBytesMax);
    if (std::string_view(name) == "phone") {
      text = NormalisePhone(text, "CN");
    }
    Put(&out, name, text);
  }
  if (const auto tags = customer.Take("tags")) {
    std::string list = "[";
    for (const dom::element tag : ArrayOf(*tags)) {
      if (tag.is_null()) {
        throw Refused{EventError::kBadType};
      }
      list += list == "[" ? "" : ",";
      AppendJsonString(&list, Text(tag, limits::kWordBytesMax));
    }
    PutRaw(&out, "tags", list + "]");
  }
  return Close(out, customer);
}

std::string OrderJson(Object& order, Currency shop_currency) {
  std::string out = "{";
  Put(&out, "id", Id(order.Take("id")));
  Currency currency = shop_currency;
  if (const auto code = order.Take("currency")) {
    const auto parsed = Currency::Parse(Text(code, limits::kWordBytesMax));
    if (!parsed) {
      throw Refused{EventError::kBadType};
    }
    currency = *parsed;
  }
  Put(&out, "currency", currency.code());
  PutRaw(&out, "total", "\"" + Amount(order.Take("total"), currency) + "\"");
  std::string list = "[";
  if (const auto items = order.Take("items")) {
    for (const dom::element element : ArrayOf(*items)) {
      auto item = Sub(element);
      std::string json = "{";
      Put(&json, "sku", Text(item->Take("sku"), limits::kIdBytesMax));
      Put(&json, "category", Text(item->Take("category"), limits::kWordBytesMax));
      PutRaw(&json, "quantity", std::to_string(Integer(item->Take("quantity"), 1)));
      PutRaw(&json, "price", "\"" + Amount(item->Take("price"), currency) + "\"");
      list += list == "[" ? "" : ",";
      list += Close(json, *item);
    }
  }
  PutRaw(&out, "items", list + "]");
  return Close(out, order);
}

std::string ReviewJson(Object& review) {
  std::string out = "{";
  Put(&out, "id", Id(review.Take("id")));
  Put(&out, "order_id", Id(review.Take("order_id")));
  Put(&out, "sku", Text(review.Take("sku"), limits::kIdBytesMax));
  const int64_t rating = Integer(review.Take("rating"), 0);
  if (rating > limits::kRatingMax || rating < -limits::kRatingMax) {
    throw Refused{EventError::kBadType};
  }
  PutRaw(&out, "rating", std::to_string(rating));
  Put(&out, "text", Text(review.Take("text"), limits::kTextBytesMax));
  bool is_verified = false;
  if (const auto verified = review.Take("verified");
      verified && verified->get_bool().get(is_verified) != simdjson::SUCCESS) {
    throw Refused{EventError::kBadType};
  }
  PutRaw(&out, "verified", is_verified ? "true" : "false");
  return Close(out, review);
}

std::string Canonical(const dom::object& root, Currency shop_currency) {
  Object event(root);
  const std::string id = Id(event.Take("id"));
  const std::string type = Text(event.Take("type"), limits::kWordBytesMax);
  const std::string time = Text(event.Take("time"), limits::kWordBytesMax);
  auto customer = Sub(event.Take("customer"));
  auto order = Sub(event.Take("order"));
  auto review = Sub(event.Take("review"));
  const std::string customer_json = customer ? Customer(*customer) : "{}";
  const std::string order_json = order ? OrderJson(*order, shop_currency) : "";
  const std::string review_json = review ? ReviewJson(*review) : "";
  const std::string customer_id = customer ? Id(customer->Take("id")) : "";
  if (id.empty() || type.empty() || time.empty() || customer_id.empty()) {
    throw Refused{EventError::kMissingField};
  }
  if (type.find('.') == std::string::npos || ("." + type + ".").find("..") != std::string::npos) {
    throw Refused{EventError::kBadType};
  }
  for (const char c : type) {
    if (std::string_view("abcdefghijklmnopqrstuvwxyz0123456789_.-").find(c) ==
        std::string_view::npos) {
      throw Refused{EventError::kBadType};
    }
  }
  const auto parsed = ParseRfc3339(time);
  if (!parsed) {
    throw Refused{EventError::kBadTime};
  }
  std::string out = "{";
  Put(&out, "id", id);
  Put(&out, "type", type);
  Put(&out, "time", FormatRfc3339(*parsed));
  PutRaw(&out, "customer", customer_json);
  if (order) {
    PutRaw(&out, "order", order_json);
  }
  if (review) {
    PutRaw(&out, "review", review_json);
  }
  return Close(out, event);
}

}  // namespace

ReferenceResult DecodeByReference(std::string_view json, Currency shop_currency) {
  if (json.size() > limits::kEventBytesMax) {
    return {EventError::kTooLarge, ""};
  }
  dom::parser parser;
  dom::element root;
  const auto error = parser.parse(json.data(), json.size()).get(root);
  if (error == simdjson::EMPTY || (error == simdjson::SUCCESS && root.is_null())) {
    return {EventError::kTombstone, ""};
  }
  dom::object object;
  if (error != simdjson::SUCCESS || root.get_object().get(object) != simdjson::SUCCESS) {
    return {error == simdjson::UTF8_ERROR ? EventError::kBadUtf8 : EventError::kBadJson, ""};
  }
  try {
    return {EventError::kNone, Canonical(object, shop_currency)};
  } catch (const Refused& refused) {
    return {refused.error, ""};
  }
}

}  // namespace huitou
