// What happens inside, as metrics and log lines.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "daemon/metrics/log.h"
#include "daemon/metrics/metrics.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/shard/shard.h"
#include "triggers/base/hash.h"

namespace huitou {

// Of one shard, on its owner's thread. What comes with every event is counted here, without a lock,
// and told to the metrics at each commit.
class ShardMetrics final : public ShardObserver {
 public:
  using Providers = std::map<std::string, std::string, std::less<>>;  // by channel

  ShardMetrics(Metrics* metrics, ShardNumber shard, Providers providers);
  ~ShardMetrics() override;

  void OnEvent(const InputSpec& input, std::string_view type) override;
  void OnRejected(const InputSpec& input, std::string_view reason) override;
  void OnLate(const InputSpec& input) override;
  void OnFuture(const InputSpec& input) override;
  void OnDuplicate(std::string_view kind) override;
  void OnDecision(const Decision& decision) override;
  void OnConditionError(std::string_view campaign, std::string_view why) override;
  void OnTimer(DurationUs lateness) override;
  void OnDispatch(std::string_view channel, std::string_view outcome) override;
  void OnConservationViolation(std::string_view what) override;
  void OnCommit(const CommitBatch& batch) override;
  void OnStalled(bool stalled, std::string_view why) override;

 private:
  // A counter and its labels' values; empty behind the last.
  template <typename Text>
  struct Series {
    Metric counter;
    std::array<Text, 3> labels;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    template <typename Text>
    uint64_t operator()(const Series<Text>& series) const {
      uint64_t hash = static_cast<uint64_t>(series.counter);
      for (const std::string_view label : series.labels) {
        hash = std::rotl(hash, 21) ^ Hash64(label);
      }
      return hash;
    }
  };
  struct Same {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const Series<A>& a, const Series<B>& b) const {
      return a.counter == b.counter &&
             std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end());
    }
  };

  void Count(Metric counter, std::string_view first, std::string_view second = {},
             std::string_view third = {});
  void Tell();

  Metrics* const metrics_;
  const std::string shard_;
  const Providers providers_;
  // Since the last commit. A series stays when it is told: most come again.
  boost::unordered_flat_map<Series<std::string>, uint64_t, Hash, Same> counts_;
  LogLimiter limiter_;
};

// Of the dispatcher. Any thread.
class DispatchMetrics final : public DispatchObserver {
 public:
  struct ChannelState {
    CircuitBreaker::State circuit = CircuitBreaker::State::kClosed;
    std::string last_refusal;  // why the last send that failed was not accepted; empty: none was
  };

  explicit DispatchMetrics(Metrics* metrics) : metrics_(metrics) {}

  void OnOutcome(std::string_view channel, std::string_view provider,
                 const channels::Outcome& outcome, DurationUs took) override;
  void OnCircuit(std::string_view channel, CircuitBreaker::State state) override;
  void OnQuery(std::string_view channel, std::string_view answer) override;
  void OnToken(std::string_view channel, const channels::Outcome* failure) override;

  ChannelState StateOf(std::string_view channel) const;

 private:
  Metrics* const metrics_;
  LogLimiter limiter_;
  mutable std::mutex mutex_;
  std::map<std::string, ChannelState, std::less<>> channels_;  // under mutex_
};

}  // namespace huitou
