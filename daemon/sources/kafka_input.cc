#include "daemon/sources/kafka_input.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "daemon/clock/clock.h"
#include "daemon/metrics/log.h"
#include "daemon/state/store.h"

namespace huitou::kafka {
namespace {

std::string_view View(const void* data, size_t size) {
  return {static_cast<const char*>(data), data == nullptr ? 0 : size};
}

std::vector<std::pair<std::string_view, std::string_view>> HeadersOf(
    const rd_kafka_message_t* message) {
  std::vector<std::pair<std::string_view, std::string_view>> views;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return views;
  }
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    views.emplace_back(name, View(value, size));
  }
  return views;
}

}  // namespace

void Feed::SetEnd(const End& end) {
  const std::lock_guard lock(mutex_);
  end_ = end;
}

std::optional<Feed::End> Feed::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

Input::Input(std::shared_ptr<Feed> feed, std::unique_ptr<Decoder> decoder)
    : feed_(std::move(feed)), decoder_(std::move(decoder)) {
}

Input::~Input() {
  Release();
}

void Input::Release() {
  for (rd_kafka_message_t* message : messages_) {
    rd_kafka_message_destroy(message);
  }
  messages_.clear();
  headers_.clear();
}

Status Input::Begin(int64_t next_offset) {
  const int64_t begun = feed_->partition().offset;
  if (next_offset != InputPosition::kNoOffset && next_offset != begun) {
    return {StatusCode::kInternal, feed_->partition().Name() + " is fetched from offset " +
                                       std::to_string(begun) + ", and its state stands at " +
                                       std::to_string(next_offset)};
  }
  next_offset_ = begun;
  feed_->position = begun;
  feed_->polled_steady = SteadyNow();
  return Status::Ok();
}

Status Input::Poll(size_t max, std::vector<SourceRecord>* records, std::optional<TimeUs>* at_end) {
  Release();
  messages_.resize(max);
  const ssize_t count =
      rd_kafka_consume_batch_queue(feed_->queue(), 0, messages_.data(), messages_.size());
  messages_.resize(count < 0 ? 0 : static_cast<size_t>(count));
  Status status;
  for (rd_kafka_message_t* message : messages_) {
    if (status = Take(message, records); !status.ok()) {
      break;
    }
  }
  feed_->position = next_offset_;
  feed_->polled_steady = SteadyNow();
  // Whatever came after the end was asked, everything before that end has been delivered.
  if (const std::optional<Feed::End> end = feed_->end(); end && next_offset_ >= end->offset) {
    *at_end = end->wall;
  }
  return status;
}

Status Input::Take(rd_kafka_message_t* message, std::vector<SourceRecord>* records) {
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      break;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      // Behind what has no records for us: aborted transactions, their markers, compacted ones.
      next_offset_ = std::max(next_offset_, message->offset);
      return Status::Ok();
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return OffsetGone(message);
    default:
      // The library goes on by itself; the source counts and logs what it reports.
      Log(LogLevel::kDebug, "kafka: a partition's error",
          {{"partition", feed_->partition().Name()}, {"why", rd_kafka_err2str(message->err)}});
      return Status::Ok();
  }
  if (message->offset < next_offset_) {
    return Status::Ok();
  }
  next_offset_ = message->offset + 1;
  SourceRecord record;
  record.offset = message->offset;
  record.key = View(message->key, message->key_len);
  record.payload = View(message->payload, message->len);
  record.tombstone = message->payload == nullptr;
  auto headers = HeadersOf(message);
  if (!headers.empty()) {
    record.headers = headers_.emplace_back(std::move(headers));
  }
  records->push_back(record);
  return Status::Ok();
}

Status Input::OffsetGone(const rd_kafka_message_t* message) const {
  return {StatusCode::kNotFound, feed_->partition().Name() + " no longer has offset " +
                                     std::to_string(next_offset_) + " (" +
                                     rd_kafka_err2str(message->err) +
                                     "): retention or truncation removed what was not read yet"};
}

void Input::Committed(int64_t next_offset) {
  feed_->committed = next_offset;
}

}  // namespace huitou::kafka
