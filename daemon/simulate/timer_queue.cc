#include "daemon/simulate/timer_queue.h"

#include <algorithm>
#include <utility>

namespace huitou {

namespace {

// Coarse enough that the ends of all buckets of a month stay in the processor's cache, fine enough
// that sorting one does too.
constexpr DurationUs kBucketUs = 6 * kHourUs;

bool Later(const PendingTimer& a, const PendingTimer& b) {
  return a.deadline > b.deadline;
}

int64_t BucketOf(TimeUs time) {
  return time >= 0 ? time / kBucketUs : -((-time - 1) / kBucketUs) - 1;
}

}  // namespace

void TimerQueue::Add(const PendingTimer& timer) {
  const int64_t bucket = BucketOf(timer.deadline);
  if (bucket <= current_) {
    heap_.push_back(timer);
    std::push_heap(heap_.begin(), heap_.end(), &Later);
    return;
  }
  if (bucket != last_) {
    last_ = bucket;
    last_bucket_ = &buckets_[bucket];
  }
  last_bucket_->push_back(timer);
}

bool TimerQueue::OpenBucket(TimeUs frontier) {
  if (buckets_.empty() || buckets_.begin()->first * kBucketUs >= frontier) {
    return false;
  }
  current_ = buckets_.begin()->first;
  sorted_ = std::move(buckets_.begin()->second);
  buckets_.erase(buckets_.begin());
  last_ = INT64_MIN;
  std::sort(sorted_.begin(), sorted_.end(), &Later);
  return true;
}

bool TimerQueue::PopBefore(TimeUs frontier, PendingTimer* timer) {
  while (sorted_.empty() && heap_.empty()) {
    if (!OpenBucket(frontier)) {
      return false;
    }
  }
  const bool from_heap =
      sorted_.empty() || (!heap_.empty() && Later(sorted_.back(), heap_.front()));
  const PendingTimer& next = from_heap ? heap_.front() : sorted_.back();
  if (next.deadline >= frontier) {
    return false;
  }
  *timer = next;
  if (from_heap) {
    std::pop_heap(heap_.begin(), heap_.end(), &Later);
    heap_.pop_back();
  } else {
    sorted_.pop_back();
  }
  return true;
}

}  // namespace huitou
