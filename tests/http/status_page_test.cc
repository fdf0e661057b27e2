// What stands on the page at "/".
#include "daemon/http/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace huitou::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(StatusPage, SaysWhatIsWrongAndWhere) {
  StatusReport report;
  report.version = "1.2.3";
  report.not_ready = {"kafka: no partitions yet"};
  report.sources = {{"shop", "kafka", 1234, ""}, {"old", "file", std::nullopt, "no such file"}};
  report.shards = {{0, 75 * kSecondUs, 42, 7, false, "the disk is full"}, {}};
  report.channels = {{"sms", "aliyun", "open", 99, "no_balance"},
                     {"console", "console", "closed", 0, ""}};
  report.campaigns = {{"winback", true, 10, 4, 6, 2, 3, 1, 0}};
  const std::string page = StatusPage(report);
  for (
      const char* expected :
      {"<h1>Huitou 1.2.3</h1>", "<li>kafka: no partitions yet</li>",
       R"(<tr><td>shop</td><td>kafka</td><td class="n">1234</td><td>ok</td></tr>)",
       R"(<td>unknown</td><td class=" bad">no such file</td>)",
       R"(<td>75 s</td><td>catching up</td><td class="n">42</td><td class="n bad">7</td>)",
       "the disk is full", "no event yet",
       R"(<td class=" bad">open</td><td class="n">99</td><td>no_balance</td>)",
       R"(<td>closed</td><td class="n">0</td><td></td>)",
       R"(<td>winback</td><td class=" bad">paused</td><td class="n">10</td><td class="n">4</td>)"}) {
    EXPECT_THAT(page, HasSubstr(expected));
  }
}

TEST(StatusPage, EscapesWhateverItIsGiven) {
  const std::string evil = "<script>\"'&";
  StatusReport report;
  report.version = evil;
  report.not_ready = {evil};
  report.sources = {{evil, evil, 0, evil}};
  report.shards = {{0, std::nullopt, 0, 0, true, evil}};
  report.channels = {{evil, evil, evil, 0, evil}};
  report.campaigns = {{evil}};
  EXPECT_THAT(StatusPage(report), AllOf(Not(HasSubstr("<script")), HasSubstr("&lt;script")));
}

TEST(StatusPage, WithoutAnythingSaysSo) {
  EXPECT_THAT(StatusPage({}), AllOf(HasSubstr("ready</p>"), HasSubstr("none")));
}

}  // namespace
}  // namespace huitou::http
