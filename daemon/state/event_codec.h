// The event that an episode keeps, to its stored form and back.
#pragma once

#include <memory>

#include "triggers/base/status.h"
#include "triggers/event.h"

namespace huitou {

namespace records {
class Event;
}  // namespace records

void EncodeEvent(const Event& event, records::Event* out);
// kCorrupt when it is larger than any event that was ever accepted.
Result<std::shared_ptr<const OwnedEvent>> DecodeEvent(const records::Event& in);

}  // namespace huitou
