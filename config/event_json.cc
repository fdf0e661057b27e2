#include "config/event_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "triggers/base/json.h"
#include "triggers/base/money.h"

namespace huitou::config {
namespace {

// Fields that are text in the contract, also where YAML reads `id: 17` as a number.
constexpr std::array<std::string_view, 18> kTextFields = {
    "id",    "order_id", "sku",      "category", "currency", "text",
    "phone", "email",    "birthday", "locale",   "timezone", "region",
    "code",  "dispatch", "channel",  "reason",   "template", "wechat_openid"};
constexpr std::array<std::string_view, 3> kAmountFields = {"total", "price", "amount"};

template <size_t kCount>
bool Contains(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsJsonNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool digits = !text.empty() && (text.back() >= '0' && text.back() <= '9') &&
                      ((text[0] >= '0' && text[0] <= '9') || text[0] == '-');
  const bool leading_zero =
      text.size() > 1 && text[text[0] == '-' ? 1 : 0] == '0' && text.find('.') == text.npos;
  return digits && error == std::errc() && end == text.data() + text.size() &&
         std::isfinite(number) && !leading_zero && text.find("-.") == text.npos;
}

std::string TextJson(std::string_view text) {
  std::string json;
  AppendJsonString(&json, text);
  return json;
}

class Writer {
 public:
  explicit Writer(const Reader& reader) : reader_(reader) {}

  std::string Any(const Node& node, std::string_view name) const {
    switch (node.kind) {
      case Node::Kind::kNull:
        return "null";
      case Node::Kind::kText:
        return Scalar(node, name);
      case Node::Kind::kList:
        return List(node, name);
      case Node::Kind::kMap:
        return Map(node);
    }
    return "null";
  }

 private:
  static std::string Scalar(const Node& node, std::string_view name) {
    const std::string& text = node.text;
    const bool plain =
        !node.quoted && !Contains(kTextFields, name) && !Contains(kAmountFields, name);
    const bool literal = text == "true" || text == "false" || IsJsonNumber(text);
    return plain && literal ? text : TextJson(text);
  }

  std::string List(const Node& node, std::string_view name) const {
    std::string json = "[";
    for (const Node* item : node.items) {
      json += json.size() > 1 ? "," : "";
      json += Any(*item, name);
    }
    return json + "]";
  }

  // An amount may carry its currency, which an order then says in a field of its own.
  std::string Map(const Node& node) const {
    JsonObject object;
    std::string currency;
    bool says_currency = false;
    for (const auto& [key, value] : node.entries) {
      if (key->kind != Node::Kind::kText || value == nullptr) {
        reader_.Error(*key, "a key must be text");
        continue;
      }
      says_currency = says_currency || key->text == "currency";
      const size_t space = value->text.find(' ');
      const bool amount = Contains(kAmountFields, key->text) && value->kind == Node::Kind::kText;
      if (amount && space != std::string::npos) {
        if (!ParseMoney(value->text)) {
          reader_.Error(*value, Quote(key->text) + " must be money, not " + Quote(value->text),
                        "write it like 259 CNY");
        }
        if (key->text == "total") {
          currency = value->text.substr(space + 1);
        }
        object.Add(key->text, value->text.substr(0, space));
      } else {
        object.AddRaw(key->text, Any(*value, key->text));
      }
    }
    if (!currency.empty() && !says_currency) {
      object.Add("currency", currency);
    }
    return object.Close();
  }

  const Reader& reader_;
};

}  // namespace

std::string ToEventJson(const Value& value) {
  return Writer(value.reader()).Any(value.node(), value.name());
}

}  // namespace huitou::config
