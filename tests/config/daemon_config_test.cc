#include "config/daemon_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

DaemonConfig Parse(const std::string& file, const std::string& text) {
  Diagnostics diagnostics;
  const auto document = Document::Parse(file, text, &diagnostics);
  DaemonConfig config;
  const Secrets secrets{
      [](const std::string& reference) -> Result<std::string> { return "<" + reference + ">"; }};
  EXPECT_TRUE(ParseDaemonConfig(*document, TestSchemas(), secrets, &config, &diagnostics));
  EXPECT_THAT(Lines(diagnostics), IsEmpty());
  return config;
}

TEST(DaemonConfig, ReadsEveryKey) {
  const DaemonConfig config = Parse("etc/huitou.yaml", R"(
state: {dir: ../var/state, commit_interval: 1s, sync: false}
shop: shop.yaml
campaigns: [campaigns, /opt/more.yaml]
templates: templates
sources:
  - kafka: {name: shop, brokers: "a:9092,b:9092", topics: [orders, reviews], group: g, allowed_lateness: 5s, expect_event_within: 15m, start: latest, properties: {sasl.password: env:PW, client.id: x}}
  - http: {name: api}
  - file: {name: history, path: ../data/e.jsonl.zst, follow: true}
channels:
  sms: {provider: aliyun, access_key_secret: file:secrets/aliyun, rate: 1200/m, max_in_flight: 5, timeout: 3s, promise: at_least_once}
  email: {provider: smtp, url: "smtp://127.0.0.1:2525"}
coupons: {provider: http, url: "http://127.0.0.1/coupons"}
sinks:
  decisions: {kafka: {topic: huitou.decisions}}
  emits: {file: {path: ../var/emits.jsonl}}
http: {listen: "[::1]:9000", tokens: file:tokens, tls: {certificate: c.pem, key: k.pem}}
public: {url: "https://go.example.com/x/", secret: env:A_LONG_NAME, links: {sale: "https://shop.example.com/s?a=1"}}
log: {level: debug, format: text}
)");
  EXPECT_EQ(config.state_dir, "etc/../var/state");
  EXPECT_EQ(config.commit_interval, kSecondUs);
  EXPECT_FALSE(config.sync);
  EXPECT_EQ(config.shop, "etc/shop.yaml");
  EXPECT_THAT(config.campaigns, ElementsAre("etc/campaigns", "/opt/more.yaml"));
  ASSERT_EQ(config.sources.size(), 3u);
  EXPECT_EQ(config.sources[0].allowed_lateness, 5 * kSecondUs);
  EXPECT_EQ(config.sources[0].expect_event_within, 15 * kMinuteUs);
  const auto& kafka = std::get<KafkaSource>(config.sources[0].source);
  EXPECT_EQ(kafka.start, KafkaSource::Start::kLatest);
  EXPECT_EQ(kafka.properties.at("sasl.password"), "<env:PW>");
  EXPECT_EQ(kafka.properties.at("client.id"), "x");
  EXPECT_TRUE(std::get<FileSource>(config.sources[2].source).follow);
  ASSERT_EQ(config.channels.size(), 2u);
  const ChannelConfig& sms = config.channels[0];
  EXPECT_EQ(sms.settings.Get("access_key_secret"), "<file:etc/secrets/aliyun>");
  EXPECT_EQ(sms.settings.Get("region"), "cn");
  EXPECT_EQ(sms.rate_per_second, 20);
  EXPECT_EQ(sms.in_flight_max, 5);
  EXPECT_EQ(sms.timeout, 3 * kSecondUs);
  EXPECT_EQ(config.coupons.settings.Get("url"), "http://127.0.0.1/coupons");
  EXPECT_EQ(std::get<SinkConfig::Kafka>(config.decisions.target).topic, "huitou.decisions");
  EXPECT_EQ(std::get<SinkConfig::File>(config.emits.target).path, "etc/../var/emits.jsonl");
  EXPECT_EQ(config.http.host, "::1");
  EXPECT_EQ(config.http.port, 9000);
  EXPECT_THAT(config.http.tokens, ElementsAre("<file:etc/tokens>"));
  EXPECT_EQ(config.public_door.url, "https://go.example.com/x");
  EXPECT_EQ(config.public_door.secret, "<env:A_LONG_NAME>");
  EXPECT_EQ(config.public_door.links.at("sale"), "https://shop.example.com/s?a=1");
  EXPECT_EQ(config.log.level, "debug");
}

