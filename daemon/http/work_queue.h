// The threads before the handlers and the queue before them, both bounded. A job that finds the
// queue full is run by one thread more, which only turns connections away; TurningAway() tells the
// job so. Enqueue blocks when even that thread is behind: new connections then wait in the kernel.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace huitou::http {

class WorkQueue {
 public:
  using Job = std::function<void()>;

  WorkQueue(size_t threads, size_t waiting_max, size_t turned_away_max);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void Enqueue(Job job);
  // Runs what was enqueued and ends the threads.
  void Shutdown();

  // On a thread of a queue: whether the job is to be turned away.
  static bool TurningAway();

 private:
  void Work(std::deque<Job>* jobs, std::condition_variable* wake, bool turn_away);

  const size_t waiting_max_;
  const size_t turned_away_max_;

  std::mutex mutex_;  // guards what follows
  bool ended_ = false;
  std::deque<Job> waiting_;
  std::deque<Job> turned_away_;
  std::condition_variable wake_;
  std::condition_variable wake_turned_away_;
  std::condition_variable room_;

  std::vector<std::thread> threads_;
};

}  // namespace huitou::http
