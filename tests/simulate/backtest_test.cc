// The backtest as `huitou simulate` runs it: files in, a report and a decision log out.
#include "daemon/simulate/backtest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "daemon/simulate/event_stream.h"
#include "tests/simulate/generated_shop.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class BacktestTest : public testing::Test {
 protected:
  BacktestTest() : orders_(GenerateOrders()), lines_(ToLines(orders_)) {
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("huitou-backtest-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~BacktestTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::span<const std::string> lines) const {
    const std::string path = folder_ / name;
    std::ofstream file(path);
    for (const std::string& line : lines) {
      file << line << '\n';
    }
    return path;
  }

  BacktestReport Run(const std::vector<std::string>& files, const std::string& log = {}) const {
    BacktestOptions options;
    options.files = files;
    options.assume_contact = options.assume_consent = true;
    options.decisions_path = log;
    auto report = Backtest(AllScopes(), options).Run();
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? *report : BacktestReport();
  }

  std::vector<GeneratedOrder> orders_;
  std::vector<std::string> lines_;
  std::filesystem::path folder_;
};

std::string Cell(const std::string& line, const std::string& name) {
  const std::string before = "\"" + name + "\":\"";
  const size_t begin = line.find(before);
  return begin == std::string::npos
             ? ""
             : line.substr(begin + before.size(),
                           line.find('"', begin + before.size()) - begin - before.size());
}

TEST_F(BacktestTest, TheDecisionLogHasEveryFiringAndNoOther) {
  const std::string log = folder_ / "decisions.jsonl";
  const BacktestReport report = Run({Write("events.jsonl", lines_)}, log);
  EXPECT_EQ(report.events, lines_.size());
  EXPECT_THAT(report.events_rejected, IsEmpty());
  EXPECT_THAT(report.ConservationViolations(), IsEmpty());
  Firings fired;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    if (Cell(line, "outcome") == "entered") {
      fired.push_back(Cell(line, "campaign") + "," + Cell(line, "clock") + "," +
                      Cell(line, "customer") + "," + Cell(line, "time"));
    }
  }
  std::sort(fired.begin(), fired.end());
  EXPECT_EQ(fired, ReferenceOf(orders_));
  uint64_t entered = 0;
  for (const auto& [name, campaign] : report.campaigns) {
    entered += campaign.entered;
  }
  EXPECT_EQ(entered, fired.size());
}

TEST_F(BacktestTest, HowTheHistoryIsCutIntoFilesChangesNothing) {
  const std::string whole = Run({Write("all.jsonl", lines_)}).decisions_sha256;
  const std::span all(lines_);
  const std::string parts =
      Run({Write("1.jsonl", all.first(100)), Write("2.jsonl", {}),
           Write("3.jsonl", all.subspan(100, 1)), Write("4.jsonl", all.subspan(101))})
          .decisions_sha256;
  EXPECT_EQ(parts, whole);
}

TEST_F(BacktestTest, LinesThatAreNoEventsAreNamedAndLeftOut) {
  const std::string whole = Run({Write("all.jsonl", lines_)}).decisions_sha256;
  std::vector<std::string> mixed = lines_;
  mixed.insert(mixed.begin() + 40, "{ this is no JSON");
  mixed.insert(mixed.begin() + 100, R"({"id":"x","type":"order.placed"})");
  const BacktestReport report = Run({Write("mixed.jsonl", mixed)});
  EXPECT_EQ(report.decisions_sha256, whole);
  uint64_t refused = 0;
  for (const auto& [reason, count] : report.events_rejected) {
    refused += count;
  }
  EXPECT_EQ(refused, 2U);
  EXPECT_THAT(report.first_refused,
              ElementsAre(HasSubstr("mixed.jsonl:41: "), HasSubstr("mixed.jsonl:101: ")));
}

TEST_F(BacktestTest, SmsAreCountedInPartsAndPriced) {
  auto set = std::make_shared<CampaignSet>(*AllScopes());
  auto campaign = std::make_shared<Campaign>(*set->campaigns.front());
  SendStep send;
  send.template_name = "long";
  send.via = {"sms"};
  campaign->steps.push_back({});
  campaign->steps.back().action = send;
  campaign->program.clear();
  Link(campaign.get());
  set->campaigns = {campaign};
  config::Diagnostics diagnostics;
  config::TemplateSet templates("zh-CN");
  templates.Add("long.mustache", std::string(71, 'a') + "\n", nullptr, &diagnostics);
  BacktestOptions options;
  options.files = {Write("events.jsonl", lines_)};
  options.assume_contact = options.assume_consent = true;
  options.sms.templates = &templates;
  options.sms.channels["sms"] = {SmsAlphabet::kUcs2, Money{4'500, *Currency::Parse("CNY")}};
  const auto report = Backtest(set, options).Run();
  ASSERT_TRUE(report.ok());
  const CampaignReport& counted = report->campaigns.begin()->second;
  const uint64_t sent = counted.dispatched.at("sms");
  EXPECT_GT(sent, 100U);
  EXPECT_EQ(counted.sms_parts.at("sms"), 2 * sent);
  EXPECT_EQ(counted.sms_cost.at("sms").minor, static_cast<int64_t>(9 * sent));  // 0.045 CNY each
  EXPECT_THAT(report->ToText(), HasSubstr("sms parts sms"));
  EXPECT_THAT(report->ToJson(), HasSubstr("\"sms_parts\":{\"sms\":"));
}

TEST_F(BacktestTest, AFileThatIsNotThereEndsIt) {
  BacktestOptions options;
  options.files = {Write("all.jsonl", lines_), folder_ / "nothing.jsonl"};
  const auto report = Backtest(AllScopes(), options).Run();
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.status().message(), HasSubstr("nothing.jsonl"));
}

TEST_F(BacktestTest, AStreamThatIsLeftInTheMiddleEnds) {
  const std::string path = Write("all.jsonl", lines_);
  for (int batches = 0; batches < 8; ++batches) {
    EventStream stream({path}, {});
    for (int i = 0; i < batches; ++i) {
      EXPECT_FALSE(stream.Next().empty());
    }
  }
}

}  // namespace
}  // namespace huitou
