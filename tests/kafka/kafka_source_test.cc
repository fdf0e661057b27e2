// The Kafka source at a real broker. Exit code 77: there is no Java or Maven.
#include "daemon/sources/kafka_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/metrics/metrics.h"
#include "daemon/sinks/sinks.h"
#include "daemon/sources/contract_decoder.h"
#include "tests/kafka/harness.h"

namespace huitou {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kPartitions = 4;
constexpr int kPatience_s = 60;

using Payloads = std::map<std::pair<std::string, int32_t>, std::vector<std::string>>;

// What a state keeps over restarts: offsets, and everything that was applied with them.
struct TestState {
  std::mutex mutex;
  std::map<std::pair<ShardNumber, std::string>, int64_t> offsets;
  Payloads applied;
  std::map<std::string, std::vector<SourceRecord>> records;  // flags only; views are gone
  std::map<std::pair<std::string, int32_t>, TimeUs> at_end;
  std::vector<Status> failures;
  int tombstones = 0;
  std::map<std::string, std::string> headers;
};

// A daemon without shards: one thread a shard, which applies what it reads at once.
class TestDaemon {
 public:
  TestDaemon(KafkaSourceOptions options, TestState* state)
      : state_(state), source_(options, MakeHost(), &clock_, &metrics_) {
    started_ = source_.Start();
  }
  ~TestDaemon() { Stop(); }

  void Stop() { source_.Stop(); }

  KafkaSource& source() { return source_; }
  const Status& started() const { return started_; }
  int assigned() const { return assigned_; }
  int revoked() const { return revoked_; }
  Metrics& metrics() { return metrics_; }

 private:
  KafkaHost MakeHost() {
    KafkaHost host;
    host.stored_offset = [this](ShardNumber shard, const std::string& input) -> Result<int64_t> {
      const std::lock_guard lock(state_->mutex);
      const auto found = state_->offsets.find({shard, input});
      return found == state_->offsets.end() ? InputPosition::kNoOffset : found->second;
    };
    host.make_decoder = [] { return std::make_unique<ContractDecoder>(Currency(), std::nullopt); };
    host.assigned = [this](const std::vector<ShardNumber>& shards) {
      ++assigned_;
      ending_ = false;
      for (const ShardNumber shard : shards) {
        readers_.emplace_back([this, shard] { Read(shard); });
      }
    };
    host.revoked = [this](const std::vector<ShardNumber>&) {
      ++revoked_;
      EndReaders();
    };
    host.wake = [](ShardNumber) {};
    return host;
  }

  void EndReaders() {
    ending_ = true;
    for (std::thread& reader : readers_) {
      reader.join();
    }
    readers_.clear();
  }

  void Read(ShardNumber shard) {
    std::vector<std::unique_ptr<ShardInput>> inputs = source_.Inputs(shard);
    for (const auto& input : inputs) {
      const std::lock_guard lock(state_->mutex);
      const auto stored = state_->offsets.find({shard, input->spec().name});
      const Status begun =
          input->Begin(stored == state_->offsets.end() ? InputPosition::kNoOffset : stored->second);
      if (!begun.ok()) {
        state_->failures.push_back(begun);
        return;
      }
    }
    while (!ending_) {
      for (const auto& input : inputs) {
        ReadSome(shard, input.get());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void ReadSome(ShardNumber shard, ShardInput* input) {
    std::vector<SourceRecord> records;
    std::optional<TimeUs> at_end;
    const Status status = input->Poll(100, &records, &at_end);
    const std::lock_guard lock(state_->mutex);
    if (!status.ok()) {
      state_->failures.push_back(status);
    }
    const std::pair<std::string, int32_t> key(input->spec().topic, input->spec().partition);
    for (const SourceRecord& record : records) {
      state_->applied[key].emplace_back(record.payload);
      state_->tombstones += record.tombstone ? 1 : 0;
      for (const auto& [name, value] : record.headers) {
        state_->headers[std::string(name)] = value;
      }
      state_->offsets[{shard, input->spec().name}] = record.offset + 1;
      input->Committed(record.offset + 1);
    }
    if (at_end) {
      state_->at_end[key] = *at_end;
    }
  }

  TestState* const state_;
  SystemClock clock_;
  Metrics metrics_{"test"};
  std::atomic<bool> ending_ = false;
  std::atomic<int> assigned_ = 0;
  std::atomic<int> revoked_ = 0;
  std::vector<std::thread> readers_;
  KafkaSource source_;
  Status started_;
};

template <typename Condition>
bool Eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kPatience_s);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

size_t CountOf(TestState& state) {
  const std::lock_guard lock(state.mutex);
  size_t count = 0;
  for (const auto& [key, payloads] : state.applied) {
    count += payloads.size();
  }
  return count;
}

std::vector<std::string> Numbered(const std::string& prefix, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    texts.push_back(prefix + "-" + std::to_string(i));
  }
  return texts;
}

// All tests share the broker; each has its own topics and group.
class KafkaSourceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { broker_ = std::make_unique<Broker>(/*secure=*/true); }
  static void TearDownTestSuite() { broker_.reset(); }

