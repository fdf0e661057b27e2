#include "daemon/app/mail_drop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace huitou {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class MailDropTest : public testing::Test {
 protected:
  MailDropTest() {
    char pattern[] = "/tmp/huitou-drop-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~MailDropTest() override { fs::remove_all(folder_); }

  void Arrive(const std::string& name, const std::string& text) {
    fs::create_directories(folder_ / "new");
    std::ofstream(folder_ / "new" / name, std::ios::binary) << text;
  }

  std::vector<std::string> In(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / name)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Look() {
    MailDrop drop(
        folder_,
        [this](std::string_view mail) {
          seen_.emplace_back(mail.substr(0, 20));
          const auto fate = fates_.find(std::string(mail));
          return fate == fates_.end() ? MailDrop::Fate::kTaken : fate->second;
        },
        [this](const std::string& message) { told_.push_back(message); });
    return drop.Look();
  }

  fs::path folder_;
  std::map<std::string, MailDrop::Fate> fates_;
  std::vector<std::string> seen_;
  std::vector<std::string> told_;
};

TEST_F(MailDropTest, MailsAreReadOnceInOrderAndMoved) {
  Arrive("2.b", "second");
  Arrive("1.a", "first");
  EXPECT_TRUE(Look().ok());
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(seen_, ElementsAre("first", "second"));
  EXPECT_THAT(In("new"), IsEmpty());
  EXPECT_THAT(In("done"), ElementsAre("1.a", "2.b"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(MailDropTest, WhatIsNoBounceGoesToBadAndIsCounted) {
  fates_["spam"] = MailDrop::Fate::kBad;
  Arrive("1", "spam");
  Arrive("2", "bounce");
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(In("bad"), ElementsAre("1"));
  EXPECT_THAT(In("done"), ElementsAre("2"));
  EXPECT_THAT(told_, ElementsAre(testing::StartsWith("1 mails that are neither")));
}

TEST_F(MailDropTest, WhatCannotBeTakenNowStaysForLater) {
  fates_["bounce"] = MailDrop::Fate::kLater;
  Arrive("1", "bounce");
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(In("new"), ElementsAre("1"));
  fates_.clear();
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(In("done"), ElementsAre("1"));
}

TEST_F(MailDropTest, AFolderThatCannotBeMadeIsTold) {
  std::ofstream(folder_ / "new") << "a file stands here";
  EXPECT_FALSE(Look().ok());
}

TEST_F(MailDropTest, OfAHugeMailTheStartIsRead) {
  Arrive("1", std::string(3 << 20, 'x'));
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(In("done"), ElementsAre("1"));
}

}  // namespace
}  // namespace huitou
