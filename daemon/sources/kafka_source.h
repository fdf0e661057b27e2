// Records of Kafka topics for the shards that this daemon owns. One consumer of the group on its
// own thread: it learns which partitions are ours, checks that their state is here and the log
// still has the stored offsets, and only then fetches. Each shard's worker reads its own inputs.
//
// Partition p of every topic is shard p: the topics have equal numbers of partitions and one range
// assignor gives all of p to one member. The offsets that count are the store's; the group's are
// committed for showing lag, and carry the id of the state (the owner's mark): partitions marked by
// another state are refused, since their customers are not known here.
//
// Example:
//   KafkaSource source(options, host, &clock, &metrics);
//   source.Start();
//   ... host.assigned({0, 1}) on the source's thread: worker = ShardWorker::Open(...,
//   source.Inputs(0))
//   ... host.revoked({0, 1}): workers stop, their inputs are destroyed
//   source.Stop();                   // host.revoked for those that are left
//
// Host's functions are called on the source's thread, one at a time; between assigned and revoked
// a shard's inputs may be taken once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/kafka/kafka_client.h"
#include "daemon/shard/input.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou {

class Metrics;

struct KafkaSourceOptions {
  std::string name;  // of the source
  std::string brokers;
  std::vector<std::string> topics;
  std::string group;
  bool start_latest = false;  // where nothing is stored
  DurationUs allowed_lateness = 0;
  std::optional<DurationUs> expect_event_within;
  kafka::Properties properties;  // secrets resolved
  std::string state_id;          // of this store, for ever: the owner's mark, 1 to 64 letters
  uint16_t shards = 0;           // of this store
};

struct KafkaHost {
  // Where the store goes on with this input; InputPosition::kNoOffset when it never was read.
  std::function<Result<int64_t>(ShardNumber shard, const std::string& input)> stored_offset;
  std::function<std::unique_ptr<Decoder>()> make_decoder;
  // The shards are ours; their inputs can be taken.
  std::function<void(const std::vector<ShardNumber>& shards)> assigned;
  // Not any longer. When it returns, none of their inputs is in use and what was read is committed
  // or forgotten.
  std::function<void(const std::vector<ShardNumber>& shards)> revoked;
  // There is something to read. Any thread; cheap.
  std::function<void(ShardNumber shard)> wake;
};

class KafkaSource {
 public:
  // `metrics` may be null.
  KafkaSource(KafkaSourceOptions options, KafkaHost host, const WallClock* clock, Metrics* metrics);
  // Stops; see Stop().
  ~KafkaSource();
  KafkaSource(const KafkaSource&) = delete;
  KafkaSource& operator=(const KafkaSource&) = delete;

  // kInvalid: a property that librdkafka refuses. A broker that is away is waited for.
  Status Start();
  // Calls host.revoked for what is still assigned, commits the group's offsets and ends the
  // threads. Not from within a host's function.
  void Stop();

  // Of an assigned shard, one per topic in the order of the options. Those of a refused partition
  // say why at Begin.
  std::vector<std::unique_ptr<ShardInput>> Inputs(ShardNumber shard);

  // Why not all is well; empty when partitions are assigned and none is refused. Any thread.
  std::vector<std::string> NotReady() const;

  // Records that are in the assigned partitions and not read. Nothing while their ends are not
  // known. Any thread.
  std::optional<int64_t> Behind() const;

  // The name of an input: "shop/orders".
  static std::string InputName(const std::string& source, const std::string& topic);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