  KafkaSourceTest() : producer_(broker_->address()) {
    name_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    orders_ = name_ + ".orders";
    reviews_ = name_ + ".reviews";
  }

  void MakeTopics() {
    producer_.MakeTopic(orders_, kPartitions);
    producer_.MakeTopic(reviews_, kPartitions);
  }

  KafkaSourceOptions Options(const std::string& state_id = "one") const {
    KafkaSourceOptions options;
    options.name = "shop";
    options.brokers = broker_->address();
    options.topics = {orders_, reviews_};
    options.group = name_;
    options.state_id = state_id;
    options.shards = kPartitions;
    options.properties = {{"session.timeout.ms", "6000"}};
    return options;
  }

  std::string Reasons(const KafkaSource& source) const {
    std::string all;
    for (const std::string& reason : source.NotReady()) {
      all += reason + "\n";
    }
    return all;
  }

  static std::unique_ptr<Broker> broker_;
  Producer producer_;
  std::string name_;
  std::string orders_;
  std::string reviews_;
  TestState state_;
};

std::unique_ptr<Broker> KafkaSourceTest::broker_;

TEST_F(KafkaSourceTest, ReadsAllPartitionsOfItsTopicsInOrderAndOnce) {
  MakeTopics();
  for (int partition = 0; partition < kPartitions; ++partition) {
    producer_.SendNumbered(orders_, partition, "o" + std::to_string(partition), 2500);
    producer_.SendNumbered(reviews_, partition, "r" + std::to_string(partition), 500);
  }
  TestDaemon daemon(Options(), &state_);
  ASSERT_TRUE(daemon.started().ok());
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == kPartitions * 3000; }));
  EXPECT_THAT(daemon.source().NotReady(), IsEmpty());
  daemon.Stop();
  for (int partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ((state_.applied[{orders_, partition}]),
              Numbered("o" + std::to_string(partition), 2500));
    EXPECT_EQ((state_.applied[{reviews_, partition}]),
              Numbered("r" + std::to_string(partition), 500));
  }
  EXPECT_THAT(state_.failures, IsEmpty());
}

TEST_F(KafkaSourceTest, StandsAtTheEndOnlyBehindEverything) {
  MakeTopics();
  const SystemClock clock;
  const TimeUs before = clock.Now();
  TestDaemon daemon(Options(), &state_);
  // Idle partitions stand at their end, again and again, at the time at which the end was asked.
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(state_.mutex);
    return state_.at_end.size() == 2 * kPartitions &&
           state_.at_end[std::pair(orders_, 0)] > before + kSecondUs;
  }));
  producer_.SendNumbered(orders_, 0, "x", 3000);
  const TimeUs sent = clock.Now();
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(state_.mutex);
    return state_.at_end[std::pair(orders_, 0)] > sent;
  }));
  // At the end as of a time behind the sending: then all of it was delivered.
  EXPECT_EQ(CountOf(state_), 3000U);
}

TEST_F(KafkaSourceTest, GoesOnWhereTheStoreStands) {
  MakeTopics();
  producer_.SendNumbered(orders_, 1, "first", 100);
  {
    TestDaemon daemon(Options(), &state_);
    ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 100; }));
  }
  producer_.SendNumbered(orders_, 1, "second", 100);
  TestDaemon daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 200; }));
  daemon.Stop();
  std::vector<std::string> expected = Numbered("first", 100);
  for (const std::string& text : Numbered("second", 100)) {
    expected.push_back(text);
  }
  EXPECT_EQ((state_.applied[{orders_, 1}]), expected);
}

TEST_F(KafkaSourceTest, LatestBeginsAtTheEndAndRemembersIt) {
  MakeTopics();
  producer_.SendNumbered(orders_, 2, "old", 10);
  KafkaSourceOptions options = Options();
  options.start_latest = true;
  {
    TestDaemon daemon(options, &state_);
    ASSERT_TRUE(Eventually([&] { return daemon.assigned() > 0; }));
  }
  // Nothing was read, nothing is stored; what came meanwhile is not skipped.
  producer_.SendNumbered(orders_, 2, "new", 10);
  TestDaemon daemon(options, &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  daemon.Stop();
  EXPECT_EQ((state_.applied[{orders_, 2}]), Numbered("new", 10));
}

TEST_F(KafkaSourceTest, TombstonesAndHeadersComeThrough) {
  MakeTopics();
  producer_.Send(orders_, 0, {{"k", "", true}, {"k", "v", false, {{"ce_id", "e1"}}}});
  TestDaemon daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 2; }));
  daemon.Stop();
  EXPECT_EQ(state_.tombstones, 1);
  EXPECT_EQ(state_.headers["ce_id"], "e1");
}

