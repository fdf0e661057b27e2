// What an operator can watch: every family of docs/reference/metrics.md, in Prometheus' text form.
// One table (MetricTable) names, describes and labels them all; the reference page is written from
// it. Any thread; every call takes a short lock, so hot paths count by themselves and add up once
// per commit.
//
// Example:
//   Metrics metrics("0.1.0");
//   metrics.Add(Metric::kEvents, {"shop", "order.paid"}, 128);
//   metrics.Set(Metric::kOutboxDepth, {"sms"}, 12);
//   metrics.Observe(Metric::kTimerLateness, {}, 0.4);
//   metrics.Serialize();
//
// Label values are bounded: past limits::kLabelValuesMax of one label, further values share
// "other". A customer never is one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace huitou {

// In the order of MetricTable().
enum class Metric : uint8_t {
  kEvents,
  kEventsRejected,
  kEventsLate,
  kEventsClamped,
  kDuplicatesDropped,
  kDecisions,
  kConditionErrors,
  kDispatches,
  kReceipts,
  kProviderQueries,
  kCouponsIssued,
  kConversions,
  kConservationViolations,
  kSinkRecords,
  kSourceErrors,
  kHttpRequests,
  kFrontierLag,
  kTimersPending,
  kTimersHeld,
  kInFlight,
  kOutboxDepth,
  kCircuitOpen,
  kSinkDepth,
  kSourceLag,
  kCouponPoolRemaining,
  kCouponPoolLow,
  kMoneySpent,
  kBudgetRemaining,
  kUplift,
  kReady,
  kBuildInfo,
  kTimerLateness,
  kDispatchDuration,
  kCommitDuration,
  kCount,
};

struct MetricRow {
  enum class Type : uint8_t { kCounter, kGauge, kHistogram };

  Metric metric;
  Type type;
  std::string_view name;    // with the prefix
  std::string_view labels;  // comma between, no space; empty for none
  std::string_view help;
};

std::span<const MetricRow> MetricTable();
size_t LabelCount(Metric metric);
// docs/reference/metrics.md.
std::string MetricsReference();

class Metrics {
 public:
  using Labels = std::initializer_list<std::string_view>;

  // Families without labels and build_info are there from now on, the former at 0.
  explicit Metrics(std::string_view version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `labels` in the order of the table's row.
  void Add(Metric counter, Labels labels, double amount = 1);
  void Set(Metric gauge, Labels labels, double value);
  void Observe(Metric histogram, Labels labels, double value);
  // Forgets what was said under these labels, e.g. of a partition that was lost.
  void Remove(Metric gauge, Labels labels);

  // Text exposition format 0.0.4, families in the order of their names.
  std::string Serialize() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
