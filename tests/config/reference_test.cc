// docs/reference/ says what the tables say. To write the pages and schemas anew:
//   UPDATE_DOCS=1 config_tests --gtest_filter='Reference.*'
#include "config/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config/files.h"
#include "config/json_schema.h"

namespace huitou::config {
namespace {

void ExpectCurrent(const std::string& name, const std::string& text) {
  const std::string path = std::string(HUITOU_SOURCE_DIR) + "/docs/reference/" + name;
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << text;
  }
  const Result<std::string> found = ReadWholeFile(path);
  ASSERT_TRUE(found.ok()) << path << ": " << found.status().message();
  EXPECT_EQ(*found, text) << "write it anew: UPDATE_DOCS=1 config_tests "
                             "--gtest_filter='Reference.*'";
}

TEST(Reference, OfCampaignsIsCurrent) {
  ExpectCurrent("campaign.md", CampaignReference());
}

TEST(Reference, OfTheShopIsCurrent) {
  ExpectCurrent("shop.md", ShopReference());
}

TEST(Reference, OfTheConfigIsCurrent) {
  ExpectCurrent("config.md", ConfigReference());
}

TEST(Reference, SchemasAreCurrent) {
  ExpectCurrent("campaign.schema.json", CampaignSchema() + "\n");
  ExpectCurrent("shop.schema.json", ShopSchema() + "\n");
  ExpectCurrent("event.schema.json", EventSchema() + "\n");
}

}  // namespace
}  // namespace huitou::config
