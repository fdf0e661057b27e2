#include "daemon/http/work_queue.h"

#include <utility>

namespace huitou::http {
namespace {
thread_local bool turning_away = false;
}  // namespace

WorkQueue::WorkQueue(size_t threads, size_t waiting_max, size_t turned_away_max)
    : waiting_max_(waiting_max), turned_away_max_(turned_away_max) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(&waiting_, &wake_, false); });
  }
  threads_.emplace_back([this] { Work(&turned_away_, &wake_turned_away_, true); });
}

WorkQueue::~WorkQueue() {
  Shutdown();
}

bool WorkQueue::TurningAway() {
  return turning_away;
}

void WorkQueue::Enqueue(Job job) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() < waiting_max_) {
    waiting_.push_back(std::move(job));
    wake_.notify_one();
    return;
  }
  room_.wait(lock, [this] { return ended_ || turned_away_.size() < turned_away_max_; });
  turned_away_.push_back(std::move(job));
  wake_turned_away_.notify_one();
}

void WorkQueue::Work(std::deque<Job>* jobs, std::condition_variable* wake, bool turn_away) {
  turning_away = turn_away;
  std::unique_lock lock(mutex_);
  while (true) {
    wake->wait(lock, [&] { return ended_ || !jobs->empty(); });
    if (jobs->empty()) {
      return;
    }
    Job job = std::move(jobs->front());
    jobs->pop_front();
    room_.notify_one();
    lock.unlock();
    job();
    lock.lock();
  }
}

void WorkQueue::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  wake_turned_away_.notify_all();
  room_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

}  // namespace huitou::http
