#include "daemon/sources/log_input.h"

#include <algorithm>

namespace huitou {

namespace {

// Of one Poll: enough to keep the shard busy for some milliseconds.
constexpr size_t kReadBytesMax = size_t{4} << 20;

}  // namespace

LogInput::LogInput(InputSpec spec, ShardNumber shard, Parts parts,
                   std::unique_ptr<ContractDecoder> decoder)
    : spec_(std::move(spec)),
      shard_(shard),
      parts_(std::move(parts)),
      decoder_(std::move(decoder)) {
}

Status LogInput::Begin(int64_t next_offset) {
  // The log of this machine begins with its first record; consumed records are trimmed behind the
  // stored position, never before it.
  next_offset_ = std::max<int64_t>(next_offset, 0);
  Committed(next_offset_);
  return Status::Ok();
}

Status LogInput::Poll(size_t max, std::vector<SourceRecord>* records,
                      std::optional<TimeUs>* at_end) {
  // The wall first, then the end: what is appended behind this end came after that instant.
  const TimeUs wall = parts_.clock->Now();
  const bool copied = !parts_.feeder_done || parts_.feeder_done();
  const Result<int64_t> end = parts_.store->LogEnd(shard_, parts_.stream);
  if (!end.ok()) {
    return end.status();
  }
  read_.clear();
  headers_.clear();
  if (next_offset_ < *end) {
    if (Status status =
            parts_.store->ReadLog(shard_, parts_.stream, next_offset_, max, kReadBytesMax, &read_);
        !status.ok()) {
      return status;
    }
  }
  headers_.reserve(read_.size());
  for (const LogRecord& record : read_) {
    auto& headers = headers_.emplace_back();
    for (const auto& [name, value] : record.headers) {
      headers.emplace_back(name, value);
    }
    records->push_back({record.offset, record.key, record.payload, false, headers});
    next_offset_ = record.offset + 1;
  }
  if (copied && next_offset_ >= *end) {
    *at_end = wall;
  }
  return Status::Ok();
}

// The commit itself says log_consumed; this is for those who wait for it.
void LogInput::Committed(int64_t next_offset) {
  if (parts_.progress != nullptr) {
    parts_.progress->Consumed(shard_, next_offset);
  }
}

}  // namespace huitou
