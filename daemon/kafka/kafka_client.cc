#include "daemon/kafka/kafka_client.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "daemon/kafka/limits.h"
#include "daemon/metrics/log.h"

namespace huitou::kafka {
namespace {

constexpr size_t kErrorBytes = 512;

// The library's own lines, which name hosts and topics only.
void OnLog(const rd_kafka_t*, int level, const char* facility, const char* text) {
  Log(level <= 3 ? LogLevel::kWarning : LogLevel::kDebug, "kafka library",
      {{"facility", facility}, {"text", text}});
}

Status SetProperty(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char error[kErrorBytes];
  switch (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error))) {
    case RD_KAFKA_CONF_OK:
      return Status::Ok();
    case RD_KAFKA_CONF_UNKNOWN:
      return {StatusCode::kInvalid, "kafka properties: '" + name + "' is not known to librdkafka"};
    case RD_KAFKA_CONF_INVALID:
      break;
  }
  // The library's text repeats the value, which may be a secret.
  return {StatusCode::kInvalid, "kafka properties: librdkafka refuses the value of '" + name + "'"};
}

Result<Client> Make(rd_kafka_type_t type, Conf conf) {
  char error[kErrorBytes];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), error, sizeof(error));
  if (client == nullptr) {
    return Status(StatusCode::kInvalid, std::string("kafka: ") + error);
  }
  (void)conf.release();  // the client's now
  return Client(client);
}

Status Unavailable(const char* what, rd_kafka_resp_err_t error) {
  return {StatusCode::kUnavailable, std::string(what) + ": " + rd_kafka_err2str(error)};
}

struct MetadataDeleter {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
struct TopicDeleter {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};

// The partitions of one topic; 0 when there is no such topic.
Result<int> CountOf(rd_kafka_t* client, const std::string& name) {
  const std::unique_ptr<rd_kafka_topic_t, TopicDeleter> topic(
      rd_kafka_topic_new(client, name.c_str(), nullptr));
  if (topic == nullptr) {
    return Unavailable("kafka", rd_kafka_last_error());
  }
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client, 0, topic.get(), &raw, limits::kKafkaAnswer_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable("no broker answers", error);
  }
  const std::unique_ptr<const rd_kafka_metadata_t, MetadataDeleter> metadata(raw);
  if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
    return Status(StatusCode::kUnavailable, "topic '" + name + "' does not exist");
  }
  return metadata->topics[0].partition_cnt;
}

}  // namespace

void Deleter::operator()(rd_kafka_t* client) const {
  struct Closing {
    std::mutex mutex;
    std::condition_variable done;
    bool is_done = false;
  };
  const auto closing = std::make_shared<Closing>();
  std::thread([client, closing] {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    const std::lock_guard lock(closing->mutex);
    closing->is_done = true;
    closing->done.notify_all();
  }).detach();
  std::unique_lock lock(closing->mutex);
  if (!closing->done.wait_for(lock, std::chrono::milliseconds(limits::kCloseKafka_ms),
                              [&] { return closing->is_done; })) {
    Log(LogLevel::kWarning, "kafka: the client does not close; going on without it");
  }
}
void Deleter::operator()(rd_kafka_conf_t* conf) const {
  rd_kafka_conf_destroy(conf);
}
void Deleter::operator()(rd_kafka_queue_t* queue) const {
  rd_kafka_queue_destroy(queue);
}
void Deleter::operator()(rd_kafka_topic_partition_list_t* list) const {
  rd_kafka_topic_partition_list_destroy(list);
}

Result<Conf> MakeConf(const std::string& brokers, const Properties& properties,
                      const Properties& own) {
  Conf conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  Properties all = properties;
  all["bootstrap.servers"] = brokers;
  all.emplace("client.id", "huitou");
  // Nagle's delay is on by default up to 2.10.
  all.emplace("socket.nagle.disable", "true");
  for (const auto& [name, value] : own) {
    all[name] = value;
  }
  for (const auto& [name, value] : all) {
    if (Status status = SetProperty(conf.get(), name, value); !status.ok()) {
      return status;
    }
  }
  return conf;
}

Result<Client> MakeConsumer(Conf conf) {
  return Make(RD_KAFKA_CONSUMER, std::move(conf));
}
Result<Client> MakeProducer(Conf conf) {
  return Make(RD_KAFKA_PRODUCER, std::move(conf));
}

