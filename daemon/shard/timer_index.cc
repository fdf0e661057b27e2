#include "daemon/shard/timer_index.h"

#include <algorithm>

#include "daemon/shard/limits.h"
#include "daemon/state/keys.h"
#include "triggers/base/check.h"

namespace huitou {

TimerIndex::TimerIndex(const Store* store, ShardNumber shard, const ShardState& state)
    : store_(store),
      shard_(shard),
      end_(keys::End(keys::Shard(shard))),
      cursor_(state.timer_cursor.empty() ? keys::Shard(shard) : state.timer_cursor),
      loaded_until_(cursor_),
      count_(state.timers) {
}

void TimerIndex::Add(TimeUs deadline, std::string_view customer, uint64_t slot) {
  if (added_.insert(keys::Timer(shard_, deadline, customer, slot)).second) {
    ++count_;
  }
}

Status TimerIndex::Load() {
  std::vector<std::string> read;
  Status status = store_->ReadTimers(shard_, loaded_until_, end_, limits::kTimersAhead, &read);
  if (!status.ok()) {
    return status;
  }
  loaded_until_ = read.size() < limits::kTimersAhead ? end_ : read.back() + '\0';
  head_.insert(read.begin(), read.end());
  return Status::Ok();
}

// The lowest entry below `bound`, or null.
Result<const std::string*> TimerIndex::First(const std::string& bound) {
  if (head_.empty() && loaded_until_ < bound) {
    Status status = Load();
    if (!status.ok()) {
      return status;
    }
  }
  const std::string* first = nullptr;
  if (!head_.empty() && *head_.begin() < bound) {
    first = &*head_.begin();
  }
  if (!added_.empty() && *added_.begin() < bound &&
      (first == nullptr || *added_.begin() < *first)) {
    first = &*added_.begin();
  }
  return first;
}

Result<bool> TimerIndex::Next(TimeUs frontier, DueTimers* due) {
  due->slots.clear();
  const std::string bound = keys::TimerBound(shard_, frontier);
  while (true) {
    const Result<const std::string*> first = First(bound);
    if (!first.ok()) {
      return first.status();
    }
    if (*first == nullptr) {
      return !due->slots.empty();
    }
    keys::TimerEntry entry;
    if (!keys::ParseTimer(**first, &entry)) {
      return Status(StatusCode::kCorrupt, "the timer index is damaged");
    }
    if (due->slots.empty()) {
      due->deadline = entry.deadline;
      due->customer = entry.customer;
    } else if (entry.deadline != due->deadline || entry.customer != due->customer) {
      return true;
    }
    // An entry may stand in the store and be added once more.
    if (due->slots.empty() || due->slots.back() != entry.slot) {
      due->slots.push_back(entry.slot);
    }
    --count_;
    if (!added_.empty() && *first == &*added_.begin()) {
      added_.erase(added_.begin());
      continue;
    }
    cursor_ = **first + '\0';
    ++drained_;
    head_.erase(head_.begin());
  }
}

Result<bool> TimerIndex::HasBefore(TimeUs frontier) {
  const Result<const std::string*> first = First(keys::TimerBound(shard_, frontier));
  return first.ok() ? Result<bool>(*first != nullptr) : Result<bool>(first.status());
}

Result<std::vector<std::string>> TimerIndex::Upcoming(TimeUs frontier, size_t max) {
  const std::string bound = keys::TimerBound(shard_, frontier);
  const Result<const std::string*> first = First(bound);
  if (!first.ok()) {
    return first.status();
  }
  std::vector<std::string> customers;
  for (const std::string& key : head_) {
    keys::TimerEntry entry;
    if (key >= bound || customers.size() == max || !keys::ParseTimer(key, &entry)) {
      break;
    }
    customers.emplace_back(entry.customer);
  }
  return customers;
}

size_t TimerIndex::CountBefore(TimeUs frontier) const {
  const std::string bound = keys::TimerBound(shard_, frontier);
  return static_cast<size_t>(std::distance(head_.begin(), head_.lower_bound(bound)) +
                             std::distance(added_.begin(), added_.lower_bound(bound)));
}

void TimerIndex::Prepare(CommitBatch* batch, ShardState* state) {
  const bool behind = !added_.empty() && *added_.begin() < cursor_;
  deletes_ = behind || drained_ >= limits::kTimersPerDeletion;
  if (deletes_) {
    batch->timers_drained_from = keys::Shard(shard_);
    batch->timers_drained_to = cursor_;
  }
  batch->timers_added.assign(added_.begin(), added_.end());
  state->timer_cursor = behind ? *added_.begin() : cursor_;
  state->timers = count_;
}

void TimerIndex::Committed() {
  if (deletes_) {
    drained_ = 0;
    deletes_ = false;
  }
  if (!added_.empty() && *added_.begin() < cursor_) {
    cursor_ = *added_.begin();
  }
  // What lies within the part that is held belongs to it now.
  const auto held_until = added_.lower_bound(loaded_until_);
  head_.insert(added_.begin(), held_until);
  added_.clear();
  if (head_.size() > 2 * limits::kTimersAhead) {
    const auto keep = std::next(head_.begin(), limits::kTimersAhead);
    loaded_until_ = *keep;
    head_.erase(keep, head_.end());
  }
}

void TimerIndex::Reload(int64_t removed) {
  CHECK(added_.empty());
  head_.clear();
  loaded_until_ = cursor_;
  count_ -= removed;
}

}  // namespace huitou
