// A small Kafka client for tests and for trying things out: writes lines to a topic as a shop
// would, and reads a topic to its end. Nothing of the daemon is in it, so it can judge the daemon.
//
//   kafka_tool produce --brokers 127.0.0.1:9092 --topic orders --file events.jsonl
//   kafka_tool consume --brokers 127.0.0.1:9092 --topic huitou.decisions --json
//
// produce: one record per line, value = the line. The key is the text at --key (customer.id),
// placed as Java's producer places it (murmur2); a line without one is sent without a key. With
// --records each line tells the whole record instead: {"key":"c1","value":"...","partition":0},
// where "value":null is a tombstone and "value_hex" gives bytes that JSON cannot. Prints
// {"produced":N,"failed":N}.
// consume: every partition from --offset to its end, in the order of arrival.
//
// Exit codes: 0 good, 1 some record failed or --count was not reached in time, 2 usage, 3 no
// broker.
#include <librdkafka/rdkafka.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "triggers/base/json.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPoll_ms = 100;
constexpr int kMetadata_ms = 15'000;
constexpr int kFlush_ms = 60'000;
constexpr size_t kErrorBytes = 512;

struct Options {
  std::string brokers;
  std::string topic;
  std::string properties;                    // a file of key=value lines
  std::vector<std::string> more_properties;  // key=value
  std::string file = "-";
  std::string key = "customer.id";
  bool records = false;
  double rate = 0;  // records per second; 0 is as fast as it goes
  bool json = false;
  bool follow = false;
  int64_t offset = 0;
  int64_t count = 0;
  int timeout_s = 60;
};

// What the user or the world got wrong, and the exit code for it.
struct Failure {
  int code;
  std::string message;
};

struct Counts {
  int64_t delivered = 0;
  int64_t failed = 0;
};

struct Record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int32_t partition = RD_KAFKA_PARTITION_UA;
};

struct Closer {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using Handle = std::unique_ptr<rd_kafka_t, Closer>;

void SetProperty(rd_kafka_conf_t* conf, const std::string& line) {
  const size_t equals = line.find('=');
  if (equals == std::string::npos) {
    throw Failure{2, "not KEY=VALUE: " + line};
  }
  char error[kErrorBytes];
  if (rd_kafka_conf_set(conf, line.substr(0, equals).c_str(), line.substr(equals + 1).c_str(),
                        error, sizeof error) != RD_KAFKA_CONF_OK) {
    throw Failure{2, error};
  }
}

Handle Open(rd_kafka_type_t type, rd_kafka_conf_t* conf, const Options& options) {
  SetProperty(conf, "bootstrap.servers=" + options.brokers);
  if (!options.properties.empty()) {
    std::ifstream file(options.properties);
    if (!file) {
      throw Failure{3, "cannot read " + options.properties};
    }
    for (std::string line; std::getline(file, line);) {
      if (!line.empty() && line[0] != '#') {
        SetProperty(conf, line);
      }
    }
  }
  for (const std::string& line : options.more_properties) {
    SetProperty(conf, line);
  }
  char error[kErrorBytes];
  Handle handle(rd_kafka_new(type, conf, error, sizeof error));
  if (!handle) {
    throw Failure{3, error};
  }
  return handle;
}

// The partitions of the topic. A broker creates a missing one for a producer, unless told not to.
std::vector<int32_t> Partitions(rd_kafka_t* handle, const std::string& name) {
  const std::unique_ptr<rd_kafka_topic_t, Closer> topic(
      rd_kafka_topic_new(handle, name.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error = rd_kafka_metadata(handle, 0, topic.get(), &raw, kMetadata_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    throw Failure{3, std::string("no answer from the broker: ") + rd_kafka_err2str(error)};
  }
  const std::unique_ptr<const rd_kafka_metadata_t, Closer> metadata(raw);
  if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
    throw Failure{3, "no such topic: " + name};
  }
  std::vector<int32_t> partitions;
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    partitions.push_back(metadata->topics[0].partitions[i].id);
  }
  return partitions;
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The text at a dotted path of a JSON line; nothing where the line is no JSON or has no such text.
std::optional<std::string> TextAt(simdjson::dom::parser& parser, const std::string& line,
                                  const std::string& dotted_path) {
  std::string pointer = "/" + dotted_path;
  for (char& c : pointer) {
    c = c == '.' ? '/' : c;
  }
  std::string_view text;
  simdjson::dom::element document;
  if (parser.parse(line).get(document) || document.at_pointer(pointer).get_string().get(text)) {
    return std::nullopt;
  }
  return std::string(text);
}

// A line of --records.
Record ParseRecord(simdjson::dom::parser& parser, const std::string& line) {
  simdjson::dom::object object;
  if (parser.parse(line).get_object().get(object)) {
    throw Failure{2, "not a record: " + line};
  }
  Record record;
  std::string_view text;
  int64_t partition = 0;
  if (!object["key"].get_string().get(text)) {
    record.key = std::string(text);
  }
  if (!object["value"].get_string().get(text)) {
    record.value = std::string(text);
  } else if (!object["value_hex"].get_string().get(text)) {
    record.value = FromHex(text);
  }
  if (!object["partition"].get_int64().get(partition)) {
    record.partition = static_cast<int32_t>(partition);
  }
  return record;
}

void CountDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* counts = static_cast<Counts*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++counts->delivered;
    return;
  }
  if (++counts->failed <= 5) {
    std::cerr << "kafka_tool: " << rd_kafka_err2str(message->err) << "\n";
  }
}

