// What one channel lets pass: its rate, how many are on their way, its circuit. Any thread; every
// call takes a short lock. Outlives reloads of the channel, so that a reload is no way round them.
//
// Rate and concurrency count messages, also where several leave in one request: a rate is what
// people and their operator are promised, and what is on its way is what a crash leaves open.
#pragma once

#include <mutex>
#include <span>

#include "channels/channel.h"
#include "daemon/outbox/circuit_breaker.h"
#include "daemon/outbox/token_bucket.h"

namespace huitou {

class Lane {
 public:
  explicit Lane(const channels::Limits& limits);

  void SetLimits(const channels::Limits& limits);

  // Room for one more, or false: then somebody waits here until TakeWaiting.
  bool TryAcquire(TimeUs now);
  // Acquired, yet nothing was sent.
  void Release();
  // One request has ended so, with an outcome for each that was acquired for it. The circuit hears
  // of it once.
  void Finish(std::span<const channels::Outcome> outcomes, TimeUs now);

  // When there may be room for one who waits: `now`, a time, or kTimeMax while only a Finish or a
  // Release can make room, or when nobody waits.
  TimeUs NextRoomAt(TimeUs now);
  // True once for those who wait, when there is room again.
  bool TakeWaiting(TimeUs now);

  CircuitBreaker::State circuit() const;
  bool IsDown(TimeUs now) const;  // see CircuitBreaker

 private:
  TimeUs RoomAt(TimeUs now);  // with the lock held

  mutable std::mutex mutex_;
  int in_flight_max_;
  int in_flight_ = 0;
  bool waiting_ = false;
  TokenBucket bucket_;
  CircuitBreaker breaker_;
};

}  // namespace huitou
