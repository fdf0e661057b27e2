// The events of files one after another, read and decoded ahead on a thread of their own: the
// decisions take place meanwhile, and can fetch what they will need of the next events.
//
//   EventStream stream(paths, options);
//   for (auto batch = stream.Next(); !batch.empty(); batch = stream.Next()) Use(batch);
//   if (!stream.status().ok()) ...
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "daemon/decode/event_decoder.h"
#include "triggers/base/status.h"

namespace huitou {

// A line of a file: an event, or why it is none.
struct StreamedEvent {
  Event event;
  uint64_t customer_hash = 0;  // Hash64(event.customer.id)
  EventError error = EventError::kNone;
  std::string detail;
  const std::string* path = nullptr;
  uint64_t line_number = 0;
  EventDecoder decoder;  // holds what the event's views point to
};

class EventStream {
 public:
  EventStream(const std::vector<std::string>& paths, const DecodeOptions& options);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Valid until the next call; empty at the end, or at an error.
  std::span<const StreamedEvent> Next();
  // Why it ended. Ask when Next() gave nothing.
  const Status& status() const { return status_; }

 private:
  // Some 20 us of decoding, so that handing over costs little.
  static constexpr size_t kBatchEvents = 32;
  // One in use, one being filled, two between them for when either is held up.
  static constexpr size_t kBatches = 4;
  struct Batch {
    std::array<StreamedEvent, kBatchEvents> events;
    size_t size = 0;
  };

  void Read();
  Status ReadFile(const std::string& path);
  // Gives the batch being filled to the reader of the stream; false when that has gone.
  bool HandOver();

  const std::vector<std::string> paths_;
  const DecodeOptions options_;
  std::array<Batch, kBatches> batches_;
  uint64_t written_ = 0;  // batches handed over; the decoding thread's own copy
  Status status_;         // written before is_done_

  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t filled_ = 0;    // batches handed over
  uint64_t returned_ = 0;  // batches that may be filled again
  bool is_reading_ = false;
  bool is_done_ = false;
  bool is_cancelled_ = false;
  std::thread thread_;
};

}  // namespace huitou