void Send(rd_kafka_t* producer, const Options& options, const Record& record, Counts* counts) {
  const char* key = record.key ? record.key->data() : nullptr;
  const size_t key_size = record.key ? record.key->size() : 0;
  const char* value = record.value ? record.value->data() : nullptr;
  const size_t value_size = record.value ? record.value->size() : 0;
  while (true) {
    const auto error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(options.topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
        RD_KAFKA_V_VALUE(const_cast<char*>(value), value_size), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(producer, kPoll_ms);
      continue;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      std::cerr << "kafka_tool: " << rd_kafka_err2str(error) << "\n";
      ++counts->failed;
    }
    rd_kafka_poll(producer, 0);
    return;
  }
}

int Produce(const Options& options) {
  std::ifstream file;
  if (options.file != "-") {
    file.open(options.file);
    if (!file) {
      throw Failure{3, "cannot read " + options.file};
    }
  }
  std::istream& input = options.file == "-" ? std::cin : file;

  Counts counts;
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  SetProperty(conf, "partitioner=murmur2_random");
  SetProperty(conf, "enable.idempotence=true");
  SetProperty(conf, "linger.ms=20");
  rd_kafka_conf_set_dr_msg_cb(conf, CountDelivery);
  rd_kafka_conf_set_opaque(conf, &counts);
  const Handle producer = Open(RD_KAFKA_PRODUCER, conf, options);
  Partitions(producer.get(), options.topic);

  simdjson::dom::parser parser;
  const auto started = Clock::now();
  int64_t sent = 0;
  for (std::string line; std::getline(input, line); ++sent) {
    Send(producer.get(), options,
         options.records ? ParseRecord(parser, line)
                         : Record{TextAt(parser, line, options.key), line, RD_KAFKA_PARTITION_UA},
         &counts);
    if (options.rate > 0) {
      const std::chrono::duration<double> due((sent + 1) / options.rate);
      std::this_thread::sleep_until(started + std::chrono::duration_cast<Clock::duration>(due));
    }
  }
  rd_kafka_flush(producer.get(), kFlush_ms);
  const int64_t unanswered = rd_kafka_outq_len(producer.get());
  huitou::JsonObject summary;
  summary.AddInteger("produced", counts.delivered).AddInteger("failed", counts.failed + unanswered);
  std::cout << summary.Close() << "\n";
  return counts.failed + unanswered == 0 ? 0 : 1;
}

// As a JSON object of texts.
std::string HeadersOf(const rd_kafka_message_t& message) {
  huitou::JsonObject object;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      object.Add(name, std::string_view(static_cast<const char*>(value), size));
    }
  }
  return object.Close();
}

