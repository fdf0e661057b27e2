// librdkafka behind owning handles and Status; shared by the source, the sinks and the transport of
// records. The C API's own header stays in the .cc files. Functions wait for the broker up to
// limits::kKafkaAnswer_ms.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_topic_partition_list_s rd_kafka_topic_partition_list_t;

namespace huitou::kafka {

struct Deleter {
  // Closes within limits::kCloseKafka_ms or leaves the rest to the process's end.
  void operator()(rd_kafka_t* client) const;
  void operator()(rd_kafka_conf_t* conf) const;
  void operator()(rd_kafka_queue_t* queue) const;
  void operator()(rd_kafka_topic_partition_list_t* list) const;
};
using Client = std::unique_ptr<rd_kafka_t, Deleter>;
using Conf = std::unique_ptr<rd_kafka_conf_t, Deleter>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Deleter>;
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, Deleter>;

using Properties = std::map<std::string, std::string>;

// `own` are set over the user's `properties`. kInvalid names the property, never its value.
Result<Conf> MakeConf(const std::string& brokers, const Properties& properties,
                      const Properties& own);
// Takes over `conf`.
Result<Client> MakeConsumer(Conf conf);
Result<Client> MakeProducer(Conf conf);

// The number of partitions that every one of the topics has. kUnavailable: no broker, or a topic
// that is not there (yet). kInvalid: they differ.
Result<uint16_t> CountPartitions(rd_kafka_t* client, const std::vector<std::string>& topics);
// The same for a source that does not run yet.
Result<uint16_t> CountPartitions(const std::string& brokers, const Properties& properties,
                                 const std::vector<std::string>& topics);

// Offsets of the partitions' first records, or behind their last.
enum class Edge : uint8_t { kBegin, kEnd };
struct Partition {
  std::string topic;
  int32_t number = 0;
  int64_t offset = 0;
  std::string metadata;  // of an offset committed to the group

  std::string Name() const { return topic + "-" + std::to_string(number); }
};
Status AskEdges(rd_kafka_t* client, Edge edge, int timeout_ms, std::vector<Partition>* partitions);
// What the group has committed; offset -1 where nothing is.
Status AskCommitted(rd_kafka_t* client, std::vector<Partition>* partitions);
// Whether the group has a member of this group.instance.id: one that lives, or one that the broker
// has not missed for session.timeout.ms yet.
Result<bool> HasMember(rd_kafka_t* client, const std::string& group,
                       const std::string& instance_id);

List ToList(const std::vector<Partition>& partitions);
std::vector<Partition> FromList(const rd_kafka_topic_partition_list_t* list);

// A librdkafka error code's text, and its name ("MSG_SIZE_TOO_LARGE").
std::string ErrorText(int code);
std::string ErrorName(int code);

}  // namespace huitou::kafka
