// Beijing's clocks, by which China's providers count days and write times without a zone. Pure; any
// thread.
//
// Example: BeijingTime("2017-01-01 08:00:00") is 2017-01-01T00:00:00Z.
#pragma once

#include <string>

#include "triggers/base/time.h"

namespace huitou::channels {

// 0 for what is no such text.
TimeUs BeijingTime(std::string text);

// The day that the calendars there show, as 20260102.
std::string BeijingDay(TimeUs time);

// How long from `now` until the clocks there show this full hour next: more than 0, a day at most.
DurationUs UntilBeijingHour(TimeUs now, int hour);

}  // namespace huitou::channels
