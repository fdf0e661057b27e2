// What the daemon makes of the config's channels.
#include "daemon/app/setup_channels.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace huitou {
namespace {

using Values = std::map<std::string, std::string>;

DurationUs ReceiptWaitOf(const std::string& provider, const Values& settings) {
  config::DaemonConfig config;
  config::ChannelConfig channel;
  channel.name = "sms";
  channel.provider = provider;
  channel.settings.values = settings;
  config.channels.push_back(channel);
  config.coupons.provider = "local";
  config.coupons.settings.values["secret"] = std::string(64, 'a');
  const auto outlets = MakeOutlets(config, "");
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

}  // namespace
}  // namespace huitou
