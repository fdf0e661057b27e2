#include "daemon/transports/record_transport.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/kafka/kafka_client.h"
#include "daemon/metrics/log.h"
#include "daemon/transports/limits.h"
#include "daemon/transports/signals.h"

namespace huitou {

using channels::Answer;
using channels::Record;
using channels::TransportError;

namespace {

// What the library reads until its report comes, so that it copies nothing.
struct Sending {
  Record record;
  Transport::Done done;
};

Answer Lost(TransportError error, rd_kafka_resp_err_t code) {
  Answer answer;
  answer.error = error;
  answer.error_text = kafka::ErrorName(code);
  return answer;
}

Answer Refused(rd_kafka_resp_err_t code) {
  Answer answer;
  answer.response = channels::RecordReply{{}, kafka::ErrorName(code)};
  return answer;
}

Answer Written(const rd_kafka_message_t& message) {
  Answer answer;
  answer.response = channels::RecordReply{std::string(rd_kafka_topic_name(message.rkt)) + "-" +
                                              std::to_string(message.partition) + "-" +
                                              std::to_string(message.offset),
                                          {}};
  return answer;
}

// Never waits. The record is the library's until its report, unless there is an error.
rd_kafka_resp_err_t Produce(rd_kafka_t* client, Sending* sending) {
  const Record& record = sending->record;
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.c_str(), -1, value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      client, RD_KAFKA_V_TOPIC(record.topic.c_str()),
      RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(sending), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_headers_destroy(headers);
  }
  return error;
}

}  // namespace

// A client of the library and the thread that hears its reports. Nobody's thread but this one ever
// waits.
class RecordTransport::Producer {
 public:
  Producer(const Record& record, DurationUs timeout)
      : brokers_(record.brokers),
        properties_(record.properties == nullptr ? kafka::Properties() : *record.properties),
        timeout_ms_(std::max<int64_t>(timeout / 1000, transport_limits::kRecordTimeoutMin_ms)),
        thread_([this] { Run(); }) {}
  ~Producer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void Send(std::unique_ptr<Sending> sending) {
    const std::lock_guard lock(mutex_);
    if (client_ == nullptr) {
      waiting_.push_back(std::move(sending));
      wake_.notify_one();
    } else {
      Hand(std::move(sending));
    }
  }

 private:
  using Sendings = std::vector<std::unique_ptr<Sending>>;

  void Run() {
    BlockSignals();
    while (WaitForRecords()) {
      Result<kafka::Client> client = Open();
      if (client.ok()) {
        Serve(std::move(*client));
        continue;
      }
      Log(LogLevel::kError, "records: there is no producer with such properties",
          {{"brokers", brokers_}, {"why", client.status().message()}});
      for (const auto& sending : TakeWaiting()) {
        sending->done(Refused(RD_KAFKA_RESP_ERR__INVALID_ARG));
      }
    }
  }

