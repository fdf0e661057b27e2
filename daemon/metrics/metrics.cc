#include "daemon/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "daemon/metrics/limits.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

using Type = MetricRow::Type;

constexpr MetricRow kTable[] = {
    {Metric::kEvents, Type::kCounter, "huitou_events_total", "source,type",
     "Events read that are none of the rejected, repeats too; unknown types past a limit share the "
     "type 'other'."},
    {Metric::kEventsRejected, Type::kCounter, "huitou_events_rejected_total", "source,reason",
     "Events refused; those of Kafka and files are in the dead letters with this reason, those of "
     "HTTP were answered with 400."},
    {Metric::kEventsLate, Type::kCounter, "huitou_events_late_total", "source",
     "Events older than the frontier: applied, but they fire nothing in the past."},
    {Metric::kEventsClamped, Type::kCounter, "huitou_events_clamped_total", "source",
     "Events later than the wall clock allows; their time was set to it."},
    {Metric::kDuplicatesDropped, Type::kCounter, "huitou_duplicates_dropped_total", "kind",
     "What came again and was dropped: events by id, input by offset, receipts."},
    {Metric::kDecisions, Type::kCounter, "huitou_decisions_total", "campaign,outcome,reason",
     "Decisions by outcome; the reason is the gate's word, or empty."},
    {Metric::kConditionErrors, Type::kCounter, "huitou_condition_errors_total", "campaign",
     "Conditions that failed when they were evaluated, and so were not true."},
    {Metric::kDispatches, Type::kCounter, "huitou_dispatches_total", "channel,provider,outcome",
     "What became of sends. An attempt is accepted, rejected, retry, unknown, token_expired or "
     "channel_paused; a receipt is delivered or undelivered; refused was not sent, since consent, "
     "address "
     "or episode had gone; diverted goes on by the next channel of 'via', its own being down; "
     "failed was given up on every channel."},
    {Metric::kReceipts, Type::kCounter, "huitou_receipts_total", "channel,kind,known",
     "What providers told, by callback or asked; known is 'no' where neither the message nor the "
     "address is "
     "(any more)."},
    {Metric::kProviderQueries, Type::kCounter, "huitou_provider_queries_total", "channel,answer",
     "Questions to providers: what became of a message whose answer was lost or whose receipt did "
     "not come (told, accepted, not_found, unanswered), and for receipts that they keep (fetched, "
     "not_fetched)."},
    {Metric::kCouponsIssued, Type::kCounter, "huitou_coupons_issued_total", "campaign",
     "Coupons and stored values issued."},
    {Metric::kConversions, Type::kCounter, "huitou_conversions_total", "campaign,arm",
     "Goals reached, treated and holdout."},
    {Metric::kConservationViolations, Type::kCounter, "huitou_conservation_violations_total", "",
     "Times that candidates were not entered + rejected + pending, or entered not waiting + exited "
     "+ completed + failed. Anything but 0 is a bug."},
    {Metric::kSinkRecords, Type::kCounter, "huitou_sink_records_total", "sink,outcome",
     "Records written to a sink (delivered) and attempts that failed (retried)."},
    {Metric::kSourceErrors, Type::kCounter, "huitou_source_errors_total", "source",
     "Errors that a source's transport reported; it keeps trying."},
    {Metric::kHttpRequests, Type::kCounter, "huitou_http_requests_total", "route,status",
     "Answered requests; 401 and 403 are those without the right to it."},
    {Metric::kFrontierLag, Type::kGauge, "huitou_frontier_lag_seconds", "shard",
     "How far the shard's frontier is behind the wall clock."},
    {Metric::kTimersPending, Type::kGauge, "huitou_timers_pending", "",
     "Timers that wait for their time."},
    {Metric::kTimersHeld, Type::kGauge, "huitou_timers_held", "",
     "Due absences held because their feed is silent for longer than expect_event_within."},
    {Metric::kInFlight, Type::kGauge, "huitou_in_flight", "campaign", "Open episodes."},
    {Metric::kOutboxDepth, Type::kGauge, "huitou_outbox_depth", "channel",
     "Dispatches planned or on their way; not those that only await a receipt."},
    {Metric::kCircuitOpen, Type::kGauge, "huitou_circuit_open", "channel",
     "1 while the channel's provider fails and its sends wait, or are tried one at a time; else "
     "0."},
    {Metric::kSinkDepth, Type::kGauge, "huitou_sink_depth", "sink",
     "Records, for decisions one per step of a campaign, that are durable here and not yet at "
     "the sink."},
    {Metric::kSourceLag, Type::kGauge, "huitou_source_lag_records", "source,topic,partition",
     "Records in the topic's partition that were not read yet."},
    {Metric::kCouponPoolRemaining, Type::kGauge, "huitou_coupon_pool_remaining", "pool",
     "Codes of this pool of the shop file that were not given yet."},
    {Metric::kCouponPoolLow, Type::kGauge, "huitou_coupon_pool_low", "pool",
     "What the shop file gives as `low` of this pool: fewer codes left are warned of."},
    {Metric::kMoneySpent, Type::kGauge, "huitou_money_spent", "campaign,currency",
     "Money issued by a campaign since its beginning, in major units."},
    {Metric::kBudgetRemaining, Type::kGauge, "huitou_budget_remaining", "budget,currency",
     "Money left in a budget's current period, in major units."},
    {Metric::kUplift, Type::kGauge, "huitou_uplift", "campaign,bound",
     "Conversion rate of those who entered minus that of the control group: bound is estimate, or "
     "lower and upper of the 95 % interval."},
    {Metric::kReady, Type::kGauge, "huitou_ready", "",
     "1 when the partitions are assigned and the state is open, as /readyz says."},
    {Metric::kBuildInfo, Type::kGauge, "huitou_build_info", "version", "Always 1."},
    {Metric::kTimerLateness, Type::kHistogram, "huitou_timer_lateness_seconds", "",
     "From a timer's deadline to its firing, on the wall clock."},
    {Metric::kDispatchDuration, Type::kHistogram, "huitou_dispatch_seconds", "channel,provider",
     "From handing a request to the provider to its answer."},
    {Metric::kCommitDuration, Type::kHistogram, "huitou_commit_seconds", "shard",
     "How long writing one commit took."},
};
static_assert(std::size(kTable) == static_cast<size_t>(Metric::kCount));

