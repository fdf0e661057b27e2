#include "daemon/shard/timer_index.h"

#include <algorithm>
#include <iterator>

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
  added_.push_back({deadline, keys::Timer(shard_, deadline, customer, slot)});
  std::push_heap(added_.begin(), added_.end(), Later());
  ++count_;
}

Status TimerIndex::Load() {
  std::vector<std::string> read;
  Status status = store_->ReadTimers(shard_, loaded_until_, end_, limits::kTimersAhead, &read);
  if (!status.ok()) {
    return status;
  }
  head_.clear();
  head_used_ = 0;
  for (std::string& key : read) {
    keys::TimerEntry entry;
    if (!keys::ParseTimer(key, &entry)) {
      return Status(StatusCode::kCorrupt, "the timer index is damaged");
    }
    head_.push_back({entry.deadline, std::move(key)});
  }
  const bool all = head_.size() < limits::kTimersAhead;
  loaded_until_ = all ? end_ : head_.back().key + '\0';
  loaded_until_deadline_ = all ? kTimeMax : head_.back().deadline;
  return Status::Ok();
}

// The lowest entry before `frontier`, or null.
Result<const TimerIndex::Timer*> TimerIndex::First(TimeUs frontier) {
  if (head().empty() && loaded_until_deadline_ < frontier) {
    Status status = Load();
    if (!status.ok()) {
      return status;
    }
  }
  const Timer* first = nullptr;
  if (!head().empty() && head().front().deadline < frontier) {
    first = &head().front();
  }
  if (!added_.empty() && added_.front().deadline < frontier &&
      (first == nullptr || added_.front() < *first)) {
    first = &added_.front();
  }
  return first;
}

Result<bool> TimerIndex::Next(TimeUs frontier, DueTimers* due) {
  due->slots.clear();
  while (true) {
    const Result<const Timer*> first = First(frontier);
    if (!first.ok()) {
      return first.status();
    }
    if (*first == nullptr) {
      return !due->slots.empty();
    }
    keys::TimerEntry entry;
    CHECK(keys::ParseTimer((*first)->key, &entry));
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
    if (!added_.empty() && *first == &added_.front()) {
      std::pop_heap(added_.begin(), added_.end(), Later());
      added_.pop_back();
      continue;
    }
    cursor_.assign((*first)->key).push_back('\0');
    ++drained_;
    ++head_used_;
  }
}

Result<bool> TimerIndex::HasBefore(TimeUs frontier) {
  const Result<const Timer*> first = First(frontier);
  return first.ok() ? Result<bool>(*first != nullptr) : Result<bool>(first.status());
}

Result<std::vector<std::string_view>> TimerIndex::Upcoming(TimeUs frontier, size_t max) {
  const Result<const Timer*> first = First(frontier);
  if (!first.ok()) {
    return first.status();
  }
  std::vector<std::string_view> customers;
  for (const Timer& timer : head().first(std::min(max, head().size()))) {
    keys::TimerEntry entry;
    if (timer.deadline >= frontier || !keys::ParseTimer(timer.key, &entry)) {
      break;
    }
    customers.push_back(entry.customer);
  }
  return customers;
}

size_t TimerIndex::CountBefore(TimeUs frontier) const {
  const auto is_before = [frontier](const Timer& timer) { return timer.deadline < frontier; };
  return static_cast<size_t>(std::count_if(head().begin(), head().end(), is_before) +
                             std::count_if(added_.begin(), added_.end(), is_before));
}

void TimerIndex::Prepare(CommitBatch* batch, ShardState* state) {
  // Sorted, it is a heap still.
  std::sort(added_.begin(), added_.end());
  const auto repeated = std::unique(added_.begin(), added_.end());
  count_ -= added_.end() - repeated;
  added_.erase(repeated, added_.end());
  const bool behind = !added_.empty() && added_.front().key < cursor_;
  deletes_ = behind || drained_ >= limits::kTimersPerDeletion;
  if (deletes_) {
    batch->timers_drained_from = keys::Shard(shard_);
    batch->timers_drained_to = cursor_;
  }
  batch->timers_added.reserve(added_.size());
  for (const Timer& timer : added_) {
    batch->timers_added.push_back(timer.key);
  }
  state->timer_cursor = behind ? added_.front().key : cursor_;
  state->timers = count_;
}

void TimerIndex::Committed() {
  if (deletes_) {
    drained_ = 0;
    deletes_ = false;
  }
  if (!added_.empty() && added_.front().key < cursor_) {
    cursor_ = added_.front().key;
  }
  // What lies within the part that is held belongs to it now.
  const auto held_until =
      std::partition_point(added_.begin(), added_.end(),
                           [this](const Timer& timer) { return timer.key < loaded_until_; });
  std::vector<Timer> merged;
  merged.reserve(head().size() + static_cast<size_t>(held_until - added_.begin()));
  std::set_union(std::make_move_iterator(head_.begin() + static_cast<std::ptrdiff_t>(head_used_)),
                 std::make_move_iterator(head_.end()), std::make_move_iterator(added_.begin()),
                 std::make_move_iterator(held_until), std::back_inserter(merged));
  head_ = std::move(merged);
  head_used_ = 0;
  added_.clear();
  if (head_.size() > 2 * limits::kTimersAhead) {
    loaded_until_ = head_[limits::kTimersAhead].key;
    loaded_until_deadline_ = head_[limits::kTimersAhead].deadline;
    head_.resize(limits::kTimersAhead);
  }
}

void TimerIndex::Reload(int64_t removed) {
  CHECK(added_.empty());
  head_.clear();
  head_used_ = 0;
  loaded_until_ = cursor_;
  loaded_until_deadline_ = kTimeMin;
  count_ -= removed;
}

}  // namespace huitou
