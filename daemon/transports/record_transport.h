// Records to topics of Kafka, over librdkafka. One producer for each set of brokers, properties and
// timeout, made when its first record comes: it batches, and repeats a record within the timeout
// under the number that the brokers drop repeats by. A producer that has failed for good is made
// anew.
//
//   RecordTransport transport;
//   transport.Send(channels::Record{...}, 10 * kSecondUs, done);
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "daemon/transports/transport.h"

namespace huitou {

class RecordTransport final : public Transport {
 public:
  RecordTransport();
  // Drops what is not answered yet.
  ~RecordTransport() override;

  // Only for channels::Record.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  class Producer;
  using Key = std::tuple<std::string, std::map<std::string, std::string>, DurationUs>;

  std::mutex mutex_;
  std::map<Key, std::unique_ptr<Producer>> producers_;  // under mutex_
};

}  // namespace huitou
