// The clock of an absence: when does "no order within the window" come true?
//
// A clock is started by an instant, cancelled by one, and fires at start + window when nothing
// cancelled it in (start, start + window] - the bound is closed. What is older than the frontier is
// folded into `state` and `last`; newer instants are kept apart in `pending`, so that the order of
// arrival within the allowed lateness cannot change what fires. O(1) per instant: pending instants
// that cannot matter are merged.
//
// Called by the engine on the shard's thread.
#pragma once

#include "triggers/base/time.h"
#include "triggers/customer.h"

namespace huitou {

struct ClockRule {
  DurationUs window = 0;
  // The starting and the cancelling event are of one type: at one instant the start wins, and
  // several are one start. With two types the cancelling event wins.
  bool same_event = true;
};

// Takes in one instant. One older than the frontier is late: it cancels and restarts, but never
// leaves a clock whose deadline has passed.
void AddInstant(Clock* clock, const ClockInstant& instant, const ClockRule& rule, TimeUs frontier);

// The earliest deadline that what is known so far allows; kTimeMax when none.
TimeUs DeadlineOf(const Clock& clock, const ClockRule& rule);

// A due timer entry at `deadline` (< frontier). True when the clock fires there; it then rests.
// False when a later instant has moved the deadline, see DeadlineOf.
bool FireAt(Clock* clock, TimeUs deadline, const ClockRule& rule, TimeUs frontier);

}  // namespace huitou
