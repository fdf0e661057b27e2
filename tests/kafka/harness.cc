#include "tests/kafka/harness.h"

#include <librdkafka/rdkafka.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace huitou {
namespace {

constexpr int kFlush_ms = 90'000;

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

bool CanRunBroker() {
  for (const char* program : {"java", "mvn", "python3"}) {
    if (std::system((std::string("command -v ") + program + " > /dev/null").c_str()) != 0) {
      std::printf("skipped: %s is not installed\n", program);
      return false;
    }
  }
  return true;
}

Broker::Broker(bool secure) {
  std::string folder = std::filesystem::temp_directory_path() / "huitou-broker-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    throw std::runtime_error("no temporary folder");
  }
  folder_ = folder;
  Run("start " + folder_ + (secure ? " --secure" : ""));
  address_ = FirstLine(folder_ + "/bootstrap");
}

Broker::~Broker() {
  Run("stop " + folder_);
  std::filesystem::remove_all(folder_);
}

std::string Broker::Run(const std::string& arguments) const {
  const std::string command =
      std::string(HUITOU_SOURCE_DIR) + "/tests/kafka/broker/broker.sh " + arguments;
  if (std::system((command + " > /dev/null").c_str()) != 0) {
    throw std::runtime_error("broker.sh " + arguments);
  }
  return {};
}

std::string Broker::secure_address() const {
  return FirstLine(folder_ + "/bootstrap.secure");
}

kafka::Properties Broker::secure_properties() const {
  kafka::Properties properties;
  std::ifstream file(folder_ + "/client.properties");
  for (std::string line; std::getline(file, line);) {
    properties[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  }
  return properties;
}

void Broker::Kill() {
  Run("kill " + folder_);
}
void Broker::Restart() {
  Run("restart " + folder_);
}

namespace {

// Takes over `error`, which is null when all went well.
void Must(rd_kafka_error_t* error) {
  if (error != nullptr) {
    const std::string text = rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    throw std::runtime_error(text);
  }
}

}  // namespace

Producer::Producer(const std::string& address, const std::string& transactional_id) {
  kafka::Properties own = {{"acks", "all"}, {"enable.idempotence", "true"}, {"linger.ms", "5"}};
  if (!transactional_id.empty()) {
    own["transactional.id"] = transactional_id;
  }
  auto conf = kafka::MakeConf(address, {}, own);
  auto client = kafka::MakeProducer(std::move(conf).value());
  client_ = std::move(client).value();
  if (!transactional_id.empty()) {
    Must(rd_kafka_init_transactions(client_.get(), kFlush_ms));
  }
}

void Producer::Begin() {
  Must(rd_kafka_begin_transaction(client_.get()));
}

void Producer::End(bool commit) {
  Must(commit ? rd_kafka_commit_transaction(client_.get(), kFlush_ms)
              : rd_kafka_abort_transaction(client_.get(), kFlush_ms));
}

void Producer::MakeTopic(const std::string& name, int partitions) {
  char error[256];
  rd_kafka_NewTopic_t* topic =
      rd_kafka_NewTopic_new(name.c_str(), partitions, 1, error, sizeof(error));
  const kafka::Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_CreateTopics(client_.get(), &topic, 1, nullptr, queue.get());
  rd_kafka_event_destroy(rd_kafka_queue_poll(queue.get(), kFlush_ms));
  rd_kafka_NewTopic_destroy(topic);
}

void Producer::Send(const std::string& topic, int32_t partition,
                    const std::vector<ProducedRecord>& records) {
  for (const ProducedRecord& record : records) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers) {
      rd_kafka_header_add(headers, name.c_str(), -1, value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    const void* value = record.tombstone ? nullptr : record.value.data();
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<void*>(value), record.tombstone ? 0 : record.value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      throw std::runtime_error(rd_kafka_err2str(error));
    }
  }
  if (rd_kafka_flush(client_.get(), kFlush_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    throw std::runtime_error("the broker does not take the records");
  }
}

void Producer::SendNumbered(const std::string& topic, int32_t partition, const std::string& prefix,
                            int count) {
  std::vector<ProducedRecord> records;
  for (int i = 0; i < count; ++i) {
    const std::string text = prefix + "-" + std::to_string(i);
    records.push_back({text, text});
  }
  Send(topic, partition, records);
}

void Producer::Truncate(const std::string& topic, int32_t partition, int64_t offset) {
  const kafka::List list = kafka::ToList({{topic, partition, offset, {}}});
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  const kafka::Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteRecords(client_.get(), &request, 1, nullptr, queue.get());
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue.get(), kFlush_ms);
  rd_kafka_event_destroy(event);
  rd_kafka_DeleteRecords_destroy(request);
}

}  // namespace huitou
