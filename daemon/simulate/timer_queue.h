// Timers of a run in memory: millions of entries, taken out in the order of their deadlines.
// Entries wait unsorted in buckets of some hours; a bucket is sorted when its time comes. What is
// added to the bucket at hand goes to a heap beside it. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "triggers/base/time.h"

namespace huitou {

struct PendingTimer {
  TimeUs deadline = 0;
  uint64_t slot = 0;
  uint32_t customer = 0;
};

class TimerQueue {
 public:
  void Add(const PendingTimer& timer);
  // The earliest entry with a deadline before `frontier`; false when there is none.
  bool PopBefore(TimeUs frontier, PendingTimer* timer);
  // One of the entries that come next, by its distance; null when it is not known yet.
  const PendingTimer* Upcoming(size_t distance) const {
    return distance < sorted_.size() ? &sorted_[sorted_.size() - 1 - distance] : nullptr;
  }

 private:
  bool OpenBucket(TimeUs frontier);

  std::map<int64_t, std::vector<PendingTimer>> buckets_;
  // The bucket that was added to last: mostly the next one's too.
  int64_t last_ = INT64_MIN;
  std::vector<PendingTimer>* last_bucket_ = nullptr;
  int64_t current_ = INT64_MIN;       // of sorted_, with all before it
  std::vector<PendingTimer> sorted_;  // the earliest at the back
  std::vector<PendingTimer> heap_;    // the earliest in front
};

}  // namespace huitou
