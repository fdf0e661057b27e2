#include "daemon/metrics/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "daemon/metrics/limits.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LogLines : public testing::Test {
 protected:
  LogLines() {
    SetLogSinkForTest([this](const std::string& line) { lines_.push_back(line); });
  }
  ~LogLines() override {
    SetLogSinkForTest(nullptr);
    InitLog({});
  }
  std::vector<std::string> lines_;
};

TEST_F(LogLines, TextIsForPeople) {
  Log(LogLevel::kWarning, "partition refused",
      {{"topic", "orders"}, {"partition", 3}, {"why", "no state"}});
  EXPECT_THAT(lines_,
              ElementsAre(EndsWith(
                  "Z warning partition refused topic=orders partition=3 why=\"no state\"")));
}

TEST_F(LogLines, JsonIsForMachines) {
  InitLog({LogLevel::kInfo, LogFormat::kJson});
  Log(LogLevel::kInfo, "he said \"no\"\n", {{"offset", int64_t{13800000000}}, {"path", "/a b"}});
  EXPECT_THAT(lines_, ElementsAre(EndsWith(
                          R"("level":"info","message":"he said \"no\"\n","offset":13800000000,)"
                          R"("path":"/a b"})")));
}

TEST_F(LogLines, BelowTheLevelNothingIsWritten) {
  InitLog({LogLevel::kWarning, LogFormat::kText});
  Log(LogLevel::kInfo, "x");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(LogLines, AFactIsOneLineWhateverItQuotes) {
  Log(LogLevel::kInfo, "a\nb", {{"value", "c\r\nd"}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], Not(HasSubstr("\n")));
}

// Standard error is a pipe with no room for a line more, until it is read.
TEST(Log, ThatNobodyReadsHoldsNobodyUpAndSaysLaterWhatWasLost) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  while (write(ends[1], "x", 1) == 1) {
  }
  fcntl(ends[1], F_SETFL, 0);
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  SetLogSinkForTest(nullptr);
  for (int i = 0; i < 1000; ++i) {
    Log(LogLevel::kInfo, "for nobody");
  }
  char data[4096];
  while (read(ends[0], data, sizeof data) > 0) {
  }
  Log(LogLevel::kInfo, "somebody is there");
  dup2(before, STDERR_FILENO);
  const ssize_t count = read(ends[0], data, sizeof data);
  for (const int end : {before, ends[0], ends[1]}) {
    close(end);
  }
  ASSERT_GT(count, 0);
  EXPECT_THAT(std::string(data, static_cast<size_t>(count)),
              testing::ContainsRegex(
                  "warning nobody read the log, and lines were lost lines=1000\n.*somebody"));
}

TEST_F(LogLines, EndlessValuesAreCut) {
  Log(LogLevel::kInfo, "x", {{"value", std::string(1 << 20, 'v')}});
  EXPECT_LT(lines_[0].size(), limits::kLogValueBytesMax + 100);
}

TEST_F(LogLines, AddressesAreMaskedInMessageAndValues) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    InitLog({LogLevel::kInfo, format});
    lines_.clear();
    Log(LogLevel::kInfo, "no answer for anna.lee+x@example.com",
        {{"to", "+8613812345678"},
         {"url", "https://sms.example/send?phone=%2B8613812345678&mail=anna.lee%2Bx%40example.com"},
         {"cn", "13812345678"},
         {"spaced", "+86 138 1234 5678"}});
    EXPECT_THAT(lines_[0], Not(HasSubstr("1381234")));
    EXPECT_THAT(lines_[0], Not(HasSubstr("138 1234")));
    EXPECT_THAT(lines_[0], Not(HasSubstr("anna")));
    EXPECT_THAT(lines_[0], HasSubstr("https://sms.example/send?phone="));
  }
}

TEST(MaskAddresses, LeavesOtherNumbersAlone) {
  for (const char* text : {"offset 123456789012", "2026-11-11T00:03:12Z", "1.5s", "order 12345678",
                           "12812345678", "127.0.0.1:9092", "a@", "@b", "50 CNY", "+12"}) {
    EXPECT_EQ(MaskAddresses(text), text);
  }
}

TEST(MaskAddresses, SeesEverySpelling) {
  for (const char* text :
       {"+1 650 253 0000", "+49-30-123456", "8613812345678", "008613812345678", "tel:13812345678",
        "x=13812345678;", "(+8613812345678)", "13812345678"}) {
    EXPECT_NE(MaskAddresses(text), text) << text;
  }
  EXPECT_EQ(MaskAddresses("a@b.cn,anna@example.com!"), "***@b.cn,a***@example.com!");
}

TEST(LogLimiter, CountsWhatItLeavesOut) {
  LogLimiter limiter;
  EXPECT_EQ(limiter.Pass("down", 0), 0U);
  EXPECT_EQ(limiter.Pass("down", kSecondUs), std::nullopt);
  EXPECT_EQ(limiter.Pass("down", 2 * kSecondUs), std::nullopt);
  EXPECT_EQ(limiter.Pass("auth", 2 * kSecondUs), 0U);
  EXPECT_EQ(limiter.Pass("down", limits::kLogRepeatMin), 2U);
}

}  // namespace
}  // namespace huitou
