#include "daemon/simulate/event_stream.h"

#include "daemon/decode/line_reader.h"
#include "triggers/base/hash.h"

namespace huitou {

EventStream::EventStream(const std::vector<std::string>& paths, const DecodeOptions& options)
    : paths_(paths), options_(options), thread_([this] { Read(); }) {
}

EventStream::~EventStream() {
  {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::span<const StreamedEvent> EventStream::Next() {
  std::unique_lock lock(mutex_);
  if (is_reading_) {
    is_reading_ = false;
    ++returned_;
    // The other side sleeps only when all batches are full: wake it once half of them are free.
    if (filled_ - returned_ <= kBatches / 2) {
      changed_.notify_all();
    }
  }
  changed_.wait(lock, [this] { return filled_ > returned_ || is_done_; });
  if (filled_ == returned_) {
    return {};
  }
  is_reading_ = true;
  const Batch& batch = batches_[returned_ % kBatches];
  return {batch.events.data(), batch.size};
}

void EventStream::Read() {
  Status status;
  for (const std::string& path : paths_) {
    status = ReadFile(path);
    if (!status.ok()) {
      break;
    }
  }
  if (batches_[written_ % kBatches].size > 0) {
    HandOver();
  }
  {
    const std::lock_guard lock(mutex_);
    status_ = status;
    is_done_ = true;
  }
  changed_.notify_all();
}

Status EventStream::ReadFile(const std::string& path) {
  auto reader = LineReader::Open(path);
  if (!reader.ok()) {
    return reader.status();
  }
  std::string_view line;
  while ((*reader)->Next(&line)) {
    Batch& batch = batches_[written_ % kBatches];
    StreamedEvent& out = batch.events[batch.size];
    out.error = out.decoder.Decode(line, options_, &out.event, &out.detail);
    out.customer_hash = out.error == EventError::kNone ? Hash64(out.event.customer.id) : 0;
    out.path = &path;
    out.line_number = (*reader)->line_number();
    if (++batch.size == kBatchEvents && !HandOver()) {
      return Status::Ok();
    }
  }
  return (*reader)->status();
}

bool EventStream::HandOver() {
  ++written_;
  std::unique_lock lock(mutex_);
  ++filled_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return filled_ - returned_ < kBatches || is_cancelled_; });
  batches_[written_ % kBatches].size = 0;
  return !is_cancelled_;
}

}  // namespace huitou
