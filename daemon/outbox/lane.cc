#include "daemon/outbox/lane.h"

#include <algorithm>

#include "daemon/outbox/limits.h"
#include "triggers/base/check.h"

namespace huitou {

using channels::Outcome;

namespace {

// Not now for this recipient or this kind of message; every other may have better luck.
bool IsAboutOneMessage(const Outcome& outcome) {
  return outcome.reason == "recipient_limit" || outcome.reason == "greylisted" ||
         outcome.reason == "send_window";
}

// How much an outcome says about the provider; the most telling one of a request stands for it: an
// account that is refused now stops the rest too, and a provider that took one message is well.
int Weight(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kChannelPaused:
      return 3;
    case Outcome::Kind::kAccepted:
    case Outcome::Kind::kRejected:
      return 2;
    case Outcome::Kind::kRetry:
      return IsAboutOneMessage(outcome) ? 2 : 1;
    case Outcome::Kind::kUnknown:
      return 1;
    case Outcome::Kind::kTokenExpired:
      break;
  }
  return 0;
}

}  // namespace

Lane::Lane(const channels::Limits& limits)
    : in_flight_max_(limits.in_flight_max),
      bucket_(limits.rate_per_second, limits.rate_per_second * outbox_limits::kBurstSeconds) {
}

void Lane::SetLimits(const channels::Limits& limits) {
  const std::lock_guard lock(mutex_);
  in_flight_max_ = limits.in_flight_max;
  bucket_.SetRate(limits.rate_per_second, limits.rate_per_second * outbox_limits::kBurstSeconds);
}

bool Lane::TryAcquire(TimeUs now) {
  const std::lock_guard lock(mutex_);
  if (RoomAt(now) > now) {
    waiting_ = true;
    return false;
  }
  CHECK(breaker_.TryPass(now) && bucket_.TryTake(now));
  ++in_flight_;
  return true;
}

void Lane::Release() {
  const std::lock_guard lock(mutex_);
  CHECK(in_flight_ > 0);
  --in_flight_;
  bucket_.GiveBack();
  breaker_.OnNothing();
}

void Lane::Finish(std::span<const Outcome> outcomes, TimeUs now) {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<int>(outcomes.size());
  CHECK(count > 0 && in_flight_ >= count);
  in_flight_ -= count;
  const Outcome& outcome =
      *std::max_element(outcomes.begin(), outcomes.end(),
                        [](const Outcome& a, const Outcome& b) { return Weight(a) < Weight(b); });
  switch (outcome.kind) {
    case Outcome::Kind::kAccepted:
    case Outcome::Kind::kRejected:  // of the message; the provider is well
      breaker_.OnSuccess(now);
      return;
    case Outcome::Kind::kRetry:
      if (IsAboutOneMessage(outcome)) {
        breaker_.OnSuccess(now);
        return;
      }
      [[fallthrough]];
    case Outcome::Kind::kUnknown:
      breaker_.OnFailure(now, outcome.retry_after);
      return;
    case Outcome::Kind::kChannelPaused:
      breaker_.OnPaused(now);
      return;
    case Outcome::Kind::kTokenExpired:
      breaker_.OnNothing();
      return;
  }
}

TimeUs Lane::NextRoomAt(TimeUs now) {
  const std::lock_guard lock(mutex_);
  return waiting_ ? RoomAt(now) : kTimeMax;
}

bool Lane::TakeWaiting(TimeUs now) {
  const std::lock_guard lock(mutex_);
  if (!waiting_ || RoomAt(now) > now) {
    return false;
  }
  waiting_ = false;
  return true;
}

CircuitBreaker::State Lane::circuit() const {
  const std::lock_guard lock(mutex_);
  return breaker_.state();
}

bool Lane::IsDown(TimeUs now) const {
  const std::lock_guard lock(mutex_);
  return breaker_.IsDown(now);
}

TimeUs Lane::RoomAt(TimeUs now) {
  if (in_flight_ >= in_flight_max_) {
    return kTimeMax;
  }
  return std::max(bucket_.NextAt(now), breaker_.NextAt(now));
}

}  // namespace huitou
