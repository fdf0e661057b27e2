#include "daemon/outbox/circuit_breaker.h"

#include <algorithm>

namespace huitou {

using namespace outbox_limits;  // NOLINT(google-build-using-namespace): this file is about them

bool CircuitBreaker::TryPass(TimeUs now) {
  if (NextAt(now) > now) {
    return false;
  }
  if (state_ != State::kClosed) {
    state_ = State::kHalfOpen;
    probing_ = true;
  }
  return true;
}

void CircuitBreaker::OnSuccess(TimeUs now) {
  if (state_ == State::kOpen) {
    return;  // sent before it opened: an old answer proves nothing
  }
  if (state_ == State::kHalfOpen) {
    state_ = State::kClosed;
    probing_ = false;
    open_for_ = 0;
    failing_since_ = kTimeMax;
    window_start_ = kTimeMin;
  }
  failures_in_row_ = 0;
  WindowIsBad(now);
  ++window_sends_;
}

void CircuitBreaker::OnFailure(TimeUs now, DurationUs retry_after) {
  if (state_ == State::kOpen) {
    open_until_ = std::max(open_until_, now + retry_after);
    return;
  }
  WindowIsBad(now);
  ++window_sends_;
  ++window_failures_;
  if (state_ == State::kHalfOpen || ++failures_in_row_ >= kFailuresInRowMax || WindowIsBad(now)) {
    Open(now, retry_after);
  }
}

void CircuitBreaker::OnPaused(TimeUs now) {
  if (state_ != State::kOpen) {
    Open(now, kOpenMax);
  }
}

void CircuitBreaker::OnNothing() {
  probing_ = false;
}

TimeUs CircuitBreaker::NextAt(TimeUs now) const {
  switch (state_) {
    case State::kClosed:
      break;
    case State::kOpen:
      // A wall clock that was set back must not keep it open for as long again.
      return now < opened_at_ ? now : std::max(now, open_until_);
    case State::kHalfOpen:
      return probing_ ? kTimeMax : now;
  }
  return now;
}

bool CircuitBreaker::IsDown(TimeUs now) const {
  return failing_since_ <= now && now - failing_since_ >= kDownAfter;
}

void CircuitBreaker::Open(TimeUs now, DurationUs at_least) {
  state_ = State::kOpen;
  probing_ = false;
  open_for_ = std::clamp(open_for_ * 2, kOpenMin, kOpenMax);
  opened_at_ = now;
  failing_since_ = std::min(failing_since_, now);
  open_until_ = now + std::max(open_for_, at_least);
  failures_in_row_ = 0;
}

// Starts a new window when the old one is over (or the clock was set back).
bool CircuitBreaker::WindowIsBad(TimeUs now) {
  if (window_start_ == kTimeMin || now < window_start_ || now - window_start_ >= kWindow) {
    window_start_ = now;
    window_sends_ = 0;
    window_failures_ = 0;
  }
  return window_sends_ >= kWindowSendsMin &&
         window_failures_ >= kWindowFailureShare * window_sends_;
}

std::string_view ToString(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kClosed:
      return "closed";
    case CircuitBreaker::State::kOpen:
      return "open";
    case CircuitBreaker::State::kHalfOpen:
      return "half_open";
  }
  return "";
}

}  // namespace huitou
