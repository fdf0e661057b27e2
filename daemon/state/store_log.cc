// The embedded log: one slice per shard and stream, offsets without reuse.
#include "daemon/state/bytes.h"
#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/store.h"

namespace huitou {
namespace {

// Kafka's murmur2 (seed 0x9747b28c), so that a topic and the log part customers alike.
uint32_t Murmur2(std::string_view key) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(key.size());
  size_t i = 0;
  const auto byte = [&key](size_t at) { return uint32_t{static_cast<uint8_t>(key[at])}; };
  for (; i + 4 <= key.size(); i += 4) {
    uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  if (i < key.size()) {
    for (size_t at = key.size(); at-- > i;) {
      hash ^= byte(at) << (8 * (at - i));
    }
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

}  // namespace

ShardNumber ShardOf(std::string_view key, uint16_t shards) {
  CHECK(shards > 0);
  return static_cast<ShardNumber>((Murmur2(key) & 0x7fffffff) % shards);
}

Status Store::LoadLogStreams() {
  const std::string prefix = keys::AllLogStreams();
  std::lock_guard lock(log_mutex_);
  return key_value_->Scan(
      Family::kMeta, prefix, keys::End(prefix), [&](std::string_view key, std::string_view value) {
        log_streams_.emplace(key.substr(prefix.size()), ByteReader(value).Fixed16());
        return true;
      });
}

Result<uint16_t> Store::LogStream(std::string_view source) {
  std::lock_guard lock(log_mutex_);
  if (const auto found = log_streams_.find(source); found != log_streams_.end()) {
    return found->second;
  }
  if (log_streams_.size() > UINT16_MAX) {
    return Status(StatusCode::kInvalid, "too many sources");
  }
  const auto number = static_cast<uint16_t>(log_streams_.size());
  std::string value;
  ByteWriter(&value).Fixed16(number);
  WriteSet set;
  set.Put(Family::kMeta, keys::LogStream(source), value);
  Status status = key_value_->Commit(set);
  if (!status.ok()) {
    return status;
  }
  log_streams_.emplace(source, number);
  return number;
}

Result<int64_t> Store::LogEndLocked(ShardNumber shard, uint16_t stream) const {
  if (const auto known = log_ends_.find({shard, stream}); known != log_ends_.end()) {
    return known->second;
  }
  const auto found = key_value_->Get(Family::kMeta, keys::LogEnd(shard, stream));
  if (!found.ok()) {
    return found.status();
  }
  int64_t end = 0;
  if (found->has_value()) {
    ByteReader reader(**found);
    end = static_cast<int64_t>(reader.Fixed64());
    if (!reader.ok() || end < 0) {
      return Status(StatusCode::kCorrupt, "the embedded log's end is damaged");
    }
  }
  log_ends_[{shard, stream}] = end;
  return end;
}

Result<int64_t> Store::LogEnd(ShardNumber shard, uint16_t stream) const {
  std::lock_guard lock(log_mutex_);
  return LogEndLocked(shard, stream);
}

Status Store::AppendLog(uint16_t stream, std::span<const LogAppend> records,
                        std::optional<std::string_view> feed) {
  // Held over the commit: a reader must not see a later offset before an earlier one.
  std::lock_guard lock(log_mutex_);
  std::map<ShardNumber, int64_t> ends;
  WriteSet set;
  for (const LogAppend& record : records) {
    const ShardNumber shard = ShardOf(record.key, shards_);
    auto end = ends.find(shard);
    if (end == ends.end()) {
      const Result<int64_t> stored = LogEndLocked(shard, stream);
      if (!stored.ok()) {
        return stored.status();
      }
      end = ends.emplace(shard, *stored).first;
    }
    set.Put(Family::kLog, keys::LogRecord(shard, stream, end->second), EncodeLogRecord(record));
    ++end->second;
  }
  for (const auto& [shard, end] : ends) {
    std::string value;
    ByteWriter(&value).Fixed64(static_cast<uint64_t>(end));
    set.Put(Family::kMeta, keys::LogEnd(shard, stream), value);
  }
  if (feed.has_value()) {
    set.Put(Family::kMeta, keys::Feed(stream), *feed);
  }
  Status status = key_value_->Commit(set);
  if (status.ok()) {
    for (const auto& [shard, end] : ends) {
      log_ends_[{shard, stream}] = end;
    }
  }
  return status;
}

Result<std::optional<std::string>> Store::ReadFeed(uint16_t stream) const {
  return key_value_->Get(Family::kMeta, keys::Feed(stream));
}

Status Store::ReadLog(ShardNumber shard, uint16_t stream, int64_t from, size_t max,
                      size_t bytes_max, std::vector<LogRecord>* out) const {
  size_t taken = 0;
  size_t bytes = 0;
  Status decoded;
  Status status = key_value_->Scan(
      Family::kLog, keys::LogRecord(shard, stream, from), keys::LogRecord(shard, stream, INT64_MAX),
      [&](std::string_view key, std::string_view value) {
        if (taken == max || (taken > 0 && bytes + value.size() > bytes_max)) {
          return false;
        }
        ++taken;
        bytes += value.size();
        LogRecord& record = out->emplace_back();
        record.offset = keys::OffsetOfLogRecord(key);
        decoded = DecodeLogRecord(value, &record);
        return decoded.ok();
      });
  return status.ok() ? decoded : status;
}

}  // namespace huitou
