#include "config/json_schema.h"

#include <map>
#include <string_view>
#include <vector>

#include "config/campaign_tables.h"
#include "config/config_tables.h"
#include "config/shop_file.h"
#include "triggers/base/json.h"

namespace huitou::config {
namespace {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";

std::string Text(std::string_view text) {
  std::string json;
  AppendJsonString(&json, text);
  return json;
}

template <typename Texts>
std::string List(const Texts& texts) {
  std::string json = "[";
  for (const auto& text : texts) {
    json += (json.size() > 1 ? "," : "") + Text(text);
  }
  return json + "]";
}

// "send step" as "send_step".
std::string DefinitionName(const Table& table) {
  std::string name(table.name);
  for (char& c : name) {
    c = c == ' ' ? '_' : c;
  }
  return name;
}

// Writes one schema; every table becomes a definition, so that steps may hold steps.
class Writer {
 public:
  std::string Reference(const Table& table) {
    const std::string name = DefinitionName(table);
    if (!definitions_.contains(name)) {
      definitions_[name] = "";  // taken, before the tables below lead back here
      definitions_[name] = Object(table);
    }
    return R"({"$ref":"#/$defs/)" + name + "\"}";
  }

  // A table that is no constant: written in place.
  std::string Object(const Table& table) {
    JsonObject properties;
    std::vector<std::string_view> required;
    for (const Key& key : table.keys) {
      if (key.later) {
        continue;
      }
      properties.AddRaw(key.name, Property(key));
      if (key.required) {
        required.push_back(key.name);
      }
    }
    JsonObject object;
    object.Add("type", "object").AddRaw("properties", properties.Close());
    object.AddBoolean("additionalProperties", false);
    if (!required.empty()) {
      object.AddRaw("required", List(required));
    }
    std::string one_of;
    for (const std::string_view name : table.one_of) {
      if (!table.Find(name)->later) {
        one_of +=
            (one_of.empty() ? "[" : ",") +
            JsonObject().AddRaw("required", List(std::vector<std::string_view>{name})).Close();
      }
    }
    if (!one_of.empty()) {
      object.AddRaw("oneOf", one_of + "]");
    }
    return object.Close();
  }

  std::string Finish(std::string_view title, const std::string& root) {
    JsonObject definitions;
    for (const auto& [name, json] : definitions_) {
      definitions.AddRaw(name, json);
    }
    return JsonObject()
        .Add("$schema", kDialect)
        .Add("title", title)
        .AddRaw("allOf", "[" + root + "]")
        .AddRaw("$defs", definitions.Close())
        .Close();
  }

  std::string Property(const Key& key) {
    std::string json = Shape(key.type, key);
    if (key.otherwise != Type::kNone) {
      json = R"({"anyOf":[)" + json + "," + Shape(key.otherwise, key) + "]}";
    }
    // Beside the shape, for an editor to show.
    return R"({"description":)" + Text(key.help) + (json == "{}" ? "" : ",") + json.substr(1);
  }

 private:
  std::string Shape(Type type, const Key& key) {
    switch (type) {
      case Type::kInteger:
        return R"({"type":"integer"})";
      case Type::kDecimal:
        return R"({"type":"number"})";
      case Type::kBoolean:
        // A test's `holdout: on` is text to some readers of YAML.
        return R"({"enum":[true,false,"on","off"]})";
      case Type::kEnum:
        return R"({"enum":)" + List(key.choices) + "}";
      case Type::kMap:
        return key.table == nullptr ? R"({"type":"object"})" : Reference(key.table());
      case Type::kListOfMaps:
        return R"({"type":"array","items":)" + ItemShape(key) + "}";
      case Type::kListOfText:
        return R"({"type":"array","items":{"type":["string","number"]}})";
      case Type::kNamed:
        return R"({"type":"object","additionalProperties":)" + NamedShape(key) + "}";
      case Type::kFreeform:
        return "{}";
      case Type::kComponent:
        return R"({"type":"object","required":["provider"]})";
      case Type::kCondition:
      case Type::kExpression:
        // `true` alone is a condition as well.
        return R"({"type":["string","boolean","number"]})";
      case Type::kDate:
      case Type::kTimestamp:
      case Type::kTimeOfDay:
      case Type::kText:
      case Type::kMustache:
      case Type::kCountRate:
      case Type::kDuration:
      case Type::kName:
        // Some readers of YAML make numbers and dates of these.
        return Pattern(type).empty()
                   ? R"({"type":["string","number","boolean"]})"
                   : R"({"type":["string","number"],"pattern":)" + Text(Pattern(type)) + "}";
      default:
        return Pattern(type).empty() ? R"({"type":"string"})"
                                     : R"({"type":"string","pattern":)" + Text(Pattern(type)) + "}";
    }
  }

