#include "daemon/shard/outbox_queue.h"

#include <algorithm>

#include "daemon/shard/limits.h"
#include "triggers/base/check.h"

namespace huitou {

using State = OutboxRecord::State;

Status OutboxQueue::Open() {
  if (!state_.outbox_counted) {
    auto depth = store_->CountWaiting(shard_);
    if (!depth.ok()) {
      return depth.status();
    }
    state_.outbox_depth = *std::move(depth);
    state_.outbox_counted = true;
  }
  auto channels = store_->ReadPlannedChannels(shard_);
  if (!channels.ok()) {
    return channels.status();
  }
  for (const std::string& name : *channels) {
    channels_[name].stored_from = kTimeMin;
  }
  return Status::Ok();
}

void OutboxQueue::Fill(Slot* slot, StoredDispatch stored) {
  slot->stored = std::move(stored);
  slot->counted_in = slot->stored.record.waits() ? slot->stored.record.channel() : "";
}

void OutboxQueue::Count(Slot* slot) {
  const OutboxRecord& record = slot->stored.record;
  std::string counts_in = !slot->settled && record.waits() ? record.channel() : "";
  if (counts_in == slot->counted_in) {
    return;
  }
  if (!slot->counted_in.empty()) {
    --state_.outbox_depth[slot->counted_in];
  }
  if (!counts_in.empty()) {
    ++state_.outbox_depth[counts_in];
  }
  slot->counted_in = std::move(counts_in);
}

void OutboxQueue::Place(Slot* slot) {
  const OutboxRecord& record = slot->stored.record;
  if (record.state == State::kPlanned && !slot->settled) {
    slot->planned = {record.not_before, record.channel()};
    channels_[record.channel()].planned.emplace(record.not_before, record.dispatch.id);
  } else if (!slot->settled && record.state != State::kLeased) {
    due_from_ = std::min(due_from_, record.not_before);
  }
}

void OutboxQueue::Unplace(Slot* slot) {
  if (slot->planned.has_value()) {
    channels_[slot->planned->second].planned.erase(
        {slot->planned->first, slot->stored.record.dispatch.id});
    slot->planned.reset();
  }
}

void OutboxQueue::Mark(Slot* slot) {
  if (!slot->changed) {
    slot->changed = true;
    changed_.push_back(slot->stored.record.dispatch.id);
  }
}

Status OutboxQueue::Plan(OutboxRecord record) {
  const Id128 id = record.dispatch.id;
  if (slots_.contains(id)) {
    return Status::Ok();
  }
  // An event that comes again after it was forgotten plans the same once more, while the first may
  // still wait in the store for its receipt.
  const auto known = store_->ReadDispatch(shard_, id);
  if (!known.ok() || known->has_value()) {
    return known.ok() ? Status::Ok() : known.status();
  }
  Slot& slot = slots_[id];
  slot.stored.record = std::move(record);
  Count(&slot);
  Mark(&slot);
  Place(&slot);
  return Status::Ok();
}

Result<OutboxRecord*> OutboxQueue::Find(const Id128& dispatch) {
  if (const auto found = slots_.find(dispatch); found != slots_.end()) {
    return found->second.settled ? nullptr : &found->second.stored.record;
  }
  auto read = store_->ReadDispatch(shard_, dispatch);
  if (!read.ok()) {
    return read.status();
  }
  if (!read->has_value()) {
    return static_cast<OutboxRecord*>(nullptr);
  }
  Slot& slot = slots_[dispatch];
  Fill(&slot, **std::move(read));
  visited_.push_back(dispatch);
  Place(&slot);
  return &slot.stored.record;
}

void OutboxQueue::Changed(const Id128& dispatch) {
  Slot& slot = slots_.at(dispatch);
  Unplace(&slot);
  Count(&slot);
  Mark(&slot);
  Place(&slot);
}

void OutboxQueue::Settle(const Id128& dispatch) {
  Slot& slot = slots_.at(dispatch);
  if (slot.settled) {
    return;
  }
  Unplace(&slot);
  slot.settled = true;
  Count(&slot);
  Mark(&slot);
}

Status OutboxQueue::Refill(const std::string& name, Channel* channel) {
  std::vector<StoredDispatch> read;
  Status status = store_->ReadPlanned(shard_, name, channel->stored_from, kTimeMax,
                                      limits::kPlannedAhead, &read);
  if (!status.ok()) {
    return status;
  }
  channel->stored_from =
      read.size() < limits::kPlannedAhead ? kTimeMax : read.back().record.not_before;
  for (StoredDispatch& stored : read) {
    const auto [slot, is_new] = slots_.try_emplace(stored.record.dispatch.id);
    if (is_new) {
      Fill(&slot->second, std::move(stored));
      Place(&slot->second);
    }
  }
  return Status::Ok();
}

Result<OutboxRecord*> OutboxQueue::NextPlanned(const std::string& name, TimeUs wall) {
  const auto found = channels_.find(name);
  if (found == channels_.end()) {
    return static_cast<OutboxRecord*>(nullptr);
  }
  Channel& channel = found->second;
  const TimeUs first = channel.planned.empty() ? kTimeMax : channel.planned.begin()->first;
  if (channel.stored_from <= wall && channel.stored_from < first) {
    Status status = Refill(name, &channel);
    if (!status.ok()) {
      return status;
    }
  }
  if (channel.planned.empty() || channel.planned.begin()->first > wall) {
    return static_cast<OutboxRecord*>(nullptr);
  }
  return &slots_.at(channel.planned.begin()->second).stored.record;
}

Result<std::vector<Id128>> OutboxQueue::LookThrough(const std::string& name, TimeUs wall,
                                                    size_t max, const Wanted& wanted) {
  std::vector<Id128> found;
  Channel& channel = channels_[name];
  std::vector<StoredDispatch> read;
  Status status = store_->ReadPlanned(shard_, name, channel.looked_to.first, wall, max, &read,
                                      channel.looked_to.second);
  if (!status.ok()) {
    return status;
  }
  for (const StoredDispatch& stored : read) {
    // What is in memory is newer than what was read.
    const auto slot = slots_.find(stored.record.dispatch.id);
    const OutboxRecord& record = slot == slots_.end() ? stored.record : slot->second.stored.record;
    const bool waits = record.state == State::kPlanned && record.channel() == name &&
                       (slot == slots_.end() || !slot->second.settled);
    if (waits && wanted(record)) {
      found.push_back(record.dispatch.id);
    }
  }
  channel.looked_to = {kTimeMin, {}};
  if (read.size() == max) {
    const OutboxRecord& last = read.back().record;
    channel.looked_to = {last.not_before, {last.dispatch.id.high, last.dispatch.id.low + 1}};
  }
  return found;
}

Result<std::vector<Id128>> OutboxQueue::Due(TimeUs wall) {
  std::vector<Id128> due;
  if (due_from_ > wall) {
    return due;
  }
  std::vector<StoredDispatch> read;
  Status status = store_->ReadDue(shard_, due_from_, wall, limits::kAwaitedTogether, &read);
  if (!status.ok()) {
    return status;
  }
  // What is in memory is newer than what was read.
  bool all_known = true;
  for (StoredDispatch& stored : read) {
    const Id128 id = stored.record.dispatch.id;
    const auto [slot, is_new] = slots_.try_emplace(id);
    if (is_new) {
      Fill(&slot->second, std::move(stored));
      visited_.push_back(id);
    }
    const OutboxRecord& record = slot->second.stored.record;
    const bool awaited = record.state == State::kAccepted || record.state == State::kUnknown;
    if (!slot->second.settled && awaited && record.not_before <= wall) {
      due.push_back(id);
      all_known = false;
    }
  }
  if (read.empty() && all_known && changed_.empty()) {
    due_from_ = wall;  // the way up to here is clear; Place brings it back
  }
  return due;
}

std::vector<std::string> OutboxQueue::Channels() const {
  std::vector<std::string> names;
  for (const auto& [name, channel] : channels_) {
    if (!channel.planned.empty() || channel.stored_from != kTimeMax) {
      names.push_back(name);
    }
  }
  return names;
}

TimeUs OutboxQueue::NextTime(const std::set<std::string>& except) const {
  TimeUs next = kTimeMax;
  for (const auto& [name, channel] : channels_) {
    if (except.contains(name)) {
      continue;
    }
    const TimeUs first = channel.planned.empty() ? kTimeMax : channel.planned.begin()->first;
    next = std::min({next, first, channel.stored_from});
  }
  return next;
}

void OutboxQueue::Prepare(CommitBatch* batch) {
  for (const Id128& id : changed_) {
    Slot& slot = slots_.at(id);
    if (!slot.settled) {
      batch->dispatches.push_back(&slot.stored);
    } else if (!slot.stored.index.empty()) {
      batch->dispatches_settled.push_back(&slot.stored);
    }
  }
}

void OutboxQueue::Committed() {
  for (const Id128& id : changed_) {
    const auto slot = slots_.find(id);
    slot->second.changed = false;
    const State state = slot->second.stored.record.state;
    if (slot->second.settled || state == State::kAccepted || state == State::kUnknown) {
      slots_.erase(slot);
    }
  }
  changed_.clear();
  for (const Id128& id : visited_) {
    const auto slot = slots_.find(id);
    if (slot != slots_.end() && !slot->second.planned.has_value() &&
        slot->second.stored.record.state != State::kLeased) {
      slots_.erase(slot);
    }
  }
  visited_.clear();
  for (auto& [name, channel] : channels_) {
    Shrink(&channel);
  }
}

// Leaves the far end of a long queue to the store.
void OutboxQueue::Shrink(Channel* channel) {
  while (channel->planned.size() > limits::kPlannedAhead) {
    const auto last = std::prev(channel->planned.end());
    channel->stored_from = std::min(channel->stored_from, last->first);
    slots_.erase(last->second);
    channel->planned.erase(last);
  }
}

void OutboxQueue::Forget(std::string_view customer) {
  CHECK(changed_.empty());
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    if (slot->second.stored.record.dispatch.customer == customer) {
      Unplace(&slot->second);
      slot = slots_.erase(slot);
    } else {
      ++slot;
    }
  }
}

}  // namespace huitou
