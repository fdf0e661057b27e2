#include <algorithm>
#include <limits>
#include <utility>

#include "config/config_parser.h"
#include "config/config_tables.h"
#include "triggers/base/json.h"

namespace huitou::config {
namespace {

Type TypeOf(SettingType type) {
  switch (type) {
    case SettingType::kString:
      return Type::kText;
    case SettingType::kInteger:
      return Type::kInteger;
    case SettingType::kBoolean:
      return Type::kBoolean;
    case SettingType::kDuration:
      return Type::kDuration;
    case SettingType::kRate:
      return Type::kRate;
    case SettingType::kUrl:
      return Type::kUrl;
    case SettingType::kSecret:
      return Type::kSecret;
    case SettingType::kPath:
      return Type::kPath;
    case SettingType::kEnum:
      return Type::kEnum;
    case SettingType::kProperties:
      return Type::kNamed;
  }
  return Type::kText;
}

std::optional<std::string> ReadUrl(const Value& value, const std::string& example) {
  auto url = value.Text();
  if (!url) {
    return std::nullopt;
  }
  const size_t scheme = url->find("://");
  const std::string_view name = std::string_view(*url).substr(0, scheme);
  const bool known = name == "http" || name == "https" || name == "smtp" || name == "smtps";
  if (scheme == std::string::npos || !known || scheme + 3 >= url->size() ||
      url->find_first_of(" \t") != std::string::npos) {
    // The text may hold a password, so it is not repeated.
    value.Error("must be a URL",
                "write it like " + (example.empty() ? "https://example.com/path" : example));
    return std::nullopt;
  }
  if (url->find('@', scheme) < url->find('/', scheme + 3)) {
    value.Warning("has a password in the file itself",
                  "use the provider's own keys, with env:NAME or file:PATH");
  }
  return url;
}

std::optional<std::string> ReadSetting(const Value& value, const Setting& setting,
                                       const Secrets& secrets) {
  // Checked, then kept as written: the component parses it the same way.
  const auto text = [&](bool good) -> std::optional<std::string> {
    return good ? std::optional(value.node().text) : std::nullopt;
  };
  switch (setting.type) {
    case SettingType::kString:
      return value.Text();
    case SettingType::kInteger:
      return text(value.Integer(0, std::numeric_limits<int32_t>::max()).has_value());
    case SettingType::kBoolean:
      return text(value.Boolean().has_value());
    case SettingType::kDuration:
      return text(value.Duration().has_value());
    case SettingType::kRate:
      return text(value.Rate().has_value());
    case SettingType::kUrl:
      return ReadUrl(value, setting.example);
    case SettingType::kSecret:
      return ReadSecret(value, secrets);
    case SettingType::kPath:
      return ReadPath(value);
    case SettingType::kEnum:
      return text(value.Enum().has_value());
    case SettingType::kProperties: {
      JsonObject properties;
      for (const auto& [name, property] : ReadProperties(value, secrets)) {
        properties.Add(name, property);
      }
      return properties.Close();
    }
  }
  return std::nullopt;
}

// The keys of all components of this kind, with those of one provider behind them.
Table TableOf(const Table& common, const ComponentSchema& schema) {
  Table table = common;
  for (const Setting& setting : schema.settings) {
    Key key{.name = setting.name,
            .type = TypeOf(setting.type),
            .help = setting.help,
            .required = setting.required,
            .default_text = setting.default_value,
            .value = setting.type == SettingType::kProperties ? Type::kText : Type::kNone};
    key.choices.assign(setting.choices.begin(), setting.choices.end());
    // A provider may have a say of its own in what all have, such as a default timeout.
    const auto same = std::find_if(table.keys.begin(), table.keys.end(),
                                   [&](const Key& other) { return other.name == key.name; });
    if (same == table.keys.end()) {
      table.keys.push_back(std::move(key));
    } else {
      *same = std::move(key);
    }
  }
  return table;
}

Settings ReadSettings(const MapReader& map, const ComponentSchema& schema, const Secrets& secrets) {
  Settings settings;
  for (const Setting& setting : schema.settings) {
    const Value value = map[setting.name];
    if (!value) {
      if (!setting.default_value.empty()) {
        settings.values[setting.name] = setting.default_value;
      }
      continue;
    }
    if (auto text = ReadSetting(value, setting, secrets)) {
      settings.values[setting.name] = std::move(*text);
    }
  }
  return settings;
}

// The word behind `provider:`; empty when it is missing or unknown (told).
std::string ReadProvider(const Value& component, const std::vector<std::string>& names) {
  if (!component.is_map()) {
    component.Refuse("a map with 'provider:'",
                     "write {provider: " + (names.empty() ? "..." : names.front()) + "}");
    return {};
  }
  for (const auto& [key, node] : component.node().entries) {
    if (key->text != "provider" || node->kind != Node::Kind::kText) {
      continue;
    }
    if (std::find(names.begin(), names.end(), node->text) == names.end()) {
      component.reader().Error(*node, "no provider " + Quote(node->text),
                               Choices(node->text, names));
      return {};
    }
    return node->text;
  }
  std::string hint = "add 'provider:', one of: ";
  for (size_t i = 0; i < names.size(); ++i) {
    hint += (i == 0 ? "" : ", ") + names[i];
  }
  component.Error("has no provider", hint);
  return {};
}

void CheckPromise(const Value& promise, const ComponentSchemas::Channel& channel) {
  const auto& allowed = channel.promises;
  if (!promise.is_text() || allowed.empty() || !promise.Enum() ||
      std::find(allowed.begin(), allowed.end(), promise.node().text) != allowed.end()) {
    return;
  }
  promise.reader().Error(promise.node(),
                         Quote(promise.node().text) + " is more than the protocol of " +
                             Quote(channel.schema.name) + " can keep",
                         Choices("", allowed));
}

// What only the component can tell, such as a URL of a scheme that it does not speak. Not asked
// where a secret is still to come, or where a mistake was told.
void TryMake(const ComponentSchemas::TryMake& make, const MapReader& map, const Value& component,
             const ComponentSchema& schema, const Settings& settings, size_t errors_before) {
  if (!make || component.reader().diagnostics().error_count() > errors_before) {
    return;
  }
  for (const Setting& setting : schema.settings) {
    const std::string text = settings.Get(setting.name);
    if (setting.type == SettingType::kSecret &&
        (text.starts_with("env:") || text.starts_with("file:"))) {
      return;
    }
  }
  const Status status = make(schema.name, settings);
  if (status.ok()) {
    return;
  }
  const std::string name = status.message().substr(0, status.message().find(':'));
  const auto named = std::find_if(schema.settings.begin(), schema.settings.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  const bool is_there = named != schema.settings.end() && map[name].present();
  map.reader().Error(is_there ? map[name].node() : component.name_node(), status.message());
}

ChannelConfig ParseChannel(const Value& value, const ComponentSchemas& schemas,
                           const std::string& name, const Secrets& secrets) {
  const ComponentSchemas::Channel& provider = *schemas.FindChannel(name);
  ChannelConfig channel;
  channel.name = value.name();
  channel.provider = provider.schema.name;
  const size_t errors_before = value.reader().diagnostics().error_count();
  const Table table = TableOf(ChannelTable(), provider.schema);
  const MapReader map(value, table);
  if (!map.valid()) {
    return channel;
  }
  channel.settings = ReadSettings(map, provider.schema, secrets);
  if (provider.schema.advise != nullptr) {
    if (const auto advice = provider.schema.advise(channel.settings)) {
      value.Warning(advice->message, advice->hint);
    }
  }
  channel.rate_per_second = map["rate"].Rate();
  constexpr int64_t kInFlightMax = 10'000;
  if (const auto count = map["max_in_flight"].Integer(1, kInFlightMax)) {
    channel.in_flight_max = static_cast<int>(*count);
  }
  channel.timeout = map["timeout"].Duration(/*zero=*/false);
  channel.price_per_1000 = map["price_per_1000"].MoneyIn(Currency());  // whatever it is billed in
  if (map["price_per_1000"] && !provider.schema.sms.has_value()) {
    map["price_per_1000"].Warning("does nothing here", "only SMS are counted in parts");
  }
  CheckPromise(map["promise"], provider);
  if (map["promise"].is_text()) {
    channel.promise = map["promise"].node().text;
  }
  TryMake(schemas.try_channel, map, value, provider.schema, channel.settings, errors_before);
  return channel;
}

}  // namespace

const ComponentSchemas::Channel* ComponentSchemas::FindChannel(std::string_view provider) const {
  for (const Channel& channel : channels) {
    if (channel.schema.name == provider) {
      return &channel;
    }
  }
  return nullptr;
}

const ComponentSchema* ComponentSchemas::FindCoupons(std::string_view provider) const {
  for (const ComponentSchema& schema : coupons) {
    if (schema.name == provider) {
      return &schema;
    }
  }
  return nullptr;
}

std::vector<ChannelConfig> ParseChannels(const Value& value, const ComponentSchemas& schemas,
                                         const Secrets& secrets) {
  std::vector<std::string> names;
  for (const ComponentSchemas::Channel& channel : schemas.channels) {
    names.push_back(channel.schema.name);
  }
  std::vector<ChannelConfig> channels;
  for (const Value& entry : value.Entries()) {
    entry.HasGoodName();
    const std::string provider = ReadProvider(entry, names);
    if (provider.empty()) {
      // Known by name all the same, so that campaigns are not refused for this mistake.
      channels.emplace_back().name = entry.name();
      continue;
    }
    channels.push_back(ParseChannel(entry, schemas, provider, secrets));
  }
  return channels;
}

CouponConfig ParseCoupons(const Value& value, const ComponentSchemas& schemas,
                          const Secrets& secrets) {
  CouponConfig coupons;
  if (!value) {
    if (const ComponentSchema* schema = schemas.FindCoupons(coupons.provider)) {
      for (const Setting& setting : schema->settings) {
        coupons.settings.values[setting.name] = setting.default_value;
      }
    }
    return coupons;
  }
  std::vector<std::string> names;
  for (const ComponentSchema& schema : schemas.coupons) {
    names.push_back(schema.name);
  }
  const std::string provider = ReadProvider(value, names);
  if (provider.empty()) {
    return coupons;
  }
  coupons.provider = provider;
  const size_t errors_before = value.reader().diagnostics().error_count();
  const ComponentSchema& schema = *schemas.FindCoupons(provider);
  const Table table = TableOf(CouponProviderTable(), schema);
  const MapReader map(value, table);
  if (map.valid()) {
    coupons.settings = ReadSettings(map, schema, secrets);
    TryMake(schemas.try_coupons, map, value, schema, coupons.settings, errors_before);
  }
  return coupons;
}

}  // namespace huitou::config