  // A step may be the bare word `exit`.
  std::string ItemShape(const Key& key) {
    const std::string item = Reference(key.table());
    return key.table == &StepTable ? R"({"anyOf":[{"const":"exit"},)" + item + "]}" : item;
  }

  std::string NamedShape(const Key& key) {
    if (key.value == Type::kMap) {
      return Reference(key.table());
    }
    const std::string value = Shape(key.value, key);
    return key.table == nullptr ? value
                                : R"({"anyOf":[)" + value + "," + Reference(key.table()) + "]}";
  }

  std::map<std::string, std::string> definitions_;
};

Type TypeOfSetting(SettingType type) {
  switch (type) {
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
    case SettingType::kEnum:
      return Type::kEnum;
    case SettingType::kProperties:
      return Type::kNamed;
    default:
      return Type::kText;
  }
}

// The keys of one provider: its own and the common ones, `provider` being its name.
std::string ProviderObject(Writer* writer, const Table& common, const ComponentSchema& schema) {
  Table table = common;
  for (Key& key : table.keys) {
    if (key.name == "provider") {
      key.type = Type::kEnum;
      key.choices = {schema.name};
    }
  }
  for (const Setting& setting : schema.settings) {
    Key key{.name = setting.name,
            .type = TypeOfSetting(setting.type),
            .help = setting.help,
            .required = setting.required,
            .value = setting.type == SettingType::kProperties ? Type::kText : Type::kNone};
    key.choices.assign(setting.choices.begin(), setting.choices.end());
    if (table.Find(setting.name) == nullptr) {
      table.keys.push_back(std::move(key));
    }
  }
  return writer->Object(table);
}

}  // namespace

std::string CampaignSchema() {
  Writer writer;
  const std::string root = writer.Reference(CampaignTable());
  return writer.Finish("Huitou campaign", root);
}

std::string ShopSchema() {
  Writer writer;
  const std::string root = writer.Reference(ShopFileTable());
  return writer.Finish("Huitou shop", root);
}

std::string ConfigSchema(const ComponentSchemas& schemas) {
  Writer writer;
  const std::string root = writer.Reference(ConfigTable());
  std::string channels;
  for (const ComponentSchemas::Channel& channel : schemas.channels) {
    channels +=
        (channels.empty() ? "" : ",") + ProviderObject(&writer, ChannelTable(), channel.schema);
  }
  std::string coupons;
  for (const ComponentSchema& schema : schemas.coupons) {
    coupons +=
        (coupons.empty() ? "" : ",") + ProviderObject(&writer, CouponProviderTable(), schema);
  }
  std::string all = root;
  if (!channels.empty()) {
    all += R"(,{"properties":{"channels":{"additionalProperties":{"oneOf":[)" + channels + "]}}}}";
  }
  if (!coupons.empty()) {
    all += R"(,{"properties":{"coupons":{"oneOf":[)" + coupons + "]}}}";
  }
  return writer.Finish("Huitou config", all);
}

std::string EventSchema() {
  return R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Huitou event",)"
         R"("type":"object","required":["id","type","time","customer"],"properties":{)"
         R"("id":{"type":"string","minLength":1},)"
         R"("type":{"type":"string","pattern":"^[^.]+(\\.[^.]+)+$"},)"
         R"("time":{"type":"string","format":"date-time",)"
         R"("pattern":"(Z|[+-][0-9]{2}:[0-9]{2})$"},)"
         R"("customer":{"type":"object","required":["id"],"properties":{)"
         R"("id":{"type":"string","minLength":1},"phone":{"type":"string"},)"
         R"("email":{"type":"string"},"wechat_openid":{"type":"string"},)"
         R"("locale":{"type":"string"},"timezone":{"type":"string"},"region":{"type":"string"},)"
         R"("birthday":{"type":"string","format":"date"},)"
         R"("tags":{"type":"array","items":{"type":"string"}}}},)"
         R"("order":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},)"
         R"("currency":{"type":"string","pattern":"^[A-Z]{3}$"},"total":{"$ref":"#/$defs/amount"},)"
         R"("items":{"type":"array","items":{"type":"object","properties":{)"
         R"("sku":{"type":"string"},"category":{"type":"string"},"quantity":{"type":"integer"},)"
         R"("price":{"$ref":"#/$defs/amount"}}}}}},)"
         R"("review":{"type":"object","properties":{"id":{"type":"string"},)"
         R"("order_id":{"type":"string"},"sku":{"type":"string"},"rating":{"type":"integer"},)"
         R"("text":{"type":"string"},"verified":{"type":"boolean"}}},)"
         R"("consent":{"type":"object","properties":{"channel":{"type":"string"},)"
         R"("class":{"type":"string"},"template":{"type":"string"},)"
         R"("credits":{"type":"integer"}}}},)"
         R"("$defs":{"amount":{"type":["string","number"],)"
         R"("pattern":"^-?[0-9]+(\\.[0-9]+)?$"}}})";
}

}  // namespace huitou::config
