#include <array>
#include <set>
#include <utility>

#include "config/config_parser.h"
#include "config/config_tables.h"

namespace huitou::config {
namespace {

std::optional<std::string> ReadPointer(const Value& value) {
  auto pointer = value.Text();
  if (pointer && !pointer->starts_with('/')) {
    value.Refuse("a JSON Pointer", "write it like /buyer/id");
    return std::nullopt;
  }
  return pointer;
}

MappedField ParseMappedField(const Value& value) {
  MappedField field;
  if (!value.is_map()) {
    field.pointer = ReadPointer(value).value_or("");
    return field;
  }
  const MapReader map(value, MapFieldTable());
  field.pointer = ReadPointer(map["from"]).value_or("");
  field.value = map["value"].Text();
  for (const Value& entry : map["table"].Entries()) {
    field.table[entry.name()] = entry.Text().value_or("");
  }
  field.other = map["other"].Text();
  field.zone = map["zone"].TimeZone();
  constexpr std::array kUnits = {MappedField::Unit::kText, MappedField::Unit::kSeconds,
                                 MappedField::Unit::kMilliseconds};
  field.unit = kUnits[map["unit"].Enum().value_or(0)];
  field.minor = map["minor"].Boolean().value_or(false);
  if (!map["from"] && !map["value"]) {
    value.Error("needs 'from:' or 'value:'", "write {from: /status} or {value: CNY}");
  }
  return field;
}

void ParseItems(const Value& value, FieldMapping* mapping) {
  const MapReader map(value, MapFieldTable());
  if (!map.valid()) {
    return;
  }
  mapping->items_pointer = ReadPointer(map["from"]).value_or("");
  if (!map["from"]) {
    value.Error("needs 'from:'", "write {from: /lines, sku: /code, price: /price}");
  }
  for (const std::string_view name : {"sku", "category", "quantity", "price"}) {
    if (const Value field = map[name]) {
      mapping->item_fields[std::string(name)] = ParseMappedField(field);
    }
  }
}

FieldMapping ParseMapping(const Value& value) {
  FieldMapping mapping;
  for (const Value& entry : value.Entries()) {
    if (entry.name() == "order.items") {
      ParseItems(entry, &mapping);
    } else {
      mapping.fields[entry.name()] = ParseMappedField(entry);
    }
  }
  for (const std::string_view name : {"id", "type", "time", "customer.id"}) {
    if (value.is_map() && !mapping.fields.contains(std::string(name))) {
      value.Error("does not say where " + Quote(name) + " is",
                  "add '" + std::string(name) + ": /...'");
    }
  }
  return mapping;
}

void ParseKafka(const MapReader& map, const Secrets& secrets, SourceConfig* source) {
  KafkaSource kafka;
  kafka.brokers = ReadBrokers(map["brokers"]).value_or("");
  kafka.topics = map["topics"].Texts();
  if (map["topics"].is_list() && kafka.topics.empty()) {
    map["topics"].Error("is empty", "name a topic");
  }
  kafka.group = map["group"].Text().value_or(kafka.group);
  if (map["start"].Enum() == size_t{1}) {
    kafka.start = KafkaSource::Start::kLatest;
  }
  kafka.properties = ReadProperties(map["properties"], secrets);
  source->source = std::move(kafka);
}

}  // namespace

std::optional<std::string> ReadBrokers(const Value& value) {
  auto brokers = value.Text();
  if (brokers && brokers->find(':') == std::string::npos) {
    value.Refuse("host:port", "write it like \"127.0.0.1:9092\"");
    return std::nullopt;
  }
  return brokers;
}

std::map<std::string, std::string> ReadProperties(const Value& value, const Secrets& secrets) {
  // Set by the daemon itself: another value would break what it promises.
  static const std::set<std::string> kOwn = {"bootstrap.servers",  "group.id",
                                             "enable.auto.commit", "enable.auto.offset.store",
                                             "auto.offset.reset",  "partition.assignment.strategy"};
  std::map<std::string, std::string> properties;
  for (const Value& entry : value.Entries()) {
    const std::string& name = entry.name();
    if (kOwn.contains(name)) {
      entry.reader().Error(entry.name_node(), Quote(name) + " is set by Huitou", "remove it");
      continue;
    }
    const bool secret =
        name.ends_with("password") || name.ends_with("secret") || name.ends_with("key.pem");
    const bool reference = entry.is_text() && (entry.node().text.starts_with("env:") ||
                                               entry.node().text.starts_with("file:"));
    properties[name] =
        (secret || reference ? ReadSecret(entry, secrets) : entry.Text()).value_or("");
  }
  return properties;
}

std::vector<SourceConfig> ParseSources(const Value& value, const Secrets& secrets) {
  std::vector<SourceConfig> sources;
  std::set<std::string> names;
  bool has_http = false;
  for (const Value& item : value.Items()) {
    const MapReader choice(item.reader(), item.node(), SourceTable());
    if (!choice.valid() || choice.chosen() == nullptr) {
      continue;
    }
    const std::string_view kind = choice.chosen()->name;
    const Value own = choice[kind];
    const MapReader map(own, kind == "kafka"  ? KafkaSourceTable()
                             : kind == "http" ? HttpSourceTable()
                                              : FileSourceTable());
    if (!map.valid()) {
      continue;
    }
    SourceConfig source;
    source.name = map["name"].Name().value_or("");
    if (!source.name.empty() && !names.insert(source.name).second) {
      map["name"].reader().Error(map["name"].node(),
                                 "another source has the name " + Quote(source.name),
                                 "give each source its own");
    }
    source.allowed_lateness = map["allowed_lateness"].Duration().value_or(0);
    source.expect_event_within = map["expect_event_within"].Duration(/*zero=*/false).value_or(0);
    if (const Value mapping = map["map"]) {
      source.map = ParseMapping(mapping);
    }
    if (kind == "kafka") {
      ParseKafka(map, secrets, &source);
    } else if (kind == "http") {
      if (std::exchange(has_http, true)) {
        own.Error("comes twice, and the second would never get an event",
                  "keep one: all that is posted to /v1/events is its");
      }
      source.source = HttpSource{};
    } else {
      source.source =
          FileSource{ReadPath(map["path"]).value_or(""), map["follow"].Boolean().value_or(false)};
      WarnUnlessThere(map["path"], secrets);
    }
    sources.push_back(std::move(source));
  }
  if (value.is_list() && value.node().items.empty()) {
    value.Error("is empty", "add a source, such as - " + std::string(SourceTable().example));
  }
  return sources;
}

}  // namespace huitou::config
