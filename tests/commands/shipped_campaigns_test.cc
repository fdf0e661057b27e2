// The campaigns that Huitou ships keep their own promises.
#include <gtest/gtest.h>

#include <string>

#include "channels/channel.h"
#include "config/loader.h"
#include "daemon/app/setup.h"
#include "daemon/simulate/campaign_test.h"

namespace huitou {
namespace {

TEST(ShippedCampaigns, PassTheirOwnTests) {
  const config::Loaded loaded = config::Load(
      {std::string(HUITOU_SOURCE_DIR) + "/config/huitou.yaml", "", {}, ReadSecrets(false)},
      AllSchemas());
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    EXPECT_NE(diagnostic.severity, config::Severity::kError) << FormatDiagnostic(diagnostic);
  }
  ASSERT_EQ(loaded.status, config::LoadStatus::kGood);
  ASSERT_GE(loaded.files.size(), 2U);
  for (const config::LoadedCampaign& campaign : loaded.files) {
    EXPECT_GE(campaign.tests.size(), 10U) << campaign.source.id;
    for (const CampaignTestResult& result :
         RunCampaignTests(campaign, *loaded.campaigns, loaded.templates)) {
      EXPECT_TRUE(result.passed) << result.campaign << ": " << result.name << "\n"
                                 << result.file << ":" << result.line << "\n"
                                 << result.difference;
    }
  }
}

}  // namespace
}  // namespace huitou
