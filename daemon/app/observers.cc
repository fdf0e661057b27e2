#include "daemon/app/observers.h"

#include "daemon/metrics/log.h"

namespace huitou {

namespace {

std::string_view WordOf(channels::Outcome::Kind kind) {
  using Kind = channels::Outcome::Kind;
  switch (kind) {
    case Kind::kAccepted:
      return "accepted";
    case Kind::kRejected:
      return "rejected";
    case Kind::kRetry:
      return "retry";
    case Kind::kUnknown:
      return "unknown";
    case Kind::kTokenExpired:
      return "token_expired";
    case Kind::kChannelPaused:
      return "paused";
  }
  return "";
}

double Seconds(DurationUs duration) {
  return static_cast<double>(duration) / kSecondUs;
}

}  // namespace

void ShardMetrics::OnEvent(const InputSpec& input, std::string_view type) {
  metrics_->Add(Metric::kEvents, {input.source, type});
}

void ShardMetrics::OnRejected(const InputSpec& input, std::string_view reason) {
  metrics_->Add(Metric::kEventsRejected, {input.source, reason});
}

void ShardMetrics::OnLate(const InputSpec& input) {
  metrics_->Add(Metric::kEventsLate, {input.source});
}

void ShardMetrics::OnFuture(const InputSpec& input) {
  metrics_->Add(Metric::kEventsClamped, {input.source});
}

void ShardMetrics::OnDuplicate(std::string_view kind) {
  metrics_->Add(Metric::kDuplicatesDropped, {kind});
}

void ShardMetrics::OnDecision(const Decision& decision) {
  metrics_->Add(Metric::kDecisions,
                {decision.campaign, ToString(decision.outcome), decision.reason});
  if (decision.outcome == OutcomeKind::kIssued) {
    metrics_->Add(Metric::kCouponsIssued, {decision.campaign});
  } else if (decision.outcome == OutcomeKind::kConverted) {
    metrics_->Add(Metric::kConversions, {decision.campaign, decision.arm});
  }
}

void ShardMetrics::OnTimer(DurationUs lateness) {
  metrics_->Observe(Metric::kTimerLateness, {}, Seconds(lateness));
}

void ShardMetrics::OnConservationViolation(std::string_view what) {
  metrics_->Add(Metric::kConservationViolations, {});
  Log(LogLevel::kError, "conservation law violated", {{"what", what}});
}

void ShardMetrics::OnStalled(bool stalled, std::string_view why) {
  Log(stalled ? LogLevel::kError : LogLevel::kInfo,
      stalled ? "the store refuses; new work waits" : "the store takes again", {{"why", why}});
}

void DispatchMetrics::OnOutcome(std::string_view channel, std::string_view provider,
                                const channels::Outcome& outcome, DurationUs took) {
  metrics_->Add(Metric::kDispatches, {channel, provider, WordOf(outcome.kind)});
  metrics_->Observe(Metric::kDispatchDuration, {channel, provider}, Seconds(took));
  if (outcome.kind == channels::Outcome::Kind::kChannelPaused) {
    Log(LogLevel::kError, "the provider refuses this account or configuration; the channel pauses",
        {{"channel", channel}, {"reason", outcome.reason}});
  }
}

void DispatchMetrics::OnCircuit(std::string_view channel, CircuitBreaker::State state) {
  const bool open = state != CircuitBreaker::State::kClosed;
  {
    std::lock_guard lock(mutex_);
    const bool news = open ? open_.emplace(channel).second : open_.erase(std::string(channel)) > 0;
    if (!news) {
      return;
    }
  }
  Log(open ? LogLevel::kWarning : LogLevel::kInfo,
      open ? "circuit open: the provider fails, sends wait" : "circuit closed: sends go on",
      {{"channel", channel}});
}

void DispatchMetrics::OnToken(std::string_view channel, std::string_view reason) {
  if (!reason.empty()) {
    Log(LogLevel::kWarning, "no access token", {{"channel", channel}, {"reason", reason}});
  }
}

}  // namespace huitou
