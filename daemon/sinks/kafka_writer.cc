#include <librdkafka/rdkafka.h>

#include "daemon/metrics/log.h"
#include "daemon/sinks/writer.h"

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
    return Status::Ok();
  }

  Status Write(std::vector<SinkItem>* items) override {
    if (client_ == nullptr) {
      if (Status status = Open(); !status.ok()) {
        return status;
      }
    }
    error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (SinkItem& item : *items) {
      if (!item.done && !Produce(&item)) {
        break;
      }
    }
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

  // False when the client takes no more.
  bool Produce(SinkItem* item) {
    while (true) {
      // The item outlives its report, so nothing is copied.
      const rd_kafka_resp_err_t error = rd_kafka_producev(
          client_.get(), RD_KAFKA_V_TOPIC(target_.topic.c_str()),
          RD_KAFKA_V_KEY(item->key.empty() ? nullptr : item->key.data(), item->key.size()),
          RD_KAFKA_V_VALUE(item->value.data(), item->value.size()), RD_KAFKA_V_OPAQUE(item),
          RD_KAFKA_V_END);
      switch (error) {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
          ++in_flight_;
          return true;
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
          rd_kafka_poll(client_.get(), kPoll_ms);
          break;
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
          Report(item, error);
          return true;
        default:
          error_ = error;
          return false;
      }
    }
  }

  const KafkaTarget target_;
  kafka::Client client_;
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
