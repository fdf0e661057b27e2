// What happens inside, as metrics: one object for all shards and the dispatcher. Any thread.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "daemon/metrics/metrics.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/shard/shard.h"

namespace huitou {

class ShardMetrics final : public ShardObserver {
 public:
  explicit ShardMetrics(Metrics* metrics) : metrics_(metrics) {}

  void OnEvent(const InputSpec& input, std::string_view type) override;
  void OnRejected(const InputSpec& input, std::string_view reason) override;
  void OnLate(const InputSpec& input) override;
  void OnFuture(const InputSpec& input) override;
  void OnDuplicate(std::string_view kind) override;
  void OnDecision(const Decision& decision) override;
  void OnTimer(DurationUs lateness) override;
  void OnConservationViolation(std::string_view what) override;
  void OnStalled(bool stalled, std::string_view why) override;

 private:
  Metrics* const metrics_;
};

class DispatchMetrics final : public DispatchObserver {
 public:
  explicit DispatchMetrics(Metrics* metrics) : metrics_(metrics) {}

  void OnOutcome(std::string_view channel, std::string_view provider,
                 const channels::Outcome& outcome, DurationUs took) override;
  void OnCircuit(std::string_view channel, CircuitBreaker::State state) override;
  void OnToken(std::string_view channel, std::string_view reason) override;

 private:
  Metrics* const metrics_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> open_;  // circuits that are not closed
};

}  // namespace huitou
