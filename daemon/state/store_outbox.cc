// The outbox part of the store: each record under its dispatch, and one index entry that says what
// is to happen with it next. Record and index change in the same commit.
#include "daemon/state/bytes.h"
#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/store.h"

namespace huitou {
namespace {

// Brings one index entry from what is stored to what it shall be.
void Move(const std::string& stored, const std::string& wanted, WriteSet* set) {
  if (stored == wanted) {
    return;
  }
  if (!stored.empty()) {
    set->Delete(Family::kOutbox, stored);
  }
  if (!wanted.empty()) {
    set->Put(Family::kOutbox, wanted, {});
  }
}

}  // namespace

Store::DispatchIndexes Store::IndexesOf(ShardNumber shard, const OutboxRecord& record) {
  const Id128& id = record.dispatch.id;
  DispatchIndexes indexes;
  switch (record.state) {
    case OutboxRecord::State::kPlanned:
      indexes.next = keys::Planned(shard, record.channel(), record.not_before, id);
      break;
    case OutboxRecord::State::kLeased:
      indexes.next = keys::Leased(shard, id);
      break;
    case OutboxRecord::State::kAccepted:
    case OutboxRecord::State::kUnknown:
      indexes.next = keys::Awaited(shard, record.not_before, id);
      break;
  }
  if (!record.provider_message_id.empty()) {
    indexes.provider = keys::ProviderMessage(shard, record.channel(), record.provider_message_id);
    ByteWriter(&indexes.provider).Id(id);
  }
  return indexes;
}

StoredDispatch Store::Stored(ShardNumber shard, OutboxRecord record) {
  DispatchIndexes indexes = IndexesOf(shard, record);
  return {std::move(record), std::move(indexes.next), std::move(indexes.provider)};
}

std::vector<Store::DispatchIndexes> Store::PutDispatches(ShardNumber shard,
                                                         const CommitBatch& batch,
                                                         WriteSet* set) const {
  std::vector<DispatchIndexes> all;
  all.reserve(batch.dispatches.size());
  for (const StoredDispatch* stored : batch.dispatches) {
    const OutboxRecord& record = stored->record;
    set->Put(Family::kOutbox, keys::Dispatch(shard, record.dispatch.id),
             EncodeOutboxRecord(record));
    DispatchIndexes& indexes = all.emplace_back(IndexesOf(shard, record));
    Move(stored->index, indexes.next, set);
    Move(stored->provider, indexes.provider, set);
  }
  for (const StoredDispatch* stored : batch.dispatches_settled) {
    set->Delete(Family::kOutbox, keys::Dispatch(shard, stored->record.dispatch.id));
    Move(stored->index, {}, set);
    Move(stored->provider, {}, set);
  }
  return all;
}

Result<std::optional<StoredDispatch>> Store::ReadDispatch(ShardNumber shard,
                                                          const Id128& id) const {
  const auto found = key_value_->Get(Family::kOutbox, keys::Dispatch(shard, id));
  if (!found.ok()) {
    return found.status();
  }
  if (!found->has_value()) {
    return std::optional<StoredDispatch>();
  }
  OutboxRecord record;
  Status status = DecodeOutboxRecord(**found, &record);
  if (!status.ok()) {
    return status;
  }
  return std::optional<StoredDispatch>(Stored(shard, std::move(record)));
}

Status Store::ReadIndexed(ShardNumber shard, const std::string& from, const std::string& to,
                          size_t max, std::vector<StoredDispatch>* out) const {
  std::vector<Id128> ids;
  Status status = key_value_->Scan(Family::kOutbox, from, to,
                                   [&](std::string_view key, std::string_view /*value*/) {
                                     ids.push_back(keys::DispatchOf(key));
                                     return ids.size() < max;
                                   });
  if (!status.ok()) {
    return status;
  }
  for (const Id128& id : ids) {
    auto stored = ReadDispatch(shard, id);
    if (!stored.ok()) {
      return stored.status();
    }
    if (!stored->has_value()) {
      return Status(StatusCode::kCorrupt, "the outbox's index names a dispatch that is missing");
    }
    out->push_back(**std::move(stored));
  }
  return Status::Ok();
}

Status Store::ReadPlanned(ShardNumber shard, std::string_view channel, TimeUs from, TimeUs until,
                          size_t max, std::vector<StoredDispatch>* out,
                          const Id128& from_id) const {
  // One past `until`: the bound itself is meant too.
  return ReadIndexed(shard, keys::Planned(shard, channel, from, from_id),
                     keys::Planned(shard, channel, until == kTimeMax ? until : until + 1, {}), max,
                     out);
}

Status Store::ReadDue(ShardNumber shard, TimeUs from, TimeUs until, size_t max,
                      std::vector<StoredDispatch>* out) const {
  return ReadIndexed(shard, keys::Awaited(shard, from, {}),
                     keys::Awaited(shard, until == kTimeMax ? until : until + 1, {}), max, out);
}

Status Store::ReadLeased(ShardNumber shard, std::vector<StoredDispatch>* out) const {
  const std::string prefix = keys::AllLeased(shard);
  return ReadIndexed(shard, prefix, keys::End(prefix), SIZE_MAX, out);
}

Result<std::map<std::string, int64_t>> Store::CountWaiting(ShardNumber shard) const {
  std::map<std::string, int64_t> waiting;
  Status decoded = Status::Ok();
  const std::string prefix = keys::AllDispatches(shard);
  Status status = key_value_->Scan(Family::kOutbox, prefix, keys::End(prefix),
                                   [&](std::string_view /*key*/, std::string_view value) {
                                     OutboxRecord record;
                                     decoded = DecodeOutboxRecord(value, &record);
                                     if (decoded.ok() && record.waits()) {
                                       ++waiting[record.channel()];
                                     }
                                     return decoded.ok();
                                   });
  if (status.ok() && !decoded.ok()) {
    status = decoded;
  }
  if (!status.ok()) {
    return status;
  }
  return waiting;
}

Result<std::vector<std::string>> Store::ReadPlannedChannels(ShardNumber shard) const {
  std::vector<std::string> channels;
  const std::string end = keys::End(keys::AllPlanned(shard));
  std::string next = keys::AllPlanned(shard);
  // From channel to channel, not over their records.
  while (true) {
    bool found = false;
    Status status = key_value_->Scan(Family::kOutbox, next, end,
                                     [&](std::string_view key, std::string_view /*value*/) {
                                       found = true;
                                       channels.emplace_back(keys::ChannelOfPlanned(key));
                                       return false;
                                     });
    if (!status.ok()) {
      return status;
    }
    if (!found) {
      return channels;
    }
    next = keys::End(keys::PlannedOf(shard, channels.back()));
  }
}

Result<std::optional<Id128>> Store::FindProviderMessage(
    ShardNumber shard, std::string_view channel, std::string_view provider_message_id) const {
  std::optional<Id128> dispatch;
  const std::string prefix = keys::ProviderMessage(shard, channel, provider_message_id);
  Status status = key_value_->Scan(Family::kOutbox, prefix, keys::End(prefix),
                                   [&](std::string_view key, std::string_view /*value*/) {
                                     dispatch = keys::DispatchOf(key);
                                     return false;
                                   });
  if (!status.ok()) {
    return status;
  }
  return dispatch;
}

}  // namespace huitou
