#include "config/table.h"

namespace huitou::config {
namespace {

struct TypeText {
  Type type;
  std::string_view description;
  std::string_view pattern;
};

constexpr TypeText kTypes[] = {
    {Type::kNone, "nothing", ""},
    {Type::kText, "text", ""},
    {Type::kName, "a name of letters, digits, '_' and '-'", "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"},
    {Type::kInteger, "a whole number", ""},
    {Type::kBoolean, "true or false", ""},
    {Type::kDecimal, "a number", ""},
    {Type::kDuration, "a duration such as 90s, 10m, 12h, 47d or 2w",
     "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w))+$"},
    {Type::kMoney, "money such as 50 CNY", "^[0-9]+(\\.[0-9]+)? [A-Z]{3}$"},
    {Type::kMoneyRate, "money such as 10000 CNY/d", "^[0-9]+(\\.[0-9]+)? [A-Z]{3}(/(h|d|mo))?$"},
    {Type::kPercent, "a percentage such as 10%", "^[0-9]+(\\.[0-9]{1,2})?%$"},
    {Type::kCountRate, "a number such as 5000/d", "^[0-9]+(/(h|d|mo))?$"},
    {Type::kRate, "a rate such as 100/s or 1000/m", "^[0-9]+/(s|m|h|d)$"},
    {Type::kTimeOfDay, "a time of day such as \"09:00\"", "^[0-2][0-9]:[0-5][0-9]$"},
    {Type::kDate, "a date such as 2026-11-01", "^[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    {Type::kTimestamp, "a time such as 2026-01-01T10:00+08:00 or +46d",
     "^(\\+.*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$"},
    {Type::kCondition, "a condition such as customer.orders >= 1", ""},
    {Type::kExpression, "an expression such as event.order.id", ""},
    {Type::kMustache, "text, which may have {{variables}}", ""},
    {Type::kEvent, "an event such as order.paid", "^[a-z0-9_-]+(\\.[a-z0-9_-]+)+$"},
    {Type::kEnum, "one of its words", ""},
    {Type::kCurrency, "a currency such as CNY", "^[A-Z]{3}$"},
    {Type::kZone, "a time zone such as Asia/Shanghai", ""},
    {Type::kLocale, "a language such as zh-CN", "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
    {Type::kPath, "a path, relative to this file", ""},
    {Type::kUrl, "a URL", "^(https?|smtps?)://"},
    {Type::kSecret, "a secret as env:NAME or file:PATH", ""},
    {Type::kMap, "a map of keys", ""},
    {Type::kMapOrList, "a map, or a list of maps", ""},
    {Type::kListOfMaps, "a list of maps", ""},
    {Type::kListOfText, "a list such as [a, b]", ""},
    {Type::kNamed, "a map of names", ""},
    {Type::kFreeform, "any value", ""},
    {Type::kComponent, "a map with `provider:`", ""},
};

const TypeText& Find(Type type) {
  for (const TypeText& text : kTypes) {
    if (text.type == type) {
      return text;
    }
  }
  return kTypes[0];
}

}  // namespace

const Key* Table::Find(std::string_view key) const {
  for (const Key& candidate : keys) {
    if (candidate.name == key) {
      return &candidate;
    }
  }
  return nullptr;
}

std::string_view Description(Type type) {
  return Find(type).description;
}
std::string_view Pattern(Type type) {
  return Find(type).pattern;
}

}  // namespace huitou::config
