#include <librdkafka/rdkafka.h>

#include "daemon/metrics/log.h"
#include "daemon/sinks/writer.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

constexpr int kPoll_ms = 100;

class KafkaWriter final : public SinkWriter {
 public:
  explicit KafkaWriter(KafkaTarget target) : target_(std::move(target)) {}

  Status Open() {
    Result<kafka::Conf> conf = kafka::MakeConf(target_.brokers, target_.properties,
                                               {{"enable.idempotence", "true"},
                                                {"acks", "all"},
                                                {"linger.ms", "5"},
                                                // After it the batch is tried again.
                                                {"message.timeout.ms", "30000"}});
    if (!conf.ok()) {
      return conf.status();
    }
    rd_kafka_conf_set_dr_msg_cb(conf->get(), OnReport);
    rd_kafka_conf_set_opaque(conf->get(), this);
    Result<kafka::Client> client = kafka::MakeProducer(std::move(*conf));
    if (!client.ok()) {
      return client.status();
    }
    client_ = std::move(*client);
    topic_.reset(rd_kafka_topic_new(client_.get(), target_.topic.c_str(), nullptr));
    CHECK(topic_ != nullptr);
    return Status::Ok();
  }

  Status Write(std::vector<SinkItem>* items) override {
    if (client_ == nullptr) {
      if (Status status = Open(); !status.ok()) {
        return status;
      }
    }
    error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    Produce(items);
    // Every record is reported, if only by its timeout.
    while (in_flight_ > 0) {
      rd_kafka_poll(client_.get(), kPoll_ms);
      if (rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      }
    }
    char text[256];
    if (rd_kafka_fatal_error(client_.get(), text, sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Log(LogLevel::kWarning, "kafka sink: the producer is made anew",
          {{"topic", target_.topic}, {"why", text}});
      topic_.reset();
      client_.reset();
    }
    if (error_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Status::Ok();
    }
    return {StatusCode::kUnavailable, "topic '" + target_.topic + "': " + kafka::ErrorText(error_)};
  }

 private:
  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<KafkaWriter*>(opaque);
    --self->in_flight_;
    self->Report(static_cast<SinkItem*>(message->_private), message->err);
  }

  void Report(SinkItem* item, rd_kafka_resp_err_t error) {
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      Log(LogLevel::kError, "kafka sink: the topic takes no record that large; it is left out",
          {{"topic", target_.topic}, {"bytes", item->value.size()}});
      error = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    item->done = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!item->done) {
      error_ = error;
    }
  }

  // As many as the client takes. The items outlive their reports, so nothing is copied.
  void Produce(std::vector<SinkItem>* items) {
    std::vector<rd_kafka_message_t> messages;
    messages.reserve(items->size());
    for (SinkItem& item : *items) {
      if (!item.done) {
        rd_kafka_message_t& message = messages.emplace_back();
        message.key = item.key.empty() ? nullptr : item.key.data();
        message.key_len = item.key.size();
        message.payload = item.value.data();
        message.len = item.value.size();
        message._private = &item;
      }
    }
    while (!messages.empty()) {
      rd_kafka_produce_batch(topic_.get(), RD_KAFKA_PARTITION_UA, 0, messages.data(),
                             static_cast<int>(messages.size()));
      std::erase_if(messages, [this](const rd_kafka_message_t& message) {
        switch (message.err) {
          case RD_KAFKA_RESP_ERR_NO_ERROR:
            ++in_flight_;
            return true;
          case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            return false;
          default:
            Report(static_cast<SinkItem*>(message._private), message.err);
            return true;
        }
      });
      if (!messages.empty()) {
        rd_kafka_poll(client_.get(), kPoll_ms);
      }
    }
  }

  const KafkaTarget target_;
  kafka::Client client_;
  std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> topic_{
      nullptr, &rd_kafka_topic_destroy};
  size_t in_flight_ = 0;
  rd_kafka_resp_err_t error_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // of this Write
};

}  // namespace

Result<std::unique_ptr<SinkWriter>> MakeKafkaWriter(const KafkaTarget& target) {
  auto writer = std::make_unique<KafkaWriter>(target);
  if (Status status = writer->Open(); !status.ok()) {
    return status;
  }
  return std::unique_ptr<SinkWriter>(std::move(writer));
}

}  // namespace huitou
