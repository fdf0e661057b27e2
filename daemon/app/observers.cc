#include "daemon/app/observers.h"

#include <utility>

#include "channels/words.h"
#include "daemon/clock/clock.h"
#include "daemon/metrics/limits.h"

namespace huitou {

namespace {

// For the log and the status page: "unauthorized: code 40164".
std::string ReasonOf(const channels::Outcome& outcome) {
  return outcome.reason + (outcome.detail.empty() ? "" : ": " + outcome.detail);
}

double Seconds(DurationUs duration) {
  return static_cast<double>(duration) / kSecondUs;
}

}  // namespace

ShardMetrics::ShardMetrics(Metrics* metrics, ShardNumber shard, Providers providers)
    : metrics_(metrics), shard_(std::to_string(shard)), providers_(std::move(providers)) {
}

ShardMetrics::~ShardMetrics() {
  Tell();
}

void ShardMetrics::Count(Metric counter, std::string_view first, std::string_view second,
                         std::string_view third) {
  const Series<std::string_view> series{counter, {first, second, third}};
  const auto found = counts_.find(series);
  if (found != counts_.end()) {
    ++found->second;
  } else {
    counts_[{counter, {std::string(first), std::string(second), std::string(third)}}] = 1;
  }
}

void ShardMetrics::Tell() {
  for (auto& [series, count] : counts_) {
    if (count == 0) {
      continue;
    }
    const auto& labels = series.labels;
    const auto amount = static_cast<double>(count);
    switch (LabelCount(series.counter)) {
      case 1:
        metrics_->Add(series.counter, {labels[0]}, amount);
        break;
      case 2:
        metrics_->Add(series.counter, {labels[0], labels[1]}, amount);
        break;
      default:
        metrics_->Add(series.counter, {labels[0], labels[1], labels[2]}, amount);
    }
    count = 0;
  }
  if (counts_.size() > limits::kLabelValuesMax) {
    counts_.clear();
  }
}

void ShardMetrics::OnEvent(const InputSpec& input, std::string_view type) {
  Count(Metric::kEvents, input.source, type);
}

void ShardMetrics::OnRejected(const InputSpec& input, std::string_view reason) {
  Count(Metric::kEventsRejected, input.source, reason);
}

void ShardMetrics::OnLate(const InputSpec& input) {
  Count(Metric::kEventsLate, input.source);
}

void ShardMetrics::OnFuture(const InputSpec& input) {
  Count(Metric::kEventsClamped, input.source);
}

void ShardMetrics::OnDuplicate(std::string_view kind) {
  Count(Metric::kDuplicatesDropped, kind);
}

void ShardMetrics::OnDecision(const Decision& decision) {
  Count(Metric::kDecisions, decision.campaign, ToString(decision.outcome), decision.reason);
  if (decision.outcome == OutcomeKind::kIssued) {
    Count(Metric::kCouponsIssued, decision.campaign);
  } else if (decision.outcome == OutcomeKind::kConverted) {
    Count(Metric::kConversions, decision.campaign, decision.arm);
  }
}

void ShardMetrics::OnConditionError(std::string_view campaign, std::string_view why) {
  Count(Metric::kConditionErrors, campaign);
  if (const auto left_out = limiter_.Pass(campaign, SteadyNow())) {
    Log(LogLevel::kWarning, "a condition failed and so is not true",
        {{"campaign", campaign}, {"why", why}, {"left_out", *left_out}});
  }
}

void ShardMetrics::OnTimer(DurationUs lateness) {
  metrics_->Observe(Metric::kTimerLateness, {}, Seconds(lateness));
}

void ShardMetrics::OnDispatch(std::string_view channel, std::string_view outcome) {
  const auto provider = providers_.find(channel);
  Count(Metric::kDispatches, channel,
        provider == providers_.end() ? std::string_view() : provider->second, outcome);
}

void ShardMetrics::OnConservationViolation(std::string_view what) {
  metrics_->Add(Metric::kConservationViolations, {});
  Log(LogLevel::kError, "conservation law violated", {{"what", what}});
}

void ShardMetrics::OnCommit(const CommitBatch& batch) {
  metrics_->Observe(Metric::kCommitDuration, {shard_}, Seconds(batch.took));
  Tell();
}

void ShardMetrics::OnStalled(bool stalled, std::string_view why) {
  Log(stalled ? LogLevel::kError : LogLevel::kInfo,
      stalled ? "the store refuses; new work waits" : "the store takes again", {{"why", why}});
}

void DispatchMetrics::OnOutcome(std::string_view channel, std::string_view provider,
                                const channels::Outcome& outcome, DurationUs took) {
  metrics_->Add(Metric::kDispatches, {channel, provider, channels::ToWord(outcome.kind)});
  metrics_->Observe(Metric::kDispatchDuration, {channel, provider}, Seconds(took));
  using Kind = channels::Outcome::Kind;
  // An access token that ran out is renewed; nothing is wrong.
  if (outcome.kind == Kind::kAccepted || outcome.kind == Kind::kTokenExpired) {
    return;
  }
  const std::string reason = ReasonOf(outcome);
  {
    std::lock_guard lock(mutex_);
    channels_[std::string(channel)].last_refusal = reason;
  }
  // One of a kind in a while: a provider that is away fails every send.
  const std::string_view word = channels::ToWord(outcome.kind);
  const auto left_out = limiter_.Pass(std::string(channel).append(" ").append(word), SteadyNow());
  if (!left_out) {
    return;
  }
  const bool paused = outcome.kind == Kind::kChannelPaused;
  Log(paused ? LogLevel::kError : LogLevel::kWarning,
      paused ? "the provider refuses this account or configuration; the channel pauses"
             : "a send was not accepted",
      {{"channel", channel}, {"outcome", word}, {"reason", reason}, {"left_out", *left_out}});
}

void DispatchMetrics::OnCircuit(std::string_view channel, CircuitBreaker::State state) {
  const bool open = state != CircuitBreaker::State::kClosed;
  metrics_->Set(Metric::kCircuitOpen, {channel}, open ? 1 : 0);
  std::string last_reason;
  {
    std::lock_guard lock(mutex_);
    ChannelState& known = channels_[std::string(channel)];
    const bool was_open = std::exchange(known.circuit, state) != CircuitBreaker::State::kClosed;
    if (was_open == open) {
      return;
    }
    last_reason = known.last_refusal;
  }
  if (open) {
    Log(LogLevel::kWarning, "circuit open: the provider fails, sends wait",
        {{"channel", channel}, {"last_reason", last_reason}});
  } else {
    Log(LogLevel::kInfo, "circuit closed: sends go on", {{"channel", channel}});
  }
}

DispatchMetrics::ChannelState DispatchMetrics::StateOf(std::string_view channel) const {
  std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  return found == channels_.end() ? ChannelState() : found->second;
}

void DispatchMetrics::OnQuery(std::string_view channel, std::string_view answer) {
  metrics_->Add(Metric::kProviderQueries, {channel, answer});
  if (answer != "unanswered" && answer != "not_fetched") {
    return;
  }
  if (const auto left_out =
          limiter_.Pass(std::string(channel).append(" ").append(answer), SteadyNow())) {
    Log(LogLevel::kWarning, "the provider did not answer a question about messages",
        {{"channel", channel}, {"question", answer}, {"left_out", *left_out}});
  }
}

void DispatchMetrics::OnToken(std::string_view channel, const channels::Outcome* failure) {
  if (failure != nullptr) {
    Log(LogLevel::kWarning, "no access token",
        {{"channel", channel}, {"reason", ReasonOf(*failure)}});
  }
}

}  // namespace huitou
