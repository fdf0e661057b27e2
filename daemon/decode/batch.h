// Splits an HTTP body into its events: one JSON object, a JSON array of them, or one a line
// (NDJSON). Only finds the borders; what is inside is the decoder's to check. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "triggers/base/status.h"

namespace huitou {

// The events as views into `body`, in order, at most limits::kBatchEventsMax; blank lines are left
// out. kInvalid when an array is not closed or has something behind it, or when there are too many.
Result<std::vector<std::string_view>> SplitBatch(std::string_view body);

}  // namespace huitou
