#include "daemon/sources/log_writer.h"

#include <iterator>
#include <set>
#include <utility>

#include "daemon/sources/limits.h"

namespace huitou {

Status LogWriter::Append(std::vector<LogAppend> records) {
  Request request{std::move(records), 0, false, {}};
  for (const LogAppend& record : request.records) {
    request.bytes += record.key.size() + record.payload.size();
  }
  if (parts_.progress != nullptr && parts_.progress->Backlog() > limits::kLogBacklogMax) {
    return {StatusCode::kExhausted, "the shards are too far behind; send it again later"};
  }
  std::unique_lock lock(mutex_);
  if (waiting_bytes_ + request.bytes > limits::kAppendWaitingBytesMax) {
    return {StatusCode::kExhausted, "too many events are under way; send them again later"};
  }
  waiting_.push_back(&request);
  waiting_bytes_ += request.bytes;
  while (!request.done) {
    if (leading_) {
      done_.wait(lock);
    } else {
      Lead(&lock);
    }
  }
  return request.status;
}

void LogWriter::Lead(std::unique_lock<std::mutex>* lock) {
  leading_ = true;
  std::vector<Request*> group;
  size_t bytes = 0;
  while (!waiting_.empty() && (group.empty() || bytes < limits::kAppendBytesMax)) {
    bytes += waiting_.front()->bytes;
    group.push_back(waiting_.front());
    waiting_.erase(waiting_.begin());
  }
  lock->unlock();
  Status status = Commit(group);
  if (status.ok()) {
    WakeShards(group);
  }
  lock->lock();
  for (Request* request : group) {
    request->status = status;
    request->done = true;
  }
  waiting_bytes_ -= bytes;
  leading_ = false;
  done_.notify_all();
}

Status LogWriter::Commit(const std::vector<Request*>& group) const {
  Status status;
  if (group.size() == 1) {
    status = parts_.store->AppendLog(parts_.stream, group.front()->records);
  } else {
    std::vector<LogAppend> all;
    for (const Request* request : group) {
      all.insert(all.end(), request->records.begin(), request->records.end());
    }
    status = parts_.store->AppendLog(parts_.stream, all);
  }
  // To the sender a full disk is no refusal of these events: nothing is wrong with them.
  return status.code() == StatusCode::kExhausted
             ? Status(StatusCode::kUnavailable, status.message())
             : status;
}

void LogWriter::WakeShards(const std::vector<Request*>& group) const {
  if (!parts_.wake) {
    return;
  }
  std::set<ShardNumber> shards;
  for (const Request* request : group) {
    for (const LogAppend& record : request->records) {
      shards.insert(ShardOf(record.key, parts_.store->shards()));
    }
  }
  for (const ShardNumber shard : shards) {
    parts_.wake(shard);
  }
}

}  // namespace huitou