TEST(DaemonConfig, ReadsAMap) {
  const DaemonConfig config = Parse("f.yaml", R"(
state: {dir: s}
campaigns: []
sources:
  - http:
      name: api
      map:
        id: /no
        type: {from: /status, table: {paid: order.paid, draft: ""}, other: shop.order}
        time: {from: /at, zone: Asia/Shanghai}
        customer.id: /buyer/id
        customer.locale: {value: zh-CN}
        order.total: {from: /fee, minor: true}
        order.items: {from: /lines, sku: /code, price: {from: /cents, minor: true}}
)");
  const FieldMapping& map = *config.sources[0].map;
  EXPECT_EQ(map.fields.at("id").pointer, "/no");
  EXPECT_EQ(map.fields.at("type").table.at("draft"), "");
  EXPECT_EQ(map.fields.at("type").other, "shop.order");
  EXPECT_TRUE(map.fields.at("time").zone.has_value());
  EXPECT_EQ(map.fields.at("customer.locale").value, "zh-CN");
  EXPECT_TRUE(map.fields.at("order.total").minor);
  EXPECT_EQ(map.items_pointer, "/lines");
  EXPECT_EQ(map.item_fields.at("sku").pointer, "/code");
  EXPECT_TRUE(map.item_fields.at("price").minor);
}

TEST(DaemonConfig, HasOneDoorForPostedEvents) {
  EXPECT_EQ(ConfigMistakes("state: {dir: s}\ncampaigns: [c]\n"
                           "sources:\n  - http: {name: a}\n  - http: {name: b}\n"),
            std::vector<std::string>{
                "5:11: error: 'http' comes twice, and the second would never get an event; keep "
                "one: all that is posted to /v1/events is its"});
}

struct Row {
  const char* what;
  std::string line4;
  std::vector<std::string> told;
};
class ConfigMistake : public testing::TestWithParam<Row> {};