// Timers are lazy by seconds when all is well and by hours after an outage.
constexpr std::array kLatenessBuckets = {0.1,  0.25, 0.5,   1.0,    2.5,     5.0,
                                         15.0, 60.0, 300.0, 3600.0, 21600.0, 86400.0};
constexpr std::array kDurationBuckets = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1.0,   2.5,  5.0,   10.0, 30.0};

const MetricRow& RowOf(Metric metric) {
  const MetricRow& row = kTable[static_cast<size_t>(metric)];
  CHECK(row.metric == metric);
  return row;
}

std::vector<std::string> SplitLabels(std::string_view labels) {
  std::vector<std::string> names;
  while (!labels.empty()) {
    const size_t comma = std::min(labels.find(','), labels.size());
    names.emplace_back(labels.substr(0, comma));
    labels.remove_prefix(std::min(comma + 1, labels.size()));
  }
  return names;
}

prometheus::Histogram::BucketBoundaries BucketsOf(Metric metric) {
  if (metric == Metric::kTimerLateness) {
    return {kLatenessBuckets.begin(), kLatenessBuckets.end()};
  }
  return {kDurationBuckets.begin(), kDurationBuckets.end()};
}

// One family with its children by label values. The values of each label are bounded.
class Family {
 public:
  Family(const MetricRow& row, prometheus::Registry* registry)
      : row_(row), label_names_(SplitLabels(row.labels)), values_(label_names_.size()) {
    const std::string name(row.name);
    const std::string help(row.help);
    switch (row.type) {
      case Type::kCounter:
        counters_ = &prometheus::BuildCounter().Name(name).Help(help).Register(*registry);
        break;
      case Type::kGauge:
        gauges_ = &prometheus::BuildGauge().Name(name).Help(help).Register(*registry);
        break;
      case Type::kHistogram:
        histograms_ = &prometheus::BuildHistogram().Name(name).Help(help).Register(*registry);
        break;
    }
    if (label_names_.empty()) {
      const std::lock_guard lock(mutex_);
      ChildOf({});
    }
  }

  void Add(Metrics::Labels labels, double amount) {
    CHECK(row_.type == Type::kCounter);
    const std::lock_guard lock(mutex_);
    ChildOf(labels).counter->Increment(amount);
  }

  void Set(Metrics::Labels labels, double value) {
    CHECK(row_.type == Type::kGauge);
    const std::lock_guard lock(mutex_);
    ChildOf(labels).gauge->Set(value);
  }

  void Observe(Metrics::Labels labels, double value) {
    CHECK(row_.type == Type::kHistogram);
    const std::lock_guard lock(mutex_);
    ChildOf(labels).histogram->Observe(value);
  }

  void Remove(Metrics::Labels labels) {
    CHECK(row_.type == Type::kGauge);
    const std::lock_guard lock(mutex_);
    const auto found = children_.find(BoundedValues(labels));
    if (found != children_.end()) {
      gauges_->Remove(found->second.gauge);
      children_.erase(found);
    }
  }

 private:
  union Child {
    prometheus::Counter* counter;
    prometheus::Gauge* gauge;
    prometheus::Histogram* histogram;
  };
  using Values = std::vector<std::string>;

