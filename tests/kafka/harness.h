// The real broker of tests/kafka/broker and what the tests write to it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/kafka/kafka_client.h"

namespace huitou {

// Whether Java and Maven are there; prints what is missing.
bool CanRunBroker();

// One broker in a folder of its own; ended, with the folder, by the destructor.
class Broker {
 public:
  explicit Broker(bool secure = false);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  const std::string& address() const { return address_; }
  std::string secure_address() const;
  kafka::Properties secure_properties() const;
  void Kill();
  void Restart();

 private:
  std::string Run(const std::string& arguments) const;
  std::string folder_;
  std::string address_;
};

struct ProducedRecord {
  std::string key;
  std::string value;
  bool tombstone = false;
  std::map<std::string, std::string> headers = {};
};

class Producer {
 public:
  // With a transactional id every Send belongs to the transaction begun by Begin.
  explicit Producer(const std::string& address, const std::string& transactional_id = {});
  void Begin();
  void End(bool commit);
  void MakeTopic(const std::string& name, int partitions);
  // Waits until the broker has all of them.
  void Send(const std::string& topic, int32_t partition,
            const std::vector<ProducedRecord>& records);
  // "a-0", "a-1", ...
  void SendNumbered(const std::string& topic, int32_t partition, const std::string& prefix,
                    int count);
  // Removes everything before `offset`, as retention does.
  void Truncate(const std::string& topic, int32_t partition, int64_t offset);

 private:
  kafka::Client client_;
};

}  // namespace huitou