void Print(const rd_kafka_message_t& message, bool json) {
  const std::string_view value(static_cast<const char*>(message.payload), message.len);
  if (!json) {
    std::cout << value << "\n";
    return;
  }
  huitou::JsonObject object;
  object.AddInteger("partition", message.partition).AddInteger("offset", message.offset);
  if (message.key != nullptr) {
    object.Add("key", std::string_view(static_cast<const char*>(message.key), message.key_len));
  } else {
    object.AddRaw("key", "null");
  }
  if (message.payload != nullptr) {
    object.Add("value", value);
  } else {
    object.AddRaw("value", "null");
  }
  object.AddRaw("headers", HeadersOf(message));
  std::cout << object.Close() << "\n";
}

Handle OpenConsumer(const Options& options, size_t* partition_count) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  SetProperty(conf, "group.id=kafka_tool");
  SetProperty(conf, "enable.auto.commit=false");
  SetProperty(conf, "enable.partition.eof=true");
  SetProperty(conf, "isolation.level=read_committed");
  SetProperty(conf, "auto.offset.reset=earliest");
  Handle consumer = Open(RD_KAFKA_CONSUMER, conf, options);
  const std::vector<int32_t> partitions = Partitions(consumer.get(), options.topic);
  const std::unique_ptr<rd_kafka_topic_partition_list_t, Closer> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), options.topic.c_str(), partition)->offset =
        options.offset;
  }
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_assign(consumer.get(), list.get());
  *partition_count = partitions.size();
  return consumer;
}

int Consume(const Options& options) {
  size_t partition_count = 0;
  const Handle consumer = OpenConsumer(options, &partition_count);
  std::set<int32_t> ended;
  int64_t seen = 0;
  const auto deadline = Clock::now() + std::chrono::seconds(options.timeout_s);
  while (options.count == 0 || seen < options.count) {
    if (Clock::now() > deadline) {
      std::cerr << "kafka_tool: " << seen << " records in " << options.timeout_s << " s\n";
      return 1;
    }
    const std::unique_ptr<rd_kafka_message_t, Closer> message(
        rd_kafka_consumer_poll(consumer.get(), kPoll_ms));
    if (!message) {
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended.insert(message->partition);
      if (!options.follow && ended.size() == partition_count) {
        break;
      }
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Print(*message, options.json);
      ++seen;
    } else {
      std::cerr << "kafka_tool: " << rd_kafka_message_errstr(message.get()) << "\n";
    }
  }
  std::cout.flush();
  rd_kafka_consumer_close(consumer.get());
  return options.count == 0 || seen >= options.count ? 0 : 1;
}

void AddCommon(CLI::App* command, Options* options) {
  command->add_option("--brokers", options->brokers)->required();
  command->add_option("--topic", options->topic)->required();
  command->add_option("--properties", options->properties,
                      "a file of librdkafka's KEY=VALUE lines");
  command->add_option("-X", options->more_properties, "one KEY=VALUE of librdkafka");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A small Kafka client for tests");
  app.require_subcommand(1);
  Options options;
  CLI::App* produce = app.add_subcommand("produce", "write lines to a topic");
  AddCommon(produce, &options);
  produce->add_option("--file", options.file, "lines to send; - is standard input");
  produce->add_option("--key", options.key, "path of the key in the line");
  produce->add_flag("--records", options.records, "lines tell whole records");
  produce->add_option("--rate", options.rate, "records per second");
  CLI::App* consume = app.add_subcommand("consume", "read a topic to its end");
  AddCommon(consume, &options);
  consume->add_flag("--json", options.json, "partition, offset, key and headers too");
  consume->add_option("--offset", options.offset, "where to start in every partition");
  consume->add_option("--count", options.count, "stop after so many records");
  consume->add_flag("--follow", options.follow, "do not stop at the end; wait for --count");
  consume->add_option("--timeout", options.timeout_s, "give up after so many seconds");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return produce->parsed() ? Produce(options) : Consume(options);
  } catch (const Failure& failure) {
    std::cerr << "kafka_tool: " << failure.message << "\n";
    return failure.code;
  }
}
