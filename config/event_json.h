// An event that was written in YAML, as the contract's JSON: `total: 259 CNY` becomes total and
// currency, ids become text. For campaign_tests.cc only; pure.
#pragma once

#include <string>

#include "config/reader.h"

namespace huitou::config {

// The object of one of an event's keys ("order", "review", "customer", ...), or any other value.
std::string ToEventJson(const Value& value);

}  // namespace huitou::config