Result<uint16_t> CountPartitions(rd_kafka_t* client, const std::vector<std::string>& topics) {
  int count = 0;
  for (const std::string& topic : topics) {
    const Result<int> of_topic = CountOf(client, topic);
    if (!of_topic.ok()) {
      return of_topic.status();
    }
    if (count != 0 && count != *of_topic) {
      return Status(StatusCode::kInvalid, "topic '" + topic + "' has " + std::to_string(*of_topic) +
                                              " partitions and '" + topics[0] + "' has " +
                                              std::to_string(count) +
                                              "; they must be equal and keyed by the customer");
    }
    count = *of_topic;
  }
  if (count > UINT16_MAX) {
    return Status(StatusCode::kInvalid, "more than 65535 partitions");
  }
  return static_cast<uint16_t>(count);
}

Result<uint16_t> CountPartitions(const std::string& brokers, const Properties& properties,
                                 const std::vector<std::string>& topics) {
  Result<Conf> conf = MakeConf(brokers, properties, {});
  if (!conf.ok()) {
    return conf.status();
  }
  Result<Client> client = MakeProducer(std::move(*conf));
  if (!client.ok()) {
    return client.status();
  }
  return CountPartitions(client->get(), topics);
}

List ToList(const std::vector<Partition>& partitions) {
  List list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const Partition& partition : partitions) {
    rd_kafka_topic_partition_t* added =
        rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
    added->offset = partition.offset;
    if (!partition.metadata.empty()) {
      // librdkafka frees it with the list.
      added->metadata = rd_kafka_mem_malloc(nullptr, partition.metadata.size());
      partition.metadata.copy(static_cast<char*>(added->metadata), partition.metadata.size());
      added->metadata_size = partition.metadata.size();
    }
  }
  return list;
}

std::vector<Partition> FromList(const rd_kafka_topic_partition_list_t* list) {
  std::vector<Partition> partitions;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& from = list->elems[i];
    partitions.push_back(
        {from.topic, from.partition, from.offset,
         std::string(static_cast<const char*>(from.metadata), from.metadata_size)});
  }
  return partitions;
}

Status AskEdges(rd_kafka_t* client, Edge edge, int timeout_ms, std::vector<Partition>* partitions) {
  // The protocol's question for the offset of a time knows two special times: first and last.
  for (Partition& partition : *partitions) {
    partition.offset = edge == Edge::kBegin ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    partition.metadata.clear();
  }
  const List list = ToList(*partitions);
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list.get(), timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable("kafka does not say the log's ends", error);
  }
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[i].offset < 0) {
      return Unavailable("kafka does not say the log's ends", list->elems[i].err);
    }
  }
  *partitions = FromList(list.get());
  return Status::Ok();
}

Status AskCommitted(rd_kafka_t* client, std::vector<Partition>* partitions) {
  const List list = ToList(*partitions);
  const rd_kafka_resp_err_t error = rd_kafka_committed(client, list.get(), limits::kKafkaAnswer_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable("kafka does not say the group's offsets", error);
  }
  *partitions = FromList(list.get());
  for (Partition& partition : *partitions) {
    partition.offset = partition.offset < 0 ? -1 : partition.offset;
  }
  return Status::Ok();
}

Result<bool> HasMember(rd_kafka_t* client, const std::string& group,
                       const std::string& instance_id) {
  const Queue queue(rd_kafka_queue_new(client));
  const char* groups[] = {group.c_str()};
  rd_kafka_DescribeConsumerGroups(client, groups, 1, nullptr, queue.get());
  const std::unique_ptr<rd_kafka_event_t, EventDeleter> event(
      rd_kafka_queue_poll(queue.get(), limits::kKafkaAnswer_ms));
  const char* what = "kafka does not say the group's members";
  if (event == nullptr) {
    return Unavailable(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
  }
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable(what, rd_kafka_event_error(event.get()));
  }
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** found = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  if (count != 1) {
    return Unavailable(what, RD_KAFKA_RESP_ERR__BAD_MSG);
  }
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(found[0])) {
    return Unavailable(what, rd_kafka_error_code(error));
  }
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(found[0]); ++i) {
    const char* member = rd_kafka_MemberDescription_group_instance_id(
        rd_kafka_ConsumerGroupDescription_member(found[0], i));
    if (member != nullptr && member == instance_id) {
      return true;
    }
  }
  return false;
}

std::string ErrorText(int code) {
  return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code));
}

std::string ErrorName(int code) {
  return rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
}

}  // namespace huitou::kafka
