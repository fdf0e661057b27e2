// Records at the client library's own mock cluster, which fails on demand; tests/end_to_end has the
// real broker.
#include "daemon/transports/record_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>  // after rdkafka.h, which it does not include

#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/kafka/kafka_client.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Record;
using channels::RecordReply;
using testing::AnyOf;
using testing::MatchesRegex;

// Requests as the protocol numbers them.
constexpr int16_t kProduce = 0;
constexpr int16_t kInitProducerId = 22;

// What a test of an outage waits for.
constexpr DurationUs kShort = 2 * kSecondUs;

class RecordTransportTest : public testing::Test {
 protected:
  RecordTransportTest() {
    char why[200];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)));
    cluster_ = rd_kafka_handle_mock_cluster(client_.get());
    rd_kafka_mock_topic_create(cluster_, "messages", 1, 1);
  }

  Record RecordOf(const std::string& value) const {
    Record record;
    record.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    record.topic = "messages";
    record.key = "c1";
    record.value = value;
    record.headers = {{"dispatch", "0123456789abcdef0123456789abcdef"}};
    record.properties = properties_;
    return record;
  }

  // The next `count` requests of this kind are answered by the error.
  void Fail(int16_t request, rd_kafka_resp_err_t error, size_t count) {
    const std::vector<rd_kafka_resp_err_t> errors(count, error);
    rd_kafka_mock_push_request_errors_array(cluster_, request, errors.size(), errors.data());
  }

  std::string Send(const std::string& value, DurationUs timeout = 30 * kSecondUs) {
    return Say(Call(&transport_, RecordOf(value), timeout));
  }

  // The same again and again, until the client has asked for its topics anew.
  std::string SendUntil(const std::string& place) {
    std::string said;
    for (int i = 0; i < 1'000 && said != place; ++i) {
      said = Send("patient", kShort);
    }
    return said;
  }

  const std::shared_ptr<const std::map<std::string, std::string>> properties_ =
      std::make_shared<const std::map<std::string, std::string>>(
          std::map<std::string, std::string>{{"topic.metadata.refresh.interval.ms", "50"}});
  kafka::Client client_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  RecordTransport transport_;
};

TEST_F(RecordTransportTest, SaysWhereEachRecordIs) {
  std::vector<std::future<std::string>> places;
  for (int i = 0; i < 1'000; ++i) {
    auto promise = std::make_shared<std::promise<std::string>>();
    places.push_back(promise->get_future());
    transport_.Send(RecordOf(std::to_string(i)), 30 * kSecondUs,
                    [promise](const channels::Answer& answer) { promise->set_value(Say(answer)); });
  }
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(places[static_cast<size_t>(i)].get(), "messages-0-" + std::to_string(i));
  }
}

TEST_F(RecordTransportTest, WhatTheBrokerCannotTakeJustNowIsWrittenOnceItCan) {
  Fail(kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 3);
  EXPECT_EQ(Send("patient"), "messages-0-0");
}

TEST_F(RecordTransportTest, SaysByNameWhyARecordIsRefused) {
  EXPECT_EQ(Send(std::string(2'000'000, 'x')), "MSG_SIZE_TOO_LARGE");
  Fail(kProduce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
  EXPECT_EQ(Send("forbidden", kShort), "TOPIC_AUTHORIZATION_FAILED");
  EXPECT_EQ(SendUntil("messages-0-0"), "messages-0-0");
}

TEST_F(RecordTransportTest, ATopicThatIsNotThereIsSaidAndFoundOnceItIs) {
  rd_kafka_mock_topic_set_error(cluster_, "messages", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  EXPECT_THAT(Send("nowhere", kShort), AnyOf("_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART"));
  rd_kafka_mock_topic_set_error(cluster_, "messages", RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(SendUntil("messages-0-0"), "messages-0-0");
}

TEST_F(RecordTransportTest, WhatNoBrokerHasSeenIsNotSentAndTheNextOneIs) {
  EXPECT_EQ(Send("before", kShort), "messages-0-0");
  rd_kafka_mock_broker_set_down(cluster_, 1);
  EXPECT_EQ(Send("during", kShort), "not sent");
  rd_kafka_mock_broker_set_up(cluster_, 1);
  EXPECT_EQ(Send("after", 30 * kSecondUs), "messages-0-1");
}

TEST_F(RecordTransportTest, WhatABrokerMayHaveTakenIsAmbiguousAndTheNextOneIsWritten) {
  EXPECT_EQ(Send("before", kShort), "messages-0-0");
  rd_kafka_mock_broker_set_rtt(cluster_, 1, 10'000);
  EXPECT_EQ(Send("during", kShort), "ambiguous");
  rd_kafka_mock_broker_set_rtt(cluster_, 1, 0);
  EXPECT_THAT(Send("after", 30 * kSecondUs), MatchesRegex("messages-0-[12]"));
}

TEST_F(RecordTransportTest, AProducerThatHasFailedForGoodIsMadeAnew) {
  // The first never gets an identity, so whatever is written is another's. Its end may come behind
  // the record, which it then refuses, or before it, which then waits for the next.
  Fail(kInitProducerId, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, 1);
  EXPECT_THAT(Send("at the end of the first"),
              AnyOf("CLUSTER_AUTHORIZATION_FAILED", "messages-0-0"));
  EXPECT_THAT(Send("by the second"), MatchesRegex("messages-0-[01]"));
}

TEST_F(RecordTransportTest, PropertiesThatTheLibraryRefusesAreSaid) {
  Record record = RecordOf("x");
  record.properties = std::make_shared<const std::map<std::string, std::string>>(
      std::map<std::string, std::string>{{"max.in.flight", "10"}});
  EXPECT_EQ(Say(Call(&transport_, record)), "_INVALID_ARG");
  EXPECT_EQ(Say(Call(&transport_, record)), "_INVALID_ARG");
  EXPECT_EQ(Send("with others"), "messages-0-0");
}

TEST_F(RecordTransportTest, ItsEndWaitsForNobodyAndAnswersNobody) {
  rd_kafka_mock_broker_set_rtt(cluster_, 1, 60'000);
  bool answered = false;
  {
    RecordTransport transport;
    for (int i = 0; i < 100; ++i) {
      transport.Send(RecordOf("x"), 60 * kSecondUs,
                     [&answered](const channels::Answer&) { answered = true; });
    }
  }
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace huitou
