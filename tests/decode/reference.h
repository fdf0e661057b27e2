// A second, slow reading of the contract: through simdjson's DOM, written without regard to speed
// and without the decoder's code. The mutation test holds the two against each other.
#pragma once

#include <string>
#include <string_view>

#include "triggers/event.h"

namespace huitou {

struct ReferenceResult {
  EventError error = EventError::kNone;
  // What EncodeEvent would write for the event.
  std::string canonical;
};

ReferenceResult DecodeByReference(std::string_view json, Currency shop_currency);

}  // namespace huitou
