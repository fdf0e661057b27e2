// The words of a channel's enumerations as they stand in config files, logs, metric labels and
// docs. Pure; any thread.
#pragma once

#include <string_view>

#include "channels/channel.h"

namespace huitou::channels {

std::string_view ToWord(Promise promise);     // "at_least_once"
std::string_view ToWord(Outcome::Kind kind);  // "accepted"
std::string_view ToWord(Receipt::Kind kind);  // "delivered"

}  // namespace huitou::channels
