// docs/reference/channels/ says what the code says. To write the pages anew:
//   UPDATE_DOCS=1 channels_tests --gtest_filter='Reference*'
#include "channels/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace huitou::channels {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(HUITOU_SOURCE_DIR) / "docs/reference/channels";

std::map<std::string, std::string> Pages() {
  std::map<std::string, std::string> pages = {{"answers.md", AnswersPage()}};
  for (const Registration& registration : AllProviders()) {
    pages[registration.schema.name + ".md"] = ReferencePage(registration);
  }
  for (const CouponRegistration& registration : AllCouponProviders()) {
    pages["coupon-" + registration.schema.name + ".md"] = ReferencePage(registration);
  }
  return pages;
}

TEST(Reference, IsWhatTheCodeSays) {
  const bool update = std::getenv("UPDATE_DOCS") != nullptr;
  for (const auto& [name, page] : Pages()) {
    if (update) {
      std::filesystem::create_directories(kFolder);
      std::ofstream(kFolder / name) << page;
    }
    std::ostringstream text;
    text << std::ifstream(kFolder / name).rdbuf();
    EXPECT_EQ(text.str(), page) << name << ": run UPDATE_DOCS=1 channels_tests";
  }
}

TEST(Reference, HasNoPageWithoutAProvider) {
  const std::map<std::string, std::string> pages = Pages();
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_TRUE(pages.contains(file.path().filename().string())) << file.path();
  }
}

}  // namespace
}  // namespace huitou::channels
