// Campaign tests whose coupons are of a pool: no file is touched, and a test says how many there
// are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "channels/channel.h"
#include "config/loader.h"
#include "daemon/app/setup.h"
#include "daemon/simulate/campaign_test.h"

namespace huitou {
namespace {

constexpr const char* kConfig = R"(
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api}}]
channels: {console: {provider: console}}
)";
constexpr const char* kShop = R"(
shop: {name: Demo}
consent: {default: opt_out}
pools: {winback-50: {file: there/is/none.csv}}
)";
constexpr const char* kCampaign = R"(
campaign: thanks
trigger: {event: order.paid}
steps:
  - {id: big, coupon: {value: 50 CNY, codes: pool:winback-50}}
  - {id: hello, send: {template: hello, via: [console]}}
tests:
  - name: a pool that the test does not name has codes enough
    events: [{at: 2026-01-01T10:00+08:00, type: order.paid, customer: c1}]
    expect:
      - {outcome: entered}
      - {outcome: issued, coupon: big}
      - {outcome: dispatched, text: "code *"}
      - {outcome: completed}
  - name: the second one comes too late
    pools: {winback-50: 1}
    events:
      - {at: 2026-01-01T10:00+08:00, type: order.paid, customer: c1}
      - {at: +1h, type: order.paid, customer: c2}
    expect:
      - {outcome: entered, customer: c1}
      - {outcome: issued, coupon: big}
      - {outcome: dispatched}
      - {outcome: completed}
      - {at: +1h, outcome: rejected, reason: stock, customer: c2}
)";

TEST(PoolsInCampaignTests, TouchNoFileAndAreAsFullAsTheTestSays) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("huitou-pool-tests" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "campaigns");
  std::filesystem::create_directories(folder / "templates");
  std::ofstream(folder / "huitou.yaml") << kConfig;
  std::ofstream(folder / "shop.yaml") << kShop;
  std::ofstream(folder / "campaigns/thanks.yaml") << kCampaign;
  std::ofstream(folder / "templates/hello.mustache") << "code {{coupon.code}}";
  const config::Loaded loaded =
      config::Load({(folder / "huitou.yaml").string(), "", {}, ReadSecrets(false)}, AllSchemas());
  std::filesystem::remove_all(folder);
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    ADD_FAILURE() << FormatDiagnostic(diagnostic);
  }
  ASSERT_EQ(loaded.files.size(), 1u);
  const auto results = RunCampaignTests(loaded.files[0], *loaded.campaigns, loaded.templates);
  ASSERT_EQ(results.size(), 2u);
  for (const CampaignTestResult& result : results) {
    EXPECT_TRUE(result.passed) << result.name << "\n" << result.difference;
  }
}

}  // namespace
}  // namespace huitou
