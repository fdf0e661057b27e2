// Timers of a run in memory: millions of entries, taken out in the order of their deadlines.
// Entries wait unsorted in hourly buckets; only the bucket at hand is kept as a heap. One thread.
#pragma once

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
  size_t size() const { return size_; }

 private:
  static constexpr DurationUs kBucketUs = kHourUs;
  std::map<int64_t, std::vector<PendingTimer>> buckets_;
  int64_t current_ = INT64_MIN;  // bucket that heap_ holds, with all before it
  std::vector<PendingTimer> heap_;
  size_t size_ = 0;
};

}  // namespace huitou
