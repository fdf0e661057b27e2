#include "triggers/clocks.h"

#include <algorithm>

#include "triggers/limits.h"

namespace huitou {

namespace {

// Folds one instant, newer than (or at) everything folded before, into the clock.
void Fold(Clock* clock, const ClockInstant& instant, const ClockRule& rule) {
  const bool starts = instant.starts && (rule.same_event || !instant.cancels);
  if (starts) {
    clock->state = Clock::State::kRunning;
  } else if (instant.cancels) {
    clock->state = Clock::State::kStopped;
  }
  clock->last = instant.time;
}

// Whether nothing that arrives in time can come before this instant any more, or change it.
bool IsSettled(const ClockInstant& instant, const ClockRule& rule, TimeUs frontier) {
  return instant.time < frontier || (rule.same_event && instant.time == frontier);
}

void FoldSettled(Clock* clock, const ClockRule& rule, TimeUs frontier) {
  size_t folded = 0;
  while (folded < clock->pending.size()) {
    const ClockInstant& next = clock->pending[folded];
    if (!IsSettled(next, rule, frontier)) {
      break;
    }
    // A deadline before this instant has to fire first: its timer is due.
    if (clock->state == Clock::State::kRunning && next.time > clock->last + rule.window) {
      break;
    }
    Fold(clock, next, rule);
    ++folded;
  }
  clock->pending.erase(clock->pending.begin(),
                       clock->pending.begin() + static_cast<std::ptrdiff_t>(folded));
}

// Drops instants that lie between two others of one window: they change no deadline.
void MergePending(Clock* clock, const ClockRule& rule) {
  auto& pending = clock->pending;
  if (!rule.same_event || pending.size() < 3) {
    return;
  }
  for (size_t i = 1; i + 1 < pending.size();) {
    const bool restarts = pending[i - 1].starts && pending[i - 1].cancels && pending[i].starts &&
                          pending[i].cancels && pending[i + 1].starts && pending[i + 1].cancels;
    if (restarts && pending[i + 1].time - pending[i - 1].time <= rule.window) {
      pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

void InsertPending(Clock* clock, const ClockInstant& instant, const ClockRule& rule) {
  auto& pending = clock->pending;
  const auto at =
      std::lower_bound(pending.begin(), pending.end(), instant.time,
                       [](const ClockInstant& known, TimeUs time) { return known.time < time; });
  if (at != pending.end() && at->time == instant.time) {
    at->starts |= instant.starts;
    at->cancels |= instant.cancels;
    return;
  }
  pending.insert(at, instant);
  MergePending(clock, rule);
  if (pending.size() > limits::kClockPendingMax) {
    Fold(clock, pending.front(), rule);
    pending.erase(pending.begin());
  }
}

}  // namespace

void AddInstant(Clock* clock, const ClockInstant& instant, const ClockRule& rule, TimeUs frontier) {
  if (instant.time < clock->last) {
    return;  // an older start or cancel: what came at `last` has replaced it
  }
  if (instant.time == clock->last) {
    const bool start_wins = rule.same_event && instant.starts;
    const bool cancel_wins = !rule.same_event && instant.cancels;
    if (start_wins && clock->state == Clock::State::kStopped) {
      clock->state = Clock::State::kRunning;
    } else if (cancel_wins && clock->state == Clock::State::kRunning) {
      clock->state = Clock::State::kStopped;
    }
    return;
  }
  const bool late = instant.time < frontier;
  const bool passed =
      clock->state == Clock::State::kRunning && instant.time > clock->last + rule.window;
  if (clock->pending.empty() && IsSettled(instant, rule, frontier) && !passed) {
    Fold(clock, instant, rule);
  } else {
    InsertPending(clock, instant, rule);
    FoldSettled(clock, rule, frontier);
  }
  if (late && clock->pending.empty() && clock->state == Clock::State::kRunning &&
      clock->last + rule.window < frontier) {
    clock->state = Clock::State::kResting;  // its deadline is in the past: it fires nothing
  }
}

TimeUs DeadlineOf(const Clock& clock, const ClockRule& rule) {
  TimeUs deadline = clock.state == Clock::State::kRunning ? clock.last + rule.window : kTimeMax;
  for (const ClockInstant& next : clock.pending) {
    if (deadline != kTimeMax && next.time > deadline) {
      return deadline;
    }
    const bool starts = next.starts && (rule.same_event || !next.cancels);
    if (starts) {
      deadline = next.time + rule.window;
    } else if (next.cancels) {
      deadline = kTimeMax;
    }
  }
  return deadline;
}

bool FireAt(Clock* clock, TimeUs deadline, const ClockRule& rule, TimeUs frontier) {
  if (DeadlineOf(*clock, rule) != deadline) {
    return false;
  }
  size_t folded = 0;
  while (folded < clock->pending.size() && clock->pending[folded].time <= deadline) {
    Fold(clock, clock->pending[folded], rule);
    ++folded;
  }
  clock->pending.erase(clock->pending.begin(),
                       clock->pending.begin() + static_cast<std::ptrdiff_t>(folded));
  clock->state = Clock::State::kResting;
  FoldSettled(clock, rule, frontier);
  return true;
}

}  // namespace huitou
