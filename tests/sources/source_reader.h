// The Kafka source in the place where the daemon has it, without shards behind it.
//
//   ReaderState state;
//   SourceReader reader(options, &state);
//   EXPECT_TRUE(Eventually([&] { return CountOf(state) == 10; }));
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/metrics/metrics.h"
#include "daemon/sources/kafka_source.h"

namespace huitou {

using Payloads = std::map<std::pair<std::string, int32_t>, std::vector<std::string>>;

// What a state keeps over restarts: offsets, and everything that was applied with them.
struct ReaderState {
  std::mutex mutex;
  std::map<std::pair<ShardNumber, std::string>, int64_t> offsets;
  Payloads applied;
  std::map<std::pair<std::string, int32_t>, TimeUs> at_end;
  std::vector<Status> failures;
  int tombstones = 0;
  std::map<std::string, std::string> headers;
};

// One thread a shard applies what it reads at once. The state outlives it.
class SourceReader {
 public:
  SourceReader(KafkaSourceOptions options, ReaderState* state);
  ~SourceReader() { Stop(); }
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  void Stop() { source_.Stop(); }

  KafkaSource& source() { return source_; }
  const Status& started() const { return started_; }
  int assigned() const { return assigned_; }
  int revoked() const { return revoked_; }
  // It has said so while its partitions' shards were being opened.
  bool ready_too_early() const { return ready_too_early_; }
  Metrics& metrics() { return metrics_; }

 private:
  KafkaHost MakeHost();
  void EndReaders();
  void Read(ShardNumber shard);
  void ReadSome(ShardNumber shard, ShardInput* input);

  ReaderState* const state_;
  SystemClock clock_;
  Metrics metrics_{"test"};
  std::atomic<bool> ending_ = false;
  std::atomic<int> assigned_ = 0;
  std::atomic<bool> ready_too_early_ = false;
  std::atomic<int> revoked_ = 0;
  std::vector<std::thread> readers_;
  KafkaSource source_;
  Status started_;
};

// Whether it comes true within a minute, which is patience and not a measure.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

size_t CountOf(ReaderState& state);

// "prefix-0", "prefix-1", ...
std::vector<std::string> Numbered(const std::string& prefix, int count);

}  // namespace huitou