TEST_F(KafkaSourceTest, ABrokerKilledUnderLoadLosesAndDoublesNothing) {
  MakeTopics();
  TestDaemon daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return daemon.assigned() > 0; }));
  constexpr int kRounds = 40;
  std::thread load([&] {
    Producer producer(broker_->address());
    for (int round = 0; round < kRounds; ++round) {
      for (int partition = 0; partition < kPartitions; ++partition) {
        producer.SendNumbered(orders_, partition, std::to_string(round), 50);
      }
    }
  });
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) > 500; }));
  broker_->Kill();
  broker_->Restart();
  load.join();
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) >= kRounds * kPartitions * 50; }));
  daemon.Stop();
  for (int partition = 0; partition < kPartitions; ++partition) {
    const std::vector<std::string>& applied = state_.applied[{orders_, partition}];
    EXPECT_EQ(applied.size(), size_t{kRounds} * 50);
    EXPECT_EQ(std::set<std::string>(applied.begin(), applied.end()).size(), applied.size());
  }
  EXPECT_THAT(state_.failures, IsEmpty());
}

TEST_F(KafkaSourceTest, ASecondDaemonWithoutTheStateStaysOut) {
  MakeTopics();
  producer_.SendNumbered(orders_, 0, "a", 10);
  TestDaemon first(Options("one"), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  TestState other;
  TestDaemon second(Options("two"), &other);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(second.source()).find("belongs to another state") != std::string::npos;
  }));
  producer_.SendNumbered(orders_, 0, "b", 10);
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 20; }));
  EXPECT_EQ(first.revoked(), 0);
  EXPECT_EQ(second.assigned(), 0);
  EXPECT_EQ(CountOf(other), 0U);
}

TEST_F(KafkaSourceTest, ASecondDaemonAfterTheFirstIsGoneStaysOutToo) {
  MakeTopics();
  producer_.SendNumbered(orders_, 0, "a", 10);
  {
    TestDaemon first(Options("one"), &state_);
    ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  }
  TestState other;
  TestDaemon second(Options("two"), &other);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(second.source()).find("belongs to another state") != std::string::npos;
  }));
  EXPECT_EQ(CountOf(other), 0U);
}

TEST_F(KafkaSourceTest, AnOffsetThatRetentionRemovedIsRefused) {
  MakeTopics();
  producer_.SendNumbered(orders_, 3, "a", 100);
  state_.offsets[{3, "shop/" + orders_}] = 10;
  producer_.Truncate(orders_, 3, 50);
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(daemon.source()).find("begins at offset 50, and the state stands at 10") !=
           std::string::npos;
  })) << Reasons(daemon.source());
  EXPECT_EQ(CountOf(state_), 0U);
}

TEST_F(KafkaSourceTest, AnOffsetBehindTheLogsEndIsRefused) {
  MakeTopics();
  producer_.SendNumbered(orders_, 3, "a", 100);
  state_.offsets[{3, "shop/" + orders_}] = 101;
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(daemon.source()).find("ends at offset 100, and the state stands at 101") !=
           std::string::npos;
  })) << Reasons(daemon.source());
}

TEST_F(KafkaSourceTest, TopicsOfUnequalPartitionsAreRefused) {
  producer_.MakeTopic(orders_, kPartitions);
  producer_.MakeTopic(reviews_, kPartitions + 1);
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually(
      [&] { return Reasons(daemon.source()).find("they must be equal") != std::string::npos; }));
}

TEST_F(KafkaSourceTest, ATopicOfAnotherNumberOfPartitionsThanTheStateIsRefused) {
  producer_.MakeTopic(orders_, kPartitions + 2);
  producer_.MakeTopic(reviews_, kPartitions + 2);
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(daemon.source()).find("customers would change their shard") != std::string::npos;
  }));
}

TEST_F(KafkaSourceTest, AMissingTopicIsWaitedFor) {
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually(
      [&] { return Reasons(daemon.source()).find("does not exist") != std::string::npos; }));
  MakeTopics();
  EXPECT_TRUE(Eventually([&] { return daemon.source().NotReady().empty(); }));
}

