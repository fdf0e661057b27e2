// Stops sending to a provider that does not answer, and asks now and then whether it does again.
// Pure: the time is an argument. Not synchronised: its owner locks.
//
//   closed --failures in a row, or their share in a window--> open --after a while--> half open
//   half open: one send at a time as a probe; success closes, failure opens for twice as long
#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/outbox/limits.h"
#include "triggers/base/time.h"

namespace huitou {

class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };

  // May one more be sent? True takes the probe's place when half open; every true is followed by
  // one of the four below.
  bool TryPass(TimeUs now);
  void OnSuccess(TimeUs now);                              // the provider answered as one should
  void OnFailure(TimeUs now, DurationUs retry_after = 0);  // it did not, or asked for a pause
  void OnPaused(TimeUs now);                               // its answer was: nothing will pass
  void OnNothing();                                        // nothing was learned

  State state() const { return state_; }
  // Nothing has passed for so long, probes included, that what has another way takes it.
  bool IsDown(TimeUs now) const;
  // When TryPass can be true again; `now` when it would now; kTimeMax when a probe is on its way.
  TimeUs NextAt(TimeUs now) const;

 private:
  void Open(TimeUs now, DurationUs at_least);
  bool WindowIsBad(TimeUs now);

  State state_ = State::kClosed;
  bool probing_ = false;
  int failures_in_row_ = 0;
  DurationUs open_for_ = 0;          // the last time
  TimeUs failing_since_ = kTimeMax;  // when it opened first; kTimeMax: closed
  TimeUs opened_at_ = 0;
  TimeUs open_until_ = 0;
  TimeUs window_start_ = kTimeMin;
  int window_sends_ = 0;
  int window_failures_ = 0;
};

std::string_view ToString(CircuitBreaker::State state);

}  // namespace huitou
