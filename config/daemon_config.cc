#include "config/daemon_config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "config/config_parser.h"
#include "config/config_tables.h"

namespace huitou::config {
namespace {

void ParseState(const Value& value, DaemonConfig* config) {
  const MapReader map(value, StateTable());
  if (!map.valid()) {
    return;
  }
  config->state_dir = ReadPath(map["dir"]).value_or("");
  const Value interval = map["commit_interval"];
  config->commit_interval = interval.Duration(/*zero=*/false).value_or(config->commit_interval);
  if (config->commit_interval > kMinuteUs) {
    interval.Refuse("at most 1m", "what is not committed is done again after a crash");
  }
  config->sync = map["sync"].Boolean().value_or(config->sync);
}

void ParseFiles(const MapReader& map, DaemonConfig* config) {
  const Document& document = map.reader().document();
  if (const Value shop = map["shop"]) {
    config->shop = ReadPath(shop).value_or("");
    config->shop_place = document.PlaceOf(shop.node());
  }
  if (const Value templates = map["templates"]) {
    config->templates = ReadPath(templates).value_or("");
    config->templates_place = document.PlaceOf(templates.node());
  }
  for (const Value& item : map["campaigns"].Items()) {
    if (auto path = ReadPath(item)) {
      config->campaigns.push_back(std::move(*path));
      config->campaign_places.push_back(document.PlaceOf(item.node()));
    }
  }
}

SinkConfig ParseSink(const Value& value, const Secrets& secrets) {
  SinkConfig sink;
  const MapReader map(value, SinkTable());
  if (!map.valid() || map.chosen() == nullptr) {
    return sink;
  }
  const MapReader kafka(map["kafka"], KafkaSinkTable());
  const MapReader file(map["file"], FileSinkTable());
  if (kafka.valid()) {
    sink.target = SinkConfig::Kafka{kafka["topic"].Text().value_or(""),
                                    ReadBrokers(kafka["brokers"]).value_or(""),
                                    ReadProperties(kafka["properties"], secrets)};
  } else if (file.valid()) {
    sink.target = SinkConfig::File{ReadPath(file["path"]).value_or("")};
  }
  return sink;
}

// A kafka sink without brokers borrows those of a kafka source, so there must be one.
void CheckSinkBrokers(const Value& value, const SinkConfig& sink, const DaemonConfig& config) {
  const auto* kafka = std::get_if<SinkConfig::Kafka>(&sink.target);
  if (kafka == nullptr || !kafka->brokers.empty()) {
    return;
  }
  for (const SourceConfig& source : config.sources) {
    if (std::holds_alternative<KafkaSource>(source.source)) {
      return;
    }
  }
  value.Error("has no brokers, and there is no kafka source to take them from", "add 'brokers:'");
}

void ParseSinks(const Value& value, const Secrets& secrets, DaemonConfig* config) {
  const MapReader map(value, SinksTable());
  if (!map.valid()) {
    return;
  }
  const std::pair<std::string_view, SinkConfig*> sinks[] = {
      {"decisions", &config->decisions},
      {"emits", &config->emits},
      {"dead_letters", &config->dead_letters}};
  for (const auto& [name, sink] : sinks) {
    *sink = ParseSink(map[name], secrets);
    CheckSinkBrokers(map[name], *sink, *config);
  }
}

void ParseListen(const Value& value, HttpConfig* http) {
  const auto text = value.Text();
  if (!text) {
    return;
  }
  const size_t colon = text->rfind(':');
  const std::string_view digits =
      colon == std::string::npos ? std::string_view() : std::string_view(*text).substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  constexpr int kPortMax = 65535;
  if (error != std::errc() || end != digits.data() + digits.size() || port < 0 || port > kPortMax ||
      colon == 0) {
    value.Refuse("address:port", "write it like 127.0.0.1:8080");
    return;
  }
  http->host = text->substr(0, colon);
  if (http->host.starts_with('[') && http->host.ends_with(']')) {
    http->host = http->host.substr(1, http->host.size() - 2);
  }
  http->port = port;
}

void ParseHttp(const Value& value, const Secrets& secrets, HttpConfig* http) {
  const MapReader map(value, HttpTable());
  if (!map.valid()) {
    return;
  }
  ParseListen(map["listen"], http);
  if (const auto tokens = ReadSecret(map["tokens"], secrets)) {
    // Lines as they stand: what is a token and what a comment, the HTTP door says.
    size_t begin = 0;
    while (begin <= tokens->size()) {
      const size_t end = std::min(tokens->find('\n', begin), tokens->size());
      http->tokens.push_back(tokens->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  const bool loopback =
      http->host == "127.0.0.1" || http->host == "::1" || http->host == "localhost";
  if (!map["tokens"] && !loopback) {
    map["listen"].Warning("is open to others, and there are no tokens",
                          "add 'tokens: file:PATH'; without them only loopback is served");
  }
  const MapReader tls(map["tls"], TlsTable());
  if (tls.valid()) {
    http->tls_certificate = ReadPath(tls["certificate"]).value_or("");
    http->tls_key = ReadPath(tls["key"]).value_or("");
    WarnUnlessThere(tls["certificate"], secrets);
    WarnUnlessThere(tls["key"], secrets);
  }
}

void ParseLog(const Value& value, LogConfig* log) {
  const MapReader map(value, LogTable());
  if (!map.valid()) {
    return;
  }
  if (map["level"].Enum()) {
    log->level = map["level"].node().text;
  }
  if (map["format"].Enum()) {
    log->format = map["format"].node().text;
  }
}

}  // namespace

std::string Relative(const std::string& file, const std::string& path) {
  const size_t slash = file.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) {
    return path;
  }
  return file.substr(0, slash + 1) + path;
}

std::optional<std::string> ReadPath(const Value& value) {
  const auto path = value.Text();
  if (path && path->empty()) {
    value.Refuse("a path");
    return std::nullopt;
  }
  return path ? std::optional(Relative(value.reader().document().file(), *path)) : std::nullopt;
}

void WarnUnlessThere(const Value& path, const Secrets& secrets) {
  if (!secrets.read || secrets.required || !path.is_text() || path.node().text.empty()) {
    return;
  }
  std::error_code error;
  if (!std::filesystem::exists(Relative(path.reader().document().file(), path.node().text),
                               error)) {
    path.reader().Warning(path.node(), "no file " + Quote(path.node().text),
                          "it is needed when running");
  }
}

std::optional<std::string> ReadSecret(const Value& value, const Secrets& secrets) {
  const auto text = value.Text();
  if (!text) {
    return std::nullopt;
  }
  const Reader& reader = value.reader();
  std::string reference = *text;
  if (text->starts_with("file:")) {
    reference = "file:" + Relative(reader.document().file(), text->substr(5));
  } else if (!text->starts_with("env:")) {
    // The message must not repeat what it complains of.
    reader.Warning(value.where(), "a secret in the file itself: " + Quote(value.name()),
                   "write env:NAME or file:PATH");
    return std::string(*text);
  }
  if (!secrets.read) {
    return reference;
  }
  Result<std::string> secret = secrets.read(reference);
  if (secret.ok()) {
    return std::move(*secret);
  }
  const std::string message = "cannot read " + Quote(*text) + ": " + secret.status().message();
  const Place place = reader.document().PlaceOf(value.node());
  if (secrets.required) {
    reader.diagnostics().Error(place, message);
    return std::nullopt;
  }
  reader.diagnostics().Note(place, message, "it is needed when running");
  return reference;
}

ChannelSchemas DaemonConfig::Channels(const ComponentSchemas& schemas) const {
  ChannelSchemas found;
  for (const ChannelConfig& channel : channels) {
    const ComponentSchemas::Channel* provider = schemas.FindChannel(channel.provider);
    found[channel.name] = provider == nullptr ? nullptr : &provider->schema;
  }
  return found;
}

bool ParseDaemonConfig(const Document& document, const ComponentSchemas& schemas,
                       const Secrets& secrets, DaemonConfig* config, Diagnostics* diagnostics) {
  const size_t errors_before = diagnostics->error_count();
  config->file = document.file();
  const Reader reader(document, diagnostics);
  const MapReader map(reader, document.root(), ConfigTable());
  if (map.valid()) {
    ParseState(map["state"], config);
    ParseFiles(map, config);
    config->sources = ParseSources(map["sources"], secrets);
    config->channels = ParseChannels(map["channels"], schemas, secrets);
    config->coupons = ParseCoupons(map["coupons"], schemas, secrets);
    ParseSinks(map["sinks"], secrets, config);
    ParseHttp(map["http"], secrets, &config->http);
    ParsePublic(map["public"], secrets, &config->public_door);
    ParseLog(map["log"], &config->log);
  }
  return diagnostics->error_count() == errors_before;
}

}  // namespace huitou::config