TEST_F(KafkaSourceTest, TlsAndSaslComeByTheProperties) {
  MakeTopics();
  producer_.SendNumbered(orders_, 0, "a", 10);
  KafkaSourceOptions options = Options();
  options.brokers = broker_->secure_address();
  options.properties = broker_->secure_properties();
  TestDaemon daemon(options, &state_);
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
}

TEST_F(KafkaSourceTest, AWrongPasswordIsSaidWithoutSayingIt) {
  KafkaSourceOptions options = Options();
  options.brokers = broker_->secure_address();
  options.properties = broker_->secure_properties();
  options.properties["sasl.password"] = "wrong-secret";
  TestDaemon daemon(options, &state_);
  EXPECT_TRUE(Eventually(
      [&] { return Reasons(daemon.source()).find("no broker answers") != std::string::npos; }));
  EXPECT_EQ(Reasons(daemon.source()).find("wrong-secret"), std::string::npos);
}

TEST_F(KafkaSourceTest, APropertyThatIsNoneIsSaid) {
  KafkaSourceOptions options = Options();
  options.properties["sesion.timeout.ms"] = "6000";
  const TestDaemon daemon(options, &state_);
  EXPECT_EQ(daemon.started().message(),
            "kafka properties: 'sesion.timeout.ms' is not known to librdkafka");
}

TEST_F(KafkaSourceTest, TheLagIsShownToTheGroup) {
  MakeTopics();
  producer_.SendNumbered(orders_, 0, "a", 10);
  TestDaemon daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  EXPECT_TRUE(Eventually([&] {
    return daemon.metrics().Serialize().find("huitou_source_lag_records{") != std::string::npos;
  }));
  daemon.Stop();
  auto conf = kafka::MakeConf(broker_->address(), {}, {{"group.id", name_}});
  auto client = kafka::MakeConsumer(std::move(conf).value());
  std::vector<kafka::Partition> committed = {{orders_, 0, 0, {}}};
  ASSERT_TRUE(kafka::AskCommitted(client->get(), &committed).ok());
  EXPECT_EQ(committed[0].offset, 10);
  EXPECT_EQ(committed[0].metadata, "huitou:one");
}

// Sinks write and the source reads back: at least once, in order, keyed.
class KafkaSinkTest : public KafkaSourceTest {
 protected:
  void StartSinks(const kafka::Properties& properties = {}) {
    SinksHost host;
    host.delivered = [this](ShardNumber, SinkKind, uint64_t sequence) { delivered_ = sequence; };
    host.room = [](ShardNumber) {};
    SinksOptions options;
    options.decisions = KafkaTarget{broker_->address(), orders_, properties};
    Result<std::unique_ptr<Sinks>> sinks = Sinks::Start(options, host, nullptr);
    ASSERT_TRUE(sinks.ok());
    sinks_ = std::move(*sinks);
  }
  void Offer(uint64_t from, uint64_t to) {
    std::vector<SinkRecord> records;
    for (uint64_t sequence = from; sequence <= to; ++sequence) {
      records.push_back({SinkKind::kDecisions, sequence, "c" + std::to_string(sequence % 7),
                         std::to_string(sequence)});
    }
    ASSERT_EQ(sinks_->Offer(0, SinkKind::kDecisions, records), records.size());
  }
  std::set<std::string> Distinct() {
    const std::lock_guard lock(state_.mutex);
    std::set<std::string> distinct;
    for (const auto& [key, payloads] : state_.applied) {
      distinct.insert(payloads.begin(), payloads.end());
    }
    return distinct;
  }

  std::atomic<uint64_t> delivered_ = 0;
  std::unique_ptr<Sinks> sinks_;
};

TEST_F(KafkaSinkTest, EveryRecordReachesTheTopic) {
  MakeTopics();
  StartSinks();
  Offer(1, 3000);
  ASSERT_TRUE(Eventually([&] { return delivered_ == 3000; }));
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] { return Distinct().size() == 3000; }));
}

TEST_F(KafkaSinkTest, ABrokerThatIsAwayIsWaitedFor) {
  MakeTopics();
  StartSinks({{"message.max.bytes", "100000"}});
  Offer(1, 100);
  ASSERT_TRUE(Eventually([&] { return delivered_ == 100; }));
  broker_->Kill();
  Offer(101, 200);
  EXPECT_EQ(delivered_, 100U);
  broker_->Restart();
  EXPECT_TRUE(Eventually([&] { return delivered_ == 200; }));
  TestDaemon daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] { return Distinct().size() == 200; }));
}

}  // namespace
}  // namespace huitou

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (!huitou::CanRunBroker()) {
    return 77;
  }
  return RUN_ALL_TESTS();
}
