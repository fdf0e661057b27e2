// The due end of a shard's timers: what is in the store from the cursor on, and what was added
// since the last commit, in one order. Memory stays bounded however many timers wait: of the store
// only the next few thousand entries are held.
//
//   TimerIndex timers(&store, shard, state);
//   timers.Add(deadline, "c1", slot);
//   while (*timers.Next(frontier, &group)) { Fire(group); }     // one deadline, one customer each
//   timers.Prepare(&batch, &state);  commit;  timers.Committed();
//
// The cursor: no entry below it counts any more. What is drained goes with one DeleteRange per
// stretch of thousands; an entry that is added behind the cursor brings it back, behind such a
// range, so that nothing drained comes back with it. Owner thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou {

// The timers of one customer that are due at one instant.
struct DueTimers {
  TimeUs deadline = 0;
  std::string customer;
  std::vector<uint64_t> slots;
};

class TimerIndex {
 public:
  TimerIndex(const Store* store, ShardNumber shard, const ShardState& state);

  void Add(TimeUs deadline, std::string_view customer, uint64_t slot);
  // Takes the first group with a deadline before `frontier`; false when there is none.
  Result<bool> Next(TimeUs frontier, DueTimers* due);
  Result<bool> HasBefore(TimeUs frontier);
  // Customers of the next entries before `frontier`, for fetching them together; views until the
  // next call.
  Result<std::vector<std::string_view>> Upcoming(TimeUs frontier, size_t max);
  // How many are before `frontier`, counted as far as is known without reading.
  size_t CountBefore(TimeUs frontier) const;
  int64_t count() const { return count_; }

  void Prepare(CommitBatch* batch, ShardState* state);
  void Committed();
  // Entries were removed from the store (erase): forget what was read ahead. Nothing may be
  // uncommitted.
  void Reload(int64_t removed);

 private:
  // The deadline in front spares most looks at the keys, which have the same order.
  struct Timer {
    TimeUs deadline = 0;
    std::string key;
    bool operator==(const Timer&) const = default;
    bool operator<(const Timer& other) const {
      return deadline != other.deadline ? deadline < other.deadline : key < other.key;
    }
  };
  struct Later {
    bool operator()(const Timer& a, const Timer& b) const { return b < a; }
  };

  Status Load();
  Result<const Timer*> First(TimeUs frontier);
  std::span<const Timer> head() const { return std::span(head_).subspan(head_used_); }

  const Store* const store_;
  const ShardNumber shard_;
  const std::string end_;     // of the shard's range
  std::vector<Timer> added_;  // since the last commit: a heap, the first one in front
  std::vector<Timer> head_;   // in the store, sorted: behind head_used_ all of
  size_t head_used_ = 0;      // [cursor_, loaded_until_)
  std::string cursor_;
  std::string loaded_until_;
  TimeUs loaded_until_deadline_ = kTimeMin;
  size_t drained_ = 0;    // entries of the store below the cursor that were not deleted yet
  bool deletes_ = false;  // the prepared commit deletes them
  int64_t count_ = 0;
};

}  // namespace huitou