TEST_P(ConfigMistake, IsTold) {
  EXPECT_EQ(ConfigMistakes("state: {dir: s}\ncampaigns: [c]\nsources: [{http: {name: api}}]\n" +
                           GetParam().line4 + "\n"),
            GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ConfigMistake,
    testing::Values(
        Row{"Unknown",
            "chanels: {}",
            {"4:1: error: unknown key 'chanels'; did you mean 'channels'?"}},
        Row{"Provider",
            "channels: {sms: {provider: aliyum}}",
            {"4:28: error: no provider 'aliyum'; did you mean 'aliyun'?"}},
        Row{"NoProvider",
            "channels: {sms: {}}",
            {"4:17: error: 'sms' has no provider; add 'provider:', one of: console, file, aliyun, "
             "smtp, wechat_template"}},
        Row{"ChannelText",
            "channels: {sms: aliyun}",
            {"4:17: error: 'sms' must be a map with 'provider:', not 'aliyun'; write {provider: "
             "console}"}},
        Row{"SettingMissing",
            "channels: {o: {provider: file}}",
            {"4:15: error: 'path' is missing; add 'path:' with a path, relative to this file"}},
        Row{"SettingUnknown",
            "channels: {o: {provider: file, path: a, pat: b}}",
            {"4:41: error: unknown key 'pat'; did you mean 'path'?"}},
        Row{"SecretInline",
            "channels: {sms: {provider: aliyun, access_key_secret: hunter2}}",
            {"4:55: warning: a secret in the file itself: 'access_key_secret'; write env:NAME or "
             "file:PATH"}},
        Row{"SecretMissing",
            "channels: {sms: {provider: aliyun, access_key_secret: env:X}}",
            {"4:55: error: cannot read 'env:X': it is not set"}},
        Row{"Url",
            "channels: {email: {provider: smtp, url: smtp//me:pw@x}}",
            {"4:41: error: 'url' must be a URL; write it like https://example.com/path"}},
        Row{"Advice",
            "channels: {email: {provider: smtp, url: \"smtp://slow\"}}",
            {"4:19: warning: 'email' is slow; take a faster one"}},
        Row{"Enum",
            "channels: {sms: {provider: aliyun, access_key_secret: env:X, region: us}}",
            {"4:55: error: cannot read 'env:X': it is not set",
             "4:70: error: 'region' must be cn or sg, not 'us'"}},
        Row{"Promise",
            "channels: {e: {provider: smtp, url: \"smtp://h\", promise: exactly_once_by_key}}",
            {"4:58: error: 'exactly_once_by_key' is more than the protocol of 'smtp' can keep; "
             "the only one is at_least_once"}},
        Row{"Rate",
            "channels: {c: {provider: console, rate: 100}}",
            {"4:41: error: 'rate' must be a rate, not '100'; write it like 100/s, 1000/m or "
             "5000/d"}},
        Row{"Coupons",
            "coupons: {provider: pool}",
            {"4:21: error: no provider 'pool'; one of: local, http"}},
        Row{"SinkBrokers",
            "sinks: {emits: {kafka: {topic: t}}}",
            {"4:16: error: 'emits' has no brokers, and there is no kafka source to take them "
             "from; add 'brokers:'"}},
        Row{"Listen",
            "http: {listen: 8080}",
            {"4:16: error: 'listen' must be address:port, not '8080'; write it like "
             "127.0.0.1:8080"}},
        Row{"ListenOpen",
            "http: {listen: \"0.0.0.0:8080\"}",
            {"4:16: warning: 'listen' is open to others, and there are no tokens; add 'tokens: "
             "file:PATH'; without them only loopback is served"}},
        Row{"Public",
            R"(public: {url: "ftp://x", secret: env:X, links: {sale: "//shop"}})",
            {"4:15: error: 'url' must be a URL without query, not 'ftp://x'; write it like "
             "https://go.example.com",
             "4:34: error: cannot read 'env:X': it is not set",
             "4:55: error: 'sale' must be a URL of http or https in ASCII, not '//shop'; write it "
             "like https://shop.example.com/sale; other letters as %XX"}},
        Row{"Level",
            "log: {level: warn}",
            {"4:14: error: 'level' must be debug, info, warning or error, not 'warn'"}}),
    [](const auto& info) { return info.param.what; });

TEST(DaemonConfig, TellsMistakesOfSources) {
  EXPECT_THAT(
      ConfigMistakes("state: {dir: s, commit_interval: 2m}\ncampaigns: [c]\nsources:\n"
                     "  - kafka: {name: a, brokers: localhost, topics: [], properties: "
                     "{group.id: x}}\n"
                     "  - http: {name: a, map: {id: no}}\n"
                     "  - ftp: {name: b}\n"),
      ElementsAre(
          "1:34: error: 'commit_interval' must be at most 1m, not '2m'; what is not committed is "
          "done again after a crash",
          "4:31: error: 'brokers' must be host:port, not 'localhost'; write it like "
          "\"127.0.0.1:9092\"",
          "4:50: error: 'topics' is empty; name a topic",
          "4:67: error: 'group.id' is set by Huitou; remove it",
          "5:18: error: another source has the name 'a'; give each source its own",
          "5:26: error: 'map' does not say where 'customer.id' is; add 'customer.id: /...'",
          "5:26: error: 'map' does not say where 'time' is; add 'time: /...'",
          "5:26: error: 'map' does not say where 'type' is; add 'type: /...'",
          "5:31: error: 'id' must be a JSON Pointer, not 'no'; write it like /buyer/id",
          "6:5: error: unknown key 'ftp'; one of: kafka, http, file"));
}

}  // namespace
}  // namespace huitou::config
