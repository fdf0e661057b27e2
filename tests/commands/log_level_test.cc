#include <gtest/gtest.h>

#include "config/config_tables.h"
#include "daemon/metrics/log.h"

namespace huitou {
namespace {

TEST(LogLevel, EveryWordOfTheConfigFileIsOne) {
  const config::Key* level = config::LogTable().Find("level");
  ASSERT_NE(nullptr, level);
  for (const auto& word : level->choices) {
    EXPECT_TRUE(ParseLogLevel(word).has_value()) << word;
  }
}

}  // namespace
}  // namespace huitou
