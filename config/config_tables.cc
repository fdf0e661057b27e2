#include "config/config_tables.h"

namespace huitou::config {
namespace {

// The keys that every source has.
std::vector<Key> WithCommonKeys(std::vector<Key> own) {
  std::vector<Key> keys = {
      {.name = "name",
       .type = Type::kName,
       .help = "Its name in metrics and dead letters, unique",
       .required = true},
      {.name = "allowed_lateness",
       .type = Type::kDuration,
       .help = "How much older than the newest event an event may be and still be in time",
       .default_text = "0s"},
      {.name = "expect_event_within",
       .type = Type::kDuration,
       .help = "When the feed is silent for longer, absences are held until it speaks again"},
      {.name = "map",
       .type = Type::kNamed,
       .help = "Where a shop's own JSON has the fields of an event: a JSON Pointer, or a map",
       .table = MapFieldTable,
       .value = Type::kText},
  };
  keys.insert(keys.end(), own.begin(), own.end());
  return keys;
}

}  // namespace

const Table& ConfigTable() {
  static const Table table = {
      .name = "config",
      .example = "state: {dir: ../var/state}",
      .keys =
          {
              {.name = "state",
               .type = Type::kMap,
               .help = "Where the daemon keeps what it knows",
               .required = true,
               .table = StateTable},
              {.name = "shop", .type = Type::kPath, .help = "The shop file"},
              {.name = "campaigns",
               .type = Type::kListOfText,
               .help = "Campaign files, and folders of them",
               .required = true},
              {.name = "templates", .type = Type::kPath, .help = "The folder of templates"},
              {.name = "sources",
               .type = Type::kListOfMaps,
               .help = "Where events come from",
               .required = true,
               .table = SourceTable},
              {.name = "channels",
               .type = Type::kNamed,
               .help = "What messages go out by; the name is what `via:` uses",
               .table = ChannelTable,
               .value = Type::kComponent},
              {.name = "coupons",
               .type = Type::kComponent,
               .help = "Where coupon codes come from",
               .default_text = "{provider: local}",
               .table = CouponProviderTable},
              {.name = "sinks",
               .type = Type::kMap,
               .help = "Where records of what happened go",
               .table = SinksTable},
              {.name = "http",
               .type = Type::kMap,
               .help = "The daemon's own HTTP door",
               .table = HttpTable},
              {.name = "public",
               .type = Type::kMap,
               .help = "What customers reach: the preference page and counted links",
               .table = PublicTable},
              {.name = "log", .type = Type::kMap, .help = "The log", .table = LogTable},
          },
  };
  return table;
}

const Table& StateTable() {
  static const Table table = {
      .name = "state",
      .example = "{dir: ../var/state}",
      .keys =
          {{.name = "dir", .type = Type::kPath, .help = "A folder of its own", .required = true},
           {.name = "commit_interval",
            .type = Type::kDuration,
            .help = "How often state is made durable while events are live; larger while "
                    "catching up",
            .default_text = "100ms"},
           {.name = "sync",
            .type = Type::kBoolean,
            .help = "Whether each commit waits for the disk, so that a power cut loses nothing; "
                    "a crash of the process never does",
            .default_text = "true"}},
  };
  return table;
}

const Table& SourceTable() {
  static const Table table = {
      .name = "source",
      .example = "{http: {name: api}}",
      .keys = {{.name = "kafka",
                .type = Type::kMap,
                .help = "Topics of Apache Kafka",
                .table = KafkaSourceTable},
               {.name = "http",
                .type = Type::kMap,
                .help = "POST /v1/events, kept in the embedded log",
                .table = HttpSourceTable},
               {.name = "file",
                .type = Type::kMap,
                .help = "A file of events, one JSON object a line; plain, .gz or .zst",
                .table = FileSourceTable}},
      .one_of = {"kafka", "http", "file"},
  };
  return table;
}

const Table& KafkaSourceTable() {
  static const Table table = {
      .name = "kafka source",
      .example = "{name: shop, brokers: \"127.0.0.1:9092\", topics: [orders]}",
      .keys = WithCommonKeys({
          {.name = "brokers",
           .type = Type::kText,
           .help = "host:port, several with commas",
           .required = true},
          {.name = "topics",
           .type = Type::kListOfText,
           .help = "Topics keyed by customer, all with the same number of partitions",
           .required = true},
          {.name = "group",
           .type = Type::kText,
           .help = "The consumer group",
           .default_text = "huitou"},
          {.name = "start",
           .type = Type::kEnum,
           .help = "Where to begin when no offset is stored",
           .default_text = "earliest",
           .choices = {"earliest", "latest"}},
          {.name = "properties",
           .type = Type::kNamed,
           .help = "Properties of librdkafka, for TLS and SASL; secrets as env:NAME or file:PATH",
           .value = Type::kText},
      }),
  };
  return table;
}

const Table& HttpSourceTable() {
  static const Table table = {
      .name = "http source", .example = "{name: api}", .keys = WithCommonKeys({})};
  return table;
}

const Table& FileSourceTable() {
  static const Table table = {
      .name = "file source",
      .example = "{name: history, path: ../data/events.jsonl.zst}",
      .keys = WithCommonKeys({
          {.name = "path", .type = Type::kPath, .help = "The file", .required = true},
          {.name = "follow",
           .type = Type::kBoolean,
           .help = "Waits for more at its end. Rotate it by renaming: it is read to its end, then "
                   "those that were rotated after it (x.1, x-20261122), then the new one",
           .default_text = "false"},
      }),
  };
  return table;
}

const Table& MapFieldTable() {
  static const Table table = {
      .name = "mapped field",
      .example = "{from: /status, table: {PAID: order.paid}}",
      .keys =
          {
              {.name = "from", .type = Type::kText, .help = "A JSON Pointer, such as /buyer/id"},
              {.name = "value",
               .type = Type::kText,
               .help = "A constant; beside `from`, where that finds nothing"},
              {.name = "table",
               .type = Type::kNamed,
               .help = "What each text means; an empty text leaves the field out, and an empty "
                       "`type` makes the record a dead letter, `tombstone`",
               .value = Type::kText},
              {.name = "other",
               .type = Type::kText,
               .help = "What a text means that is not in the table"},
              {.name = "zone",
               .type = Type::kZone,
               .help = "The time zone of times without an offset"},
              {.name = "unit",
               .type = Type::kEnum,
               .help = "Of times that are numbers",
               .default_text = "text",
               .choices = {"text", "s", "ms"}},
              {.name = "minor",
               .type = Type::kBoolean,
               .help = "The amount is an integer in minor units",
               .default_text = "false"},
              {.name = "sku",
               .type = Type::kText,
               .help = "Of order.items: the pointer in an item"},
              {.name = "category", .type = Type::kText, .help = "Likewise"},
              {.name = "quantity", .type = Type::kText, .help = "Likewise"},
              {.name = "price",
               .type = Type::kText,
               .help = "Likewise; a map for amounts in minor units",
               .table = MapFieldTable,
               .otherwise = Type::kMap},
          },
  };
  return table;
}

const Table& ChannelTable() {
  static const Table table = {
      .name = "channel",
      .example = "{provider: console}",
      .keys =
          {
              {.name = "provider",
               .type = Type::kText,
               .help = "Who sends; it decides the other keys",
               .required = true},
              {.name = "rate",
               .type = Type::kRate,
               .help = "At most so many messages",
               .default_text = "the provider's"},
              {.name = "max_in_flight",
               .type = Type::kInteger,
               .help = "At most so many messages on their way at once",
               .default_text = "the provider's"},
              {.name = "timeout",
               .type = Type::kDuration,
               .help = "How long one attempt may take",
               .default_text = "the provider's"},
              {.name = "price_per_1000",
               .type = Type::kMoney,
               .help = "Of 1000 parts of SMS, for the report of `huitou simulate`"},
              {.name = "promise",
               .type = Type::kEnum,
               .help = "What happens to a message whose answer was lost",
               .default_text = "the provider's",
               .choices = {"at_least_once", "at_most_once", "exactly_once_by_key"}},
          },
  };
  return table;
}

const Table& CouponProviderTable() {
  static const Table table = {
      .name = "coupon provider",
      .example = "{provider: local}",
      .keys = {{.name = "provider",
                .type = Type::kText,
                .help = "`local`, or who is asked",
                .required = true}},
  };
  return table;
}

const Table& SinksTable() {
  static const Table table = {
      .name = "map of sinks",
      .example = "{decisions: {file: {path: ../var/decisions.jsonl}}}",
      .keys = {{.name = "decisions",
                .type = Type::kMap,
                .help = "The decision log",
                .table = SinkTable},
               {.name = "emits",
                .type = Type::kMap,
                .help = "The events of `emit` steps",
                .table = SinkTable},
               {.name = "dead_letters",
                .type = Type::kMap,
                .help = "Input that was refused, with its reason",
                .table = SinkTable}},
  };
  return table;
}

const Table& SinkTable() {
  static const Table table = {
      .name = "sink",
      .example = "{kafka: {topic: huitou.decisions}}",
      .keys = {{.name = "kafka", .type = Type::kMap, .help = "A topic", .table = KafkaSinkTable},
               {.name = "file", .type = Type::kMap, .help = "A file", .table = FileSinkTable}},
      .one_of = {"kafka", "file"},
  };
  return table;
}

const Table& KafkaSinkTable() {
  static const Table table = {
      .name = "kafka sink",
      .example = "{topic: huitou.decisions}",
      .keys = {{.name = "topic", .type = Type::kText, .help = "The topic", .required = true},
               {.name = "brokers",
                .type = Type::kText,
                .help = "host:port, several with commas",
                .default_text = "those of the first kafka source"},
               {.name = "properties",
                .type = Type::kNamed,
                .help = "Properties of librdkafka; with `brokers` only",
                .value = Type::kText}},
  };
  return table;
}

const Table& FileSinkTable() {
  static const Table table = {
      .name = "file sink",
      .example = "{path: ../var/decisions.jsonl}",
      .keys = {{.name = "path", .type = Type::kPath, .help = "The file", .required = true}},
  };
  return table;
}

const Table& HttpTable() {
  static const Table table = {
      .name = "http door",
      .example = "{listen: 127.0.0.1:8080}",
      .keys =
          {
              {.name = "listen",
               .type = Type::kText,
               .help = "Address and port",
               .default_text = "127.0.0.1:8080"},
              {.name = "tokens",
               .type = Type::kSecret,
               .help = "Bearer tokens, one a line; without them only loopback is served"},
              {.name = "tls", .type = Type::kMap, .help = "Serves HTTPS", .table = TlsTable},
          },
  };
  return table;
}

const Table& PublicTable() {
  static const Table table = {
      .name = "public door",
      .example = "{url: \"https://go.example.com\", secret: env:HUITOU_PUBLIC_SECRET}",
      .keys =
          {
              {.name = "url",
               .type = Type::kUrl,
               .help = "Where customers' browsers reach this daemon's `/u/` and `/l/`, without "
                       "them; a short one saves SMS parts",
               .required = true},
              {.name = "secret",
               .type = Type::kSecret,
               .help = "Signs the tokens, at least 16 bytes, the same for all instances; old "
                       "links die when it changes",
               .required = true},
              {.name = "links",
               .type = Type::kNamed,
               .help = "What templates may link to as `{{link.NAME}}`, and nothing else: "
                       "each a URL; short names make short links",
               .value = Type::kUrl},
          },
  };
  return table;
}

const Table& TlsTable() {
  static const Table table = {
      .name = "tls",
      .example = "{certificate: cert.pem, key: key.pem}",
      .keys = {{.name = "certificate",
                .type = Type::kPath,
                .help = "The certificate and its chain, in PEM",
                .required = true},
               {.name = "key", .type = Type::kPath, .help = "Its key, in PEM", .required = true}},
  };
  return table;
}

const Table& LogTable() {
  static const Table table = {
      .name = "log",
      .example = "{level: info, format: json}",
      .keys = {{.name = "level",
                .type = Type::kEnum,
                .help = "The least that is written",
                .default_text = "info",
                .choices = {"debug", "info", "warning", "error"}},
               {.name = "format",
                .type = Type::kEnum,
                .help = "One JSON object a line, or text for people",
                .default_text = "json",
                .choices = {"json", "text"}}},
  };
  return table;
}

}  // namespace huitou::config
