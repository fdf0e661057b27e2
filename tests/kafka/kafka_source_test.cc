// The Kafka source at a real broker. Exit code 77: there is no Java or Maven.
#include "daemon/sources/kafka_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/metrics/metrics.h"
#include "daemon/sinks/sinks.h"
#include "tests/kafka/harness.h"
#include "tests/sources/source_reader.h"

namespace huitou {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kPartitions = 4;

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
  ReaderState state_;
};

std::unique_ptr<Broker> KafkaSourceTest::broker_;

TEST_F(KafkaSourceTest, ReadsAllPartitionsOfItsTopicsInOrderAndOnce) {
  MakeTopics();
  for (int partition = 0; partition < kPartitions; ++partition) {
    producer_.SendNumbered(orders_, partition, "o" + std::to_string(partition), 2500);
    producer_.SendNumbered(reviews_, partition, "r" + std::to_string(partition), 500);
  }
  SourceReader daemon(Options(), &state_);
  ASSERT_TRUE(daemon.started().ok());
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == kPartitions * 3000; }));
  EXPECT_TRUE(Eventually([&] { return daemon.source().NotReady().empty(); }));
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
  SourceReader daemon(Options(), &state_);
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

TEST_F(KafkaSourceTest, AbortedTransactionsAreNeitherReadNorWaitedFor) {
  MakeTopics();
  Producer shop(broker_->address(), name_);
  for (const char* text : {"kept", "aborted", "kept-too", "aborted-too"}) {
    shop.Begin();
    shop.SendNumbered(orders_, 0, text, 10);
    shop.End(/*commit=*/std::string(text).starts_with("kept"));
  }
  const TimeUs sent = SystemClock().Now();
  SourceReader daemon(Options(), &state_);
  // The log ends with what nobody may read, and the reader stands behind it nevertheless.
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(state_.mutex);
    return state_.at_end[std::pair(orders_, 0)] > sent;
  }));
  daemon.Stop();
  std::vector<std::string> expected = Numbered("kept", 10);
  for (const std::string& text : Numbered("kept-too", 10)) {
    expected.push_back(text);
  }
  EXPECT_EQ((state_.applied[{orders_, 0}]), expected);
}

TEST_F(KafkaSourceTest, AnOpenTransactionIsReadOnceItIsCommitted) {
  MakeTopics();
  Producer shop(broker_->address(), name_);
  shop.Begin();
  shop.SendNumbered(orders_, 0, "open", 10);
  producer_.SendNumbered(orders_, 0, "behind-it", 10);
  SourceReader daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(state_.mutex);
    return state_.at_end.contains(std::pair(orders_, 1));
  }));
  EXPECT_EQ(CountOf(state_), 0U);
  shop.End(/*commit=*/true);
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 20; }));
}

TEST_F(KafkaSourceTest, ACopyOfTheStatePutsTheFirstDaemonOut) {
  MakeTopics();
  SourceReader first(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return first.assigned() > 0; }));
  ReaderState copied;
  SourceReader second(Options(), &copied);
  ASSERT_TRUE(Eventually([&] { return second.assigned() > 0; }));
  EXPECT_TRUE(Eventually([&] {
    return Reasons(first.source()).find("another daemon has joined with this group.instance.id") !=
           std::string::npos;
  })) << Reasons(first.source());
  EXPECT_GT(first.revoked(), 0);
  producer_.SendNumbered(orders_, 0, "x", 100);
  EXPECT_TRUE(Eventually([&] { return CountOf(copied) == 100; }));
  // Gone, it has sent what the first knows nothing of.
  second.Stop();
  EXPECT_TRUE(Eventually([&] {
    return Reasons(first.source()).find("another daemon with a copy of this state has read on") !=
           std::string::npos;
  })) << Reasons(first.source());
  EXPECT_EQ(CountOf(state_), 0U);
}

// As after a broker's crash, which can leave a member in the group that is nobody.
TEST_F(KafkaSourceTest, PutOutByAMemberThatReadsNothingItJoinsAgain) {
  MakeTopics();
  SourceReader daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return daemon.assigned() > 0; }));
  ReaderState nobody;
  {
    SourceReader ghost(Options(), &nobody);
    ASSERT_TRUE(Eventually([&] { return daemon.revoked() > 0; }));
  }
  producer_.SendNumbered(orders_, 0, "x", 100);
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 100; })) << Reasons(daemon.source());
  EXPECT_TRUE(Eventually([&] { return daemon.source().NotReady().empty(); }));
  EXPECT_EQ(CountOf(nobody), 0U);
}

