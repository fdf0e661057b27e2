// Faults that no real broker makes on demand: the client library's own mock cluster makes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>  // after rdkafka.h, which it does not include

#include <memory>
#include <string>
#include <vector>

#include "daemon/kafka/kafka_client.h"
#include "tests/sources/source_reader.h"

namespace huitou {
namespace {

using testing::IsEmpty;

// Requests as the protocol numbers them.
constexpr int16_t kListOffsets = 2;
constexpr int16_t kJoinGroup = 11;
constexpr int16_t kSyncGroup = 14;

class KafkaFaults : public testing::Test {
 protected:
  KafkaFaults() {
    char why[200];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)));
    cluster_ = rd_kafka_handle_mock_cluster(client_.get());
    options_.name = "shop";
    options_.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options_.topics = {"orders"};
    options_.group = "huitou";
    options_.state_id = "one";
    options_.shards = 2;
    // The mock cluster knows no static members: one that comes again waits for itself to time out.
    options_.properties = {{"session.timeout.ms", "4000"}, {"heartbeat.interval.ms", "500"}};
    rd_kafka_mock_topic_create(cluster_, "orders", options_.shards, 1);
  }

  void Produce(int32_t partition, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      ASSERT_EQ(rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC("orders"),
                                  RD_KAFKA_V_PARTITION(partition),
                                  RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_EQ(rd_kafka_flush(client_.get(), 60'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  // The next `count` requests of this kind are answered by the error.
  void Fail(int16_t request, rd_kafka_resp_err_t error, size_t count) {
    const std::vector<rd_kafka_resp_err_t> errors(count, error);
    rd_kafka_mock_push_request_errors_array(cluster_, request, errors.size(), errors.data());
  }

  void ReadsEverything() {
    Produce(0, Numbered("a", 10));
    Produce(1, Numbered("b", 10));
    SourceReader reader(options_, &state_);
    ASSERT_TRUE(reader.started().ok());
    EXPECT_TRUE(Eventually([&] { return CountOf(state_) == 20; }));
    EXPECT_TRUE(Eventually([&] { return reader.source().NotReady().empty(); }));
    EXPECT_FALSE(reader.ready_too_early());
    reader.Stop();
    EXPECT_EQ((state_.applied[{"orders", 0}]), Numbered("a", 10));
    EXPECT_EQ((state_.applied[{"orders", 1}]), Numbered("b", 10));
    EXPECT_THAT(state_.failures, IsEmpty());
  }

  kafka::Client client_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  KafkaSourceOptions options_;
  ReaderState state_;
};

TEST_F(KafkaFaults, ALeaderThatMovesWhileTheStartIsPlannedIsAskedAgain) {
  Fail(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 1);
  ReadsEverything();
}

TEST_F(KafkaFaults, AGroupThatRebalancesAgainAndAgainIsJoinedAtLast) {
  Fail(kJoinGroup, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 2);
  Fail(kSyncGroup, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, 3);
  ReadsEverything();
}

}  // namespace
}  // namespace huitou