  Values BoundedValues(Metrics::Labels labels) {
    CHECK(labels.size() == label_names_.size());
    Values bounded;
    bounded.reserve(labels.size());
    for (const std::string_view value : labels) {
      std::set<std::string, std::less<>>& known = values_[bounded.size()];
      if (known.contains(value)) {
        bounded.emplace_back(value);
      } else if (known.size() < limits::kLabelValuesMax && value.size() <= limits::kLabelBytesMax) {
        bounded.push_back(*known.emplace(value).first);
      } else {
        bounded.emplace_back("other");
      }
    }
    return bounded;
  }

  Child ChildOf(Metrics::Labels labels) {
    Values values = BoundedValues(labels);
    const auto found = children_.find(values);
    if (found != children_.end()) {
      return found->second;
    }
    prometheus::Labels named;
    for (size_t i = 0; i < values.size(); ++i) {
      named.emplace(label_names_[i], values[i]);
    }
    Child child{};
    switch (row_.type) {
      case Type::kCounter:
        child.counter = &counters_->Add(named);
        break;
      case Type::kGauge:
        child.gauge = &gauges_->Add(named);
        break;
      case Type::kHistogram:
        child.histogram = &histograms_->Add(named, BucketsOf(row_.metric));
        break;
    }
    children_.emplace(std::move(values), child);
    return child;
  }

  const MetricRow& row_;
  const std::vector<std::string> label_names_;
  prometheus::Family<prometheus::Counter>* counters_ = nullptr;
  prometheus::Family<prometheus::Gauge>* gauges_ = nullptr;
  prometheus::Family<prometheus::Histogram>* histograms_ = nullptr;

  std::mutex mutex_;
  // The values seen of each label, and the children by their values; both under mutex_.
  std::vector<std::set<std::string, std::less<>>> values_;
  std::map<Values, Child> children_;
};

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
  }
  return "";
}

}  // namespace

std::span<const MetricRow> MetricTable() {
  return kTable;
}

size_t LabelCount(Metric metric) {
  const std::string_view labels = RowOf(metric).labels;
  const auto commas = static_cast<size_t>(std::count(labels.begin(), labels.end(), ','));
  return labels.empty() ? 0 : commas + 1;
}

std::string MetricsReference() {
  std::string page =
      "# Metrics\n\n"
      "`GET /metrics` in Prometheus' text format. Families without labels are there from the "
      "start,\n"
      "at 0. Event types past a limit share the label value `other`; no customer is ever in a "
      "label.\n\n"
      "| name | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricRow& row : kTable) {
    page.append("| `").append(row.name).append("` | ").append(TypeName(row.type)).append(" | ");
    std::string_view separator;
    for (const std::string& label : SplitLabels(row.labels)) {
      page.append(separator).append("`").append(label).append("`");
      separator = ", ";
    }
    page.append(" | ").append(row.help).append(" |\n");
  }
  page +=
      "\nCounters begin at 0 with the process, as Prometheus expects. `huitou_money_spent` and\n"
      "`huitou_uplift` are sums since the campaign's beginning; they stand in the state and "
      "survive\n"
      "a restart.\n\n"
      "## Uplift\n\n"
      "Of those who entered, the share that reached the campaign's `goal:`, minus the same share "
      "of\n"
      "its control group. It is there once both have somebody. The interval is Newcombe's for two\n"
      "proportions: believe in an effect when `lower` is above 0. Both groups count customers "
      "whose\n"
      "`within:` still runs. The control group is drawn before contact and consent are asked, so "
      "it\n"
      "has customers too who could not have been written to.\n";
  return page;
}

class Metrics::Impl {
 public:
  Impl() {
    for (const MetricRow& row : kTable) {
      families_.push_back(std::make_unique<Family>(row, &registry_));
    }
  }

  Family& Of(Metric metric) { return *families_[static_cast<size_t>(RowOf(metric).metric)]; }
  const prometheus::Registry& registry() const { return registry_; }

 private:
  prometheus::Registry registry_;
  std::vector<std::unique_ptr<Family>> families_;
};

Metrics::Metrics(std::string_view version) : impl_(std::make_unique<Impl>()) {
  Set(Metric::kBuildInfo, {version}, 1);
}
Metrics::~Metrics() = default;

void Metrics::Add(Metric counter, Labels labels, double amount) {
  impl_->Of(counter).Add(labels, amount);
}
void Metrics::Set(Metric gauge, Labels labels, double value) {
  impl_->Of(gauge).Set(labels, value);
}
void Metrics::Observe(Metric histogram, Labels labels, double value) {
  impl_->Of(histogram).Observe(labels, value);
}
void Metrics::Remove(Metric gauge, Labels labels) {
  impl_->Of(gauge).Remove(labels);
}

std::string Metrics::Serialize() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry().Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace huitou
