#include "config/shop_file.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "config/config_parser.h"
#include "config/files.h"
#include "config/limits.h"
#include "config/phone.h"
#include "config/reader.h"
#include "triggers/limits.h"
#include "triggers/vocabulary.h"

namespace huitou::config {
namespace {

void CheckChannel(const Reader& reader, const Node& node, const std::string& name,
                  const ChannelSchemas* channels) {
  if (channels == nullptr || channels->contains(name)) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [channel, schema] : *channels) {
    names.push_back(channel);
  }
  reader.Error(node, "no channel " + Quote(name) + " in the config file", Choices(name, names));
}

// As written, else the locale's ("zh-CN"), else China.
std::string CountryOf(const Value& value, const std::string& locale) {
  if (const auto country = value.Text()) {
    if (IsPhoneCountry(*country)) {
      return *country;
    }
    value.Refuse("a country's two capital letters such as CN",
                 *country == "UK" ? "write GB" : "see ISO 3166");
  }
  const std::string region = locale.substr(std::min(locale.size(), locale.rfind('-') + 1));
  return IsPhoneCountry(region) ? region : "CN";
}

void ParseShopItself(const Value& value, Shop* shop) {
  const MapReader map(value, ShopTable());
  if (!map.valid()) {
    return;
  }
  shop->name = map["name"].Text().value_or(shop->name);
  if (const auto code = map["currency"].Text()) {
    if (*code == "RMB") {
      map["currency"].Refuse("a code of ISO 4217", "write CNY");
      shop->currency = Currency();
    } else if (const auto currency = Currency::Parse(*code)) {
      shop->currency = *currency;
    } else {
      map["currency"].Refuse("three capital letters such as CNY");
      shop->currency = Currency();  // not known: nobody is told that an amount is in another
    }
  }
  if (const auto zone = map["timezone"].TimeZone()) {
    shop->zone = *zone;
    shop->timezone = map["timezone"].node().text;
  }
  shop->locale = map["locale"].Locale().value_or(shop->locale);
  shop->country = CountryOf(map["country"], shop->locale);
  shop->order_counts_on = map["order_counts_on"].EventName().value_or(shop->order_counts_on);
}

void ParseTiers(const Value& value, const cel::Environment& environment, Shop* shop) {
  const MapReader map(value, TiersTable());
  if (!map.valid()) {
    return;
  }
  shop->tiers.by = map["by"].Cel(environment, cel::Type::Dyn());
  if (shop->tiers.by != nullptr) {
    const cel::Type& type = shop->tiers.by->result_type();
    if (type != cel::Type::Int() && type != cel::Type::Double() && type != cel::Type::Dyn()) {
      map["by"].Refuse("a number", "write customer.spend_365d or customer.orders");
    }
  }
  shop->tiers.keep = map["keep"].Duration().value_or(0);
  std::set<std::string> names;
  for (const Value& item : map["levels"].Items()) {
    const MapReader level(item.reader(), item.node(), TierLevelTable());
    if (!level.valid()) {
      continue;
    }
    const TierLevel parsed{level["name"].Name().value_or(""), level["at"].Decimal().value_or(0)};
    if (!parsed.name.empty() && !names.insert(parsed.name).second) {
      level["name"].reader().Error(level["name"].node(),
                                   "tier " + Quote(parsed.name) + " comes twice");
    }
    if (level["at"] && !shop->tiers.levels.empty() && parsed.at <= shop->tiers.levels.back().at) {
      level["at"].Error("must be above the tier before", "list the tiers rising");
    }
    shop->tiers.levels.push_back(parsed);
  }
  if (map["levels"].is_list() && map["levels"].node().items.empty()) {
    map["levels"].Error("is empty", "add a tier, such as " + std::string(TierLevelTable().example));
  } else if (shop->tiers.levels.size() > limits::kTiersMax) {
    map["levels"].Error("is too long", "at most " + std::to_string(limits::kTiersMax));
  }
}

void ParseSegments(const Value& value, const cel::Environment& environment, Shop* shop) {
  const std::vector<Value> entries = value.Entries();
  if (entries.size() > limits::kSegmentsMax) {
    value.Error("has too many entries", "at most " + std::to_string(limits::kSegmentsMax));
    return;
  }
  for (const Value& entry : entries) {
    entry.HasGoodName();
    shop->segments[entry.name()] = entry.Cel(environment, cel::Type::Bool());
  }
}

void ParseCaps(const Value& value, const ChannelSchemas* channels, Shop* shop) {
  for (const Value& item : value.Items()) {
    const MapReader map(item.reader(), item.node(), CapTable());
    if (!map.valid()) {
      continue;
    }
    Cap cap;
    if (map["class"].Enum()) {
      cap.message_class = MessageClass::kMarketing;
    }
    if (const auto channel = map["channel"].Name()) {
      cap.channel = *channel;
      CheckChannel(map.reader(), map["channel"].node(), *channel, channels);
    }
    constexpr int64_t kMax = huitou::limits::kSendsMax;
    cap.max = static_cast<int>(map["max"].Integer(1, kMax).value_or(1));
    cap.per = map["per"].Duration(/*zero=*/false).value_or(0);
    shop->caps.push_back(std::move(cap));
  }
  if (shop->caps.size() > limits::kCapsMax) {
    value.Error("is too long", "at most " + std::to_string(limits::kCapsMax));
  }
}

void ParseQuietHours(const Value& value, Shop* shop) {
  const MapReader map(value, QuietHoursTable());
  if (!map.valid()) {
    return;
  }
  QuietHours quiet;
  quiet.from = map["from"].TimeOfDay().value_or(0);
  quiet.to = map["to"].TimeOfDay().value_or(0);
  if (map["from"] && map["to"] && quiet.from == quiet.to) {
    map["to"].Error("is the same as 'from'", "remove 'quiet_hours:' to have none");
  }
  const Value zone = map["zone"];
  if (zone && !(zone.is_text() && zone.node().text == "recipient")) {
    quiet.zone_recipient = false;
    quiet.zone = zone.is_text() && zone.node().text == "shop"
                     ? shop->zone
                     : zone.TimeZone().value_or(shop->zone);
  }
  quiet.skip = map["then"].Enum() == size_t{1};
  shop->quiet_hours = quiet;
}

void ParseBudgets(const Value& value, Shop* shop) {
  for (const Value& entry : value.Entries()) {
    const MapReader map(entry, BudgetTable());
    if (!entry.HasGoodName() || !map.valid()) {
      continue;
    }
    Budget budget;
    budget.amount = map["amount"].MoneyIn(shop->currency).value_or(Money{0, shop->currency});
    constexpr CampaignLimits::Period kPeriods[] = {CampaignLimits::Period::kTotal,
                                                   CampaignLimits::Period::kMonth,
                                                   CampaignLimits::Period::kDay};
    budget.period = kPeriods[map["per"].Enum().value_or(0)];
    shop->budgets[entry.name()] = budget;
  }
  if (shop->budgets.size() > limits::kBudgetsMax) {
    value.Error("has too many entries", "at most " + std::to_string(limits::kBudgetsMax));
  }
}

void ParsePools(const Value& value, Shop* shop, std::vector<NamedFile>* code_files) {
  std::map<std::string, std::string> pools;  // by file
  for (const Value& entry : value.Entries()) {
    const MapReader map(entry, PoolTable());
    if (!entry.HasGoodName() || !map.valid()) {
      continue;
    }
    PoolFile pool;
    pool.file = ReadPath(map["file"]).value_or("");
    pool.low = map["low"].Integer(0, std::numeric_limits<int64_t>::max()).value_or(pool.low);
    if (!pool.file.empty()) {
      const auto [other, is_new] = pools.emplace(CanonicalPath(pool.file), entry.name());
      if (!is_new) {
        map["file"].Error("is that of pool " + Quote(other->second),
                          "each pool gives from a file of its own");
      } else if (code_files != nullptr) {
        code_files->push_back({pool.file, value.reader().document().PlaceOf(map["file"].node())});
      }
    }
    shop->pools[entry.name()] = std::move(pool);
  }
  if (shop->pools.size() > limits::kPoolsMax) {
    value.Error("has too many entries", "at most " + std::to_string(limits::kPoolsMax));
  }
}

void ParseConsent(const Value& value, const ChannelSchemas* channels, Shop* shop) {
  for (const Value& entry : value.Entries()) {
    const auto choice = entry.Enum();
    const bool opt_in = choice.value_or(0) == 0;
    if (entry.name() == "default") {
      shop->opt_in = opt_in;
    } else {
      shop->opt_in_by_channel[entry.name()] = opt_in;
      CheckChannel(entry.reader(), entry.name_node(), entry.name(), channels);
    }
  }
}

}  // namespace

Shop DefaultShop() {
  Shop shop;
  shop.zone = Zone::Find(shop.timezone).value_or(Zone());
  return shop;
}

bool ParseShop(const Document& document, const ChannelSchemas* channels, Shop* shop,
               Diagnostics* diagnostics, std::vector<NamedFile>* code_files) {
  const size_t errors_before = diagnostics->error_count();
  *shop = DefaultShop();
  const Reader reader(document, diagnostics);
  const MapReader map(reader, document.root(), ShopFileTable());
  if (map.valid()) {
    const cel::Environment environment = ShopEnvironment();
    ParseShopItself(map["shop"], shop);
    ParseTiers(map["tiers"], environment, shop);
    ParseSegments(map["segments"], environment, shop);
    ParseCaps(map["caps"], channels, shop);
    ParseQuietHours(map["quiet_hours"], shop);
    shop->holdout_share = map["holdout"].Percent().value_or(0);
    ParseBudgets(map["budgets"], shop);
    ParsePools(map["pools"], shop, code_files);
    ParseConsent(map["consent"], channels, shop);
  }
  return diagnostics->error_count() == errors_before;
}

}  // namespace huitou::config
