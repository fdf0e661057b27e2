// The config file: YAML to the daemon's settings (contracts.md section 6). Pure but for the
// secrets, which a function that is passed in reads; when checking, files that are named are looked
// for.
//
// Example:
//   DaemonConfig config;
//   ParseDaemonConfig(*document, schemas, {ReadSecret}, &config, &diagnostics);
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "config/schema.h"
#include "config/table.h"
#include "config/yaml.h"
#include "triggers/base/civil_time.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou::config {

// The components that the config may name: filled by floor 3 from the registries of floor 2.
struct ComponentSchemas {
  struct Channel {
    ComponentSchema schema;
    std::vector<std::string> promises;  // that its protocol can keep; empty: any
  };
  std::vector<Channel> channels;
  std::vector<ComponentSchema> coupons;
  // What a provider's maker says of the settings, as "setting: what is wrong". No I/O; null where
  // the schemas stand alone.
  using TryMake = std::function<Status(const std::string& provider, const Settings& settings)>;
  TryMake try_channel;
  TryMake try_coupons;

  const Channel* FindChannel(std::string_view provider) const;
  const ComponentSchema* FindCoupons(std::string_view provider) const;
};

// Where one field of a mapped source comes from; daemon/decode/field_map.h tells what it means.
struct MappedField {
  enum class Unit : uint8_t { kText, kSeconds, kMilliseconds };
  std::string pointer;  // a JSON Pointer
  std::optional<std::string> value;
  std::map<std::string, std::string> table;
  std::optional<std::string> other;
  std::optional<Zone> zone;
  Unit unit = Unit::kText;
  bool minor = false;
};

struct FieldMapping {
  std::map<std::string, MappedField> fields;  // by target, but for order.items
  std::string items_pointer;
  std::map<std::string, MappedField> item_fields;
};

struct KafkaSource {
  enum class Start : uint8_t { kEarliest, kLatest };
  std::string brokers;
  std::vector<std::string> topics;
  std::string group = "huitou";
  Start start = Start::kEarliest;                 // where no offset is stored
  std::map<std::string, std::string> properties;  // of librdkafka; secrets resolved
};
struct HttpSource {};
struct FileSource {
  std::string path;
  bool follow = false;
};

struct SourceConfig {
  std::string name;
  DurationUs allowed_lateness = 0;
  DurationUs expect_event_within = 0;  // 0: never held
  std::optional<FieldMapping> map;
  std::variant<KafkaSource, HttpSource, FileSource> source;
};

struct ChannelConfig {
  std::string name;  // what `via:` says
  std::string provider;
  Settings settings;
  // What overrides the provider's own:
  std::optional<double> rate_per_second;
  std::optional<int> in_flight_max;
  std::optional<DurationUs> timeout;
  std::optional<Money> price_per_1000;  // parts of SMS
  std::string promise;  // "at_least_once", "at_most_once", "exactly_once_by_key"; empty: its own
};

struct CouponConfig {
  std::string provider = "local";
  Settings settings;
};

// Where a kind of record goes besides the embedded log.
struct SinkConfig {
  struct Kafka {
    std::string topic;
    std::string brokers;  // empty: those of the first kafka source
    std::map<std::string, std::string> properties;
  };
  struct File {
    std::string path;
  };
  std::variant<std::monostate, Kafka, File> target;
};

struct HttpConfig {
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> tokens;  // lines of the token file; none: loopback only
  std::string tls_certificate;      // paths; empty: no TLS
  std::string tls_key;
};

// What customers reach: the preference page and counted links.
struct PublicConfig {
  std::string url;                           // without a last '/'; empty: there is none
  std::string secret;                        // signs the tokens
  std::map<std::string, std::string> links;  // name, where it leads
};

struct LogConfig {
  std::string level = "info";
  std::string format = "json";
};

struct DaemonConfig {
  std::string file;  // its own path
  std::string state_dir;
  DurationUs commit_interval = kSecondUs / 10;
  bool sync = true;                    // a commit survives a power cut too
  std::string shop;                    // path; empty: the default shop
  std::vector<std::string> campaigns;  // files and folders
  std::string templates;               // a folder; empty: none
  std::vector<SourceConfig> sources;
  std::vector<ChannelConfig> channels;
  CouponConfig coupons;
  SinkConfig decisions;
  SinkConfig emits;
  SinkConfig dead_letters;
  HttpConfig http;
  PublicConfig public_door;
  LogConfig log;
  Place shop_place;  // where the file names them, for those that cannot be read
  Place templates_place;
  std::vector<Place> campaign_places;

  // What campaigns may send by, with the schemas of `schemas`.
  ChannelSchemas Channels(const ComponentSchemas& schemas) const;
};

// Reads "env:NAME" or "file:PATH", where the path is already relative to the working directory.
struct Secrets {
  std::function<Result<std::string>(const std::string& reference)> read;
  bool required = true;  // one that cannot be read is an error; else, when checking, a note
};

// False when there were errors; `config` then holds what could be read.
bool ParseDaemonConfig(const Document& document, const ComponentSchemas& schemas,
                       const Secrets& secrets, DaemonConfig* config, Diagnostics* diagnostics);

// `path` as seen from the folder of `file`.
std::string Relative(const std::string& file, const std::string& path);

}  // namespace huitou::config
