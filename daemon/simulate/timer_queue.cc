#include "daemon/simulate/timer_queue.h"

#include <algorithm>

namespace huitou {

namespace {

bool Later(const PendingTimer& a, const PendingTimer& b) {
  return a.deadline > b.deadline;
}

int64_t BucketOf(TimeUs time, DurationUs width) {
  return time >= 0 ? time / width : -((-time - 1) / width) - 1;
}

}  // namespace

void TimerQueue::Add(const PendingTimer& timer) {
  ++size_;
  const int64_t bucket = BucketOf(timer.deadline, kBucketUs);
  if (bucket <= current_) {
    heap_.push_back(timer);
    std::push_heap(heap_.begin(), heap_.end(), &Later);
  } else {
    buckets_[bucket].push_back(timer);
  }
}

bool TimerQueue::PopBefore(TimeUs frontier, PendingTimer* timer) {
  while (heap_.empty()) {
    if (buckets_.empty() || buckets_.begin()->first * kBucketUs >= frontier) {
      return false;
    }
    current_ = buckets_.begin()->first;
    heap_ = std::move(buckets_.begin()->second);
    buckets_.erase(buckets_.begin());
    std::make_heap(heap_.begin(), heap_.end(), &Later);
  }
  if (heap_.front().deadline >= frontier) {
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), &Later);
  *timer = heap_.back();
  heap_.pop_back();
  --size_;
  return true;
}

}  // namespace huitou
