// What the daemon makes of the config's channels.
#include "daemon/app/setup_channels.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "daemon/app/setup.h"

namespace huitou {
namespace {

using Values = std::map<std::string, std::string>;

Result<Outlets> OutletsOf(const std::string& provider, const Values& settings) {
  config::DaemonConfig config;
  config::ChannelConfig channel;
  channel.name = "sms";
  channel.provider = provider;
  channel.settings.values = settings;
  config.channels.push_back(channel);
  config.coupons.provider = "local";
  config.coupons.settings.values["secret"] = std::string(64, 'a');
  return MakeOutlets(config, "");
}

DurationUs ReceiptWaitOf(const std::string& provider, const Values& settings) {
  const auto outlets = OutletsOf(provider, settings);
  EXPECT_TRUE(outlets.ok()) << outlets.status().message();
  return outlets.ok() ? outlets->policies.at("sms").receipt_wait : -1;
}

TEST(SetupChannels, ReceiptsAreAwaitedOnlyWhereTheSettingsLetThemCome) {
  Values twilio = {{"account_sid", "AC" + std::string(32, '0')},
                   {"auth_token", std::string(32, '1')},
                   {"from", "+15005550006"}};
  EXPECT_EQ(ReceiptWaitOf("twilio", twilio), 0);
  twilio["callback_url"] = "https://shop.example/v1/callbacks/sms";
  EXPECT_GT(ReceiptWaitOf("twilio", twilio), 0);
  Values aliyun = {{"access_key_id", "id"}, {"access_key_secret", "secret"}, {"sign_name", "s"}};
  EXPECT_EQ(ReceiptWaitOf("aliyun", aliyun), 0);
  aliyun["callback_token"] = std::string(32, 't');
  EXPECT_GT(ReceiptWaitOf("aliyun", aliyun), 0);
  EXPECT_EQ(ReceiptWaitOf("console", {}), 0);
}

// What `check` tells of a config with these channels.
std::vector<std::string> Told(const std::string& lines) {
  config::Diagnostics diagnostics;
  const auto document = config::Document::Parse(
      "h.yaml", "state: {dir: s}\ncampaigns: [c]\nsources: [{http: {name: api}}]\n" + lines,
      &diagnostics);
  config::DaemonConfig config;
  const config::Secrets secrets = {
      [](const std::string&) { return Status(StatusCode::kNotFound, "not set"); }, false};
  config::ParseDaemonConfig(*document, AllSchemas(), secrets, &config, &diagnostics);
  std::vector<std::string> told;
  for (const config::Diagnostic& diagnostic : diagnostics.Sorted()) {
    if (diagnostic.severity != config::Severity::kNote) {
      told.push_back(FormatDiagnostic(diagnostic));
    }
  }
  return told;
}

TEST(SetupChannels, CheckTellsWhatTheProvidersWouldRefuse) {
  const auto told =
      Told("channels:\n  email: {provider: smtp, url: \"http://x\", from: \"a@example.com\"}\n");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].starts_with("h.yaml:5:32: error: url: ")) << told[0];
  const auto coupons = Told("coupons: {provider: local, length: 99}\n");
  ASSERT_EQ(coupons.size(), 1u);
  EXPECT_EQ(coupons[0], "h.yaml:4:36: error: length: not from 8 to 24");
  EXPECT_TRUE(Told("coupons: {provider: local}\n").empty());
}

TEST(SetupChannels, PropertiesAreAMapOfTextsAndSecrets) {
  const std::string kafka = "channels:\n  k: {provider: kafka, brokers: \"b:9092\", topic: t, ";
  EXPECT_TRUE(Told(kafka + "properties: {security.protocol: SASL_SSL, sasl.password: env:NONE}}\n")
                  .empty());
  const auto own = Told(kafka + "properties: {acks: 0}}\n");
  ASSERT_EQ(own.size(), 1u);
  EXPECT_TRUE(own[0].ends_with("error: properties: 'acks' is set by Huitou; remove it")) << own[0];
  EXPECT_EQ(Told(kafka + "properties: SASL_SSL}\n").size(), 1u);
}

TEST(SetupChannels, PropertiesThatTheLibraryRefusesEndTheStart) {
  Values kafka = {
      {"brokers", "b:9092"}, {"topic", "t"}, {"properties", R"({"security.protocol":"SSL"})"}};
  EXPECT_TRUE(OutletsOf("kafka", kafka).ok());
  kafka["properties"] = R"({"security.protocol":"a secret"})";
  const auto outlets = OutletsOf("kafka", kafka);
  ASSERT_FALSE(outlets.ok());
  EXPECT_EQ(outlets.status().message(),
            ": channel sms: kafka properties: librdkafka refuses the value of 'security.protocol'");
}

TEST(SetupChannels, CheckAsksNoProviderWhoseSecretIsNotHere) {
  EXPECT_TRUE(Told("channels:\n  w: {provider: webhook, url: \"https://example.com/a\", "
                   "secret: env:NONE}\n")
                  .empty());
}

TEST(SetupChannels, CheckLooksForTheFilesThatAreNamed) {
  const auto told =
      Told("http: {listen: \"127.0.0.1:1\", tls: {certificate: no.pem, key: no.key}}\n");
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], "h.yaml:4:50: warning: no file 'no.pem'; it is needed when running");
}

}  // namespace
}  // namespace huitou