  // False to stop.
  bool WaitForRecords() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    return !stopping_;
  }

  Sendings TakeWaiting() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

  Result<kafka::Client> Open() {
    kafka::Properties properties = properties_;
    properties.emplace("linger.ms", "5");
    // A timeout that ends in the pause between two connections is told behind it.
    properties.emplace("reconnect.backoff.max.ms",
                       std::to_string(transport_limits::kRecordReconnect_ms));
    // As the clients in Java, so that a customer has the same partition in all topics.
    properties.emplace("partitioner", "murmur2_random");
    // A topic that is not there, or not for us, is looked for again as often.
    properties.emplace("topic.metadata.refresh.interval.ms",
                       std::to_string(transport_limits::kRecordTopics_ms));
    Result<kafka::Conf> conf =
        kafka::MakeConf(brokers_, properties,
                        {{"enable.idempotence", "true"},
                         {"acks", "all"},
                         {"message.timeout.ms", std::to_string(timeout_ms_)},
                         // So that a topic that is not there is told as such, and not as a timeout.
                         {"topic.metadata.propagation.max.ms", std::to_string(timeout_ms_ / 2)}});
    if (!conf.ok()) {
      return conf.status();
    }
    rd_kafka_conf_set_dr_msg_cb(conf->get(), OnReport);
    rd_kafka_conf_set_error_cb(conf->get(), OnError);
    rd_kafka_conf_set_opaque(conf->get(), this);
    return kafka::MakeProducer(std::move(*conf));
  }

  // Until the end, or the client's.
  void Serve(kafka::Client client) {
    {
      const std::lock_guard lock(mutex_);
      client_ = client.get();
      for (auto& sending : std::exchange(waiting_, {})) {
        Hand(std::move(sending));
      }
    }
    char why[256];
    while (!stopping_ &&
           rd_kafka_fatal_error(client.get(), why, sizeof(why)) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_poll(client.get(), transport_limits::kRecordPoll_ms);
      AnswerTurnedAway();
    }
    {
      const std::lock_guard lock(mutex_);
      client_ = nullptr;
    }
    if (!stopping_) {
      Log(LogLevel::kWarning, "records: the producer is made anew",
          {{"brokers", brokers_}, {"why", why}});
    }
    rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (in_flight_ > 0) {
      rd_kafka_poll(client.get(), transport_limits::kRecordPoll_ms);
    }
    AnswerTurnedAway();
  }

  // Under mutex_.
  void Hand(std::unique_ptr<Sending> sending) {
    const rd_kafka_resp_err_t error = Produce(client_, sending.get());
    switch (error) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        ++in_flight_;
        (void)sending.release();  // OnReport's
        return;
      case RD_KAFKA_RESP_ERR__FATAL:  // this client ends: for the next
        waiting_.push_back(std::move(sending));
        return;
      default:
        turned_away_.emplace_back(std::move(sending), error);
    }
  }

  // Those that the library did not even take.
  void AnswerTurnedAway() {
    decltype(turned_away_) all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(turned_away_);
    }
    for (const auto& [sending, error] : all) {
      sending->done(Refused(error));
    }
  }

  static void OnReport(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Producer*>(opaque);
    const std::unique_ptr<Sending> sending(static_cast<Sending*>(message->_private));
    --self->in_flight_;
    if (!self->stopping_) {
      sending->done(self->AnswerOf(client, *message));
    }
  }

  Answer AnswerOf(rd_kafka_t* client, const rd_kafka_message_t& message) {
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      let_in_ = true;
      return Written(message);
    }
    if (rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED) {
      return Lost(TransportError::kAmbiguous, message.err);
    }
    if (message.err != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) {
      // Behind the end of its client it is that which counts.
      const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, nullptr, 0);
      return Refused(fatal == RD_KAFKA_RESP_ERR_NO_ERROR ? message.err : fatal);
    }
    return let_in_ ? Lost(TransportError::kNotSent, message.err)
                   : Refused(RD_KAFKA_RESP_ERR__AUTHENTICATION);
  }

  // What the library meets beside the records: it logs it and tries again by itself.
  static void OnError(rd_kafka_t*, int error, const char*, void* opaque) {
    if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
      static_cast<Producer*>(opaque)->let_in_ = false;
    }
  }

  const std::string brokers_;
  const kafka::Properties properties_;
  const int64_t timeout_ms_;
  bool let_in_ = true;  // false: the brokers have refused who we are; the thread's

  std::mutex mutex_;
  std::condition_variable wake_;
  rd_kafka_t* client_ = nullptr;  // under mutex_; null: none takes records now
  Sendings waiting_;              // under mutex_, for a client
  // Under mutex_.
  std::vector<std::pair<std::unique_ptr<Sending>, rd_kafka_resp_err_t>> turned_away_;
  std::atomic<size_t> in_flight_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

RecordTransport::RecordTransport() = default;
RecordTransport::~RecordTransport() = default;

void RecordTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  auto sending =
      std::make_unique<Sending>(Sending{std::get<Record>(std::move(request)), std::move(done)});
  const Record& record = sending->record;
  Key key{record.brokers, record.properties == nullptr ? kafka::Properties() : *record.properties,
          timeout};
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Producer>& producer = producers_[std::move(key)];
  if (producer == nullptr) {
    producer = std::make_unique<Producer>(record, timeout);
  }
  producer->Send(std::move(sending));
}

}  // namespace huitou
