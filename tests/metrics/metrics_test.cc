#include "daemon/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "daemon/metrics/limits.h"

namespace huitou {
namespace {

using testing::HasSubstr;
using testing::Not;

// One sample in every family, so that all of them are written.
void Fill(Metrics* metrics) {
  for (const MetricRow& row : MetricTable()) {
    const std::string labels(row.labels);
    const auto count = labels.empty() ? 0 : std::count(labels.begin(), labels.end(), ',') + 1;
    const Metrics::Labels choices[] = {{}, {"a"}, {"a", "b"}, {"a", "b", "c"}};
    switch (row.type) {
      case MetricRow::Type::kCounter:
        metrics->Add(row.metric, choices[count], 2);
        break;
      case MetricRow::Type::kGauge:
        metrics->Set(row.metric, choices[count], 0.5);
        break;
      case MetricRow::Type::kHistogram:
        metrics->Observe(row.metric, choices[count], 0.3);
        break;
    }
  }
}

TEST(Metrics, FamiliesWithoutLabelsAreThereAtZero) {
  const std::string text = Metrics("1.2.3").Serialize();
  EXPECT_THAT(text, HasSubstr("\nhuitou_conservation_violations_total 0\n"));
  EXPECT_THAT(text, HasSubstr("\nhuitou_timers_pending 0\n"));
  EXPECT_THAT(text, HasSubstr("\nhuitou_timers_held 0\n"));
  EXPECT_THAT(text, HasSubstr("\nhuitou_timer_lateness_seconds_count 0\n"));
  EXPECT_THAT(text, HasSubstr("\nhuitou_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(Metrics, CountsByLabels) {
  Metrics metrics("1");
  metrics.Add(Metric::kEvents, {"shop", "order.paid"}, 3);
  metrics.Add(Metric::kEvents, {"shop", "order.paid"});
  metrics.Add(Metric::kEvents, {"api", "order.paid"});
  const std::string text = metrics.Serialize();
  EXPECT_THAT(text, HasSubstr("huitou_events_total{source=\"shop\",type=\"order.paid\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("huitou_events_total{source=\"api\",type=\"order.paid\"} 1\n"));
}

TEST(Metrics, UnknownTypesPastTheLimitShareOther) {
  Metrics metrics("1");
  for (size_t i = 0; i < limits::kLabelValuesMax + 50; ++i) {
    metrics.Add(Metric::kEvents, {"shop", "type" + std::to_string(i)});
  }
  metrics.Add(Metric::kEvents, {"shop", "type7"});
  const std::string text = metrics.Serialize();
  EXPECT_THAT(text, HasSubstr("huitou_events_total{source=\"shop\",type=\"other\"} 50\n"));
  EXPECT_THAT(text, HasSubstr("huitou_events_total{source=\"shop\",type=\"type7\"} 2\n"));
}

TEST(Metrics, AnEndlessTypeIsOther) {
  Metrics metrics("1");
  metrics.Add(Metric::kEvents, {"shop", std::string(5000, 'x')});
  EXPECT_THAT(metrics.Serialize(), HasSubstr("type=\"other\"} 1\n"));
}

TEST(Metrics, ALostPartitionIsForgotten) {
  Metrics metrics("1");
  metrics.Set(Metric::kFrontierLag, {"3"}, 1.5);
  EXPECT_THAT(metrics.Serialize(), HasSubstr("huitou_frontier_lag_seconds{shard=\"3\"} 1.5\n"));
  metrics.Remove(Metric::kFrontierLag, {"3"});
  EXPECT_THAT(metrics.Serialize(), Not(HasSubstr("huitou_frontier_lag_seconds{")));
  metrics.Set(Metric::kFrontierLag, {"3"}, 2);
  EXPECT_THAT(metrics.Serialize(), HasSubstr("huitou_frontier_lag_seconds{shard=\"3\"} 2\n"));
}

TEST(Metrics, PromtoolHasNothingToSay) {
  if (std::system(HUITOU_SOURCE_DIR "/docker/prometheus.sh promtool > /dev/null") != 0) {
    GTEST_SKIP() << "promtool cannot be fetched";
  }
  Metrics metrics("1");
  Fill(&metrics);
  FILE* promtool =
      popen("$(" HUITOU_SOURCE_DIR "/docker/prometheus.sh promtool) check metrics 2>&1", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = metrics.Serialize();
  ASSERT_EQ(fwrite(text.data(), 1, text.size(), promtool), text.size());
  EXPECT_EQ(pclose(promtool), 0) << text;
}

TEST(Metrics, EveryRowIsWritten) {
  Metrics metrics("1");
  Fill(&metrics);
  const std::string text = metrics.Serialize();
  for (const MetricRow& row : MetricTable()) {
    EXPECT_THAT(text, HasSubstr("# HELP " + std::string(row.name) + " "));
  }
}

// HUITOU_WRITE_REFERENCE=1 rewrites the page instead.
TEST(Metrics, TheReferencePageIsCurrent) {
  const std::string path = std::string(HUITOU_SOURCE_DIR) + "/docs/reference/metrics.md";
  if (std::getenv("HUITOU_WRITE_REFERENCE") != nullptr) {
    std::ofstream(path) << MetricsReference();
  }
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_EQ(page.str(), MetricsReference());
}

}  // namespace
}  // namespace huitou
