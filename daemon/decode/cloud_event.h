// What CloudEvents 1.0 wrap around an event, as far as it is text: header names and data in base64.
// For this folder's .cc files only. Pure; any thread.
//
// Example: {"specversion":"1.0",...,"data_base64":"eyJhIjoxfQ=="} becomes
// {"specversion":"1.0",...,"data":{"a":1}}.
#pragma once

#include <string>
#include <string_view>

#include "triggers/event.h"

namespace huitou {

// "CE-Id" or "ce_id" is "id"; empty for other headers.
std::string CloudAttribute(std::string_view header);

// Where a field `data_base64` stands in the text of an event.
struct EncodedData {
  std::string_view key;    // without its quotes; empty where there is none
  std::string_view value;  // with them
};

// Writes `json` with the data in plain into `*out`. The data must be JSON.
EventError InlineData(std::string_view json, const EncodedData& data, std::string* out);

}  // namespace huitou
