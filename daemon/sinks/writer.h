// What writes a sink's records: a topic or a file. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/sinks/sinks.h"
#include "triggers/base/status.h"

namespace huitou {

struct SinkItem {
  std::string key;
  std::string value;
  bool done = false;
};

class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  // Returns when every item is at the sink, or some are not: those that are get `done`, and the
  // call is repeated for the rest. Items that can never be written are `done` too, and logged.
  virtual Status Write(std::vector<SinkItem>* items) = 0;
};

// One line a record, appended by one write each, so that a reader never sees half a line of ours
// between others. The file is opened for every batch: it may be moved away at any time.
std::unique_ptr<SinkWriter> MakeFileWriter(const FileTarget& target);
// An idempotent producer, made anew after a fatal error.
Result<std::unique_ptr<SinkWriter>> MakeKafkaWriter(const KafkaTarget& target);

}  // namespace huitou
