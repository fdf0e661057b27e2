// Sinks: decisions, emitted events and dead letters on their way out of the store, each to a Kafka
// topic or a file. At least once: a record leaves the store when its sink has confirmed it, and one
// that is repeated after a crash is the same, byte for byte.
//
// One thread a sink writes what the shards offer, in order, batch by batch; a sink that fails is
// tried again for ever, while the records stay in the store. Offer is for any thread.
//
// Example:
//   auto sinks = Sinks::Start({.decisions = FileTarget{"decisions.jsonl"}}, host, &metrics);
//   parts.sinks = sinks->get();
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "daemon/kafka/kafka_client.h"
#include "daemon/shard/shard.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"

namespace huitou {

class Metrics;

struct FileTarget {
  std::string path;
  bool sync = true;  // a record is delivered when a power cut does not take it back
};
struct KafkaTarget {
  std::string brokers;
  std::string topic;
  kafka::Properties properties = {};
};
using SinkTarget = std::variant<std::monostate, FileTarget, KafkaTarget>;

struct SinksOptions {
  SinkTarget decisions = {};
  SinkTarget emits = {};
  SinkTarget dead_letters = {};
};

// How the shards hear of it. On the sinks' threads; must not wait.
struct SinksHost {
  // Shard::PostDelivered of this shard, where it is still here.
  std::function<void(ShardNumber shard, SinkKind kind, uint64_t sequence)> delivered;
  // Shard::PostRoom of this shard.
  std::function<void(ShardNumber shard)> room;
};

class Sinks final : public RecordSinks {
 public:
  // kInvalid: a property that librdkafka refuses. A broker that is away is waited for. `metrics`
  // may be null.
  static Result<std::unique_ptr<Sinks>> Start(const SinksOptions& options, const SinksHost& host,
                                              Metrics* metrics);
  ~Sinks() override;

  size_t Offer(ShardNumber shard, SinkKind kind, std::span<const SinkRecord> records) override;
  // Writes what was offered, unless a sink fails, and ends the threads.
  void Stop();

 private:
  class Sink;
  Sinks() = default;
  std::unique_ptr<Sink> sinks_[kSinkKinds];
};

}  // namespace huitou