TEST_F(KafkaSourceTest, GoesOnWhereTheStoreStands) {
  MakeTopics();
  producer_.SendNumbered(orders_, 1, "first", 100);
  {
    SourceReader daemon(Options(), &state_);
    ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 100; }));
  }
  producer_.SendNumbered(orders_, 1, "second", 100);
  SourceReader daemon(Options(), &state_);
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
    SourceReader daemon(options, &state_);
    ASSERT_TRUE(Eventually([&] { return daemon.assigned() > 0; }));
  }
  // Nothing was read, nothing is stored; what came meanwhile is not skipped.
  producer_.SendNumbered(orders_, 2, "new", 10);
  SourceReader daemon(options, &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  daemon.Stop();
  EXPECT_EQ((state_.applied[{orders_, 2}]), Numbered("new", 10));
}

TEST_F(KafkaSourceTest, TombstonesAndHeadersComeThrough) {
  MakeTopics();
  producer_.Send(orders_, 0, {{"k", "", true}, {"k", "v", false, {{"ce_id", "e1"}}}});
  SourceReader daemon(Options(), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 2; }));
  daemon.Stop();
  EXPECT_EQ(state_.tombstones, 1);
  EXPECT_EQ(state_.headers["ce_id"], "e1");
}

TEST_F(KafkaSourceTest, ABrokerKilledUnderLoadLosesAndDoublesNothing) {
  MakeTopics();
  SourceReader daemon(Options(), &state_);
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
  SourceReader first(Options("one"), &state_);
  ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  ReaderState other;
  SourceReader second(Options("two"), &other);
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
    SourceReader first(Options("one"), &state_);
    ASSERT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
  }
  ReaderState other;
  SourceReader second(Options("two"), &other);
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
  SourceReader daemon(Options(), &state_);
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
  SourceReader daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(daemon.source()).find("ends at offset 100, and the state stands at 101") !=
           std::string::npos;
  })) << Reasons(daemon.source());
}

TEST_F(KafkaSourceTest, TopicsOfUnequalPartitionsAreRefused) {
  producer_.MakeTopic(orders_, kPartitions);
  producer_.MakeTopic(reviews_, kPartitions + 1);
  SourceReader daemon(Options(), &state_);
  EXPECT_TRUE(Eventually(
      [&] { return Reasons(daemon.source()).find("they must be equal") != std::string::npos; }));
}

TEST_F(KafkaSourceTest, ATopicOfAnotherNumberOfPartitionsThanTheStateIsRefused) {
  producer_.MakeTopic(orders_, kPartitions + 2);
  producer_.MakeTopic(reviews_, kPartitions + 2);
  SourceReader daemon(Options(), &state_);
  EXPECT_TRUE(Eventually([&] {
    return Reasons(daemon.source()).find("customers would change their shard") != std::string::npos;
  }));
}

TEST_F(KafkaSourceTest, AMissingTopicIsWaitedFor) {
  SourceReader daemon(Options(), &state_);
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
  SourceReader daemon(options, &state_);
  EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 10; }));
}

TEST_F(KafkaSourceTest, AWrongPasswordIsSaidWithoutSayingIt) {
  KafkaSourceOptions options = Options();
  options.brokers = broker_->secure_address();
  options.properties = broker_->secure_properties();
  options.properties["sasl.password"] = "wrong-secret";
  SourceReader daemon(options, &state_);
  EXPECT_TRUE(Eventually(
      [&] { return Reasons(daemon.source()).find("no broker answers") != std::string::npos; }));
  EXPECT_EQ(Reasons(daemon.source()).find("wrong-secret"), std::string::npos);
}

TEST_F(KafkaSourceTest, APropertyThatIsNoneIsSaid) {
  KafkaSourceOptions options = Options();
  options.properties["sesion.timeout.ms"] = "6000";
  const SourceReader daemon(options, &state_);
  EXPECT_EQ(daemon.started().message(),
            "kafka properties: 'sesion.timeout.ms' is not known to librdkafka");
}

TEST_F(KafkaSourceTest, TheLagIsShownToTheGroup) {
  MakeTopics();
  producer_.SendNumbered(orders_, 0, "a", 10);
  SourceReader daemon(Options(), &state_);
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
  SourceReader daemon(Options(), &state_);
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
  SourceReader daemon(Options(), &state_);
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
