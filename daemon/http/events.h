// POST /v1/events: every event of a body is checked before any is taken. Any thread.
#pragma once

#include "daemon/http/daemon_api.h"
#include "daemon/http/message.h"

namespace huitou {
class Metrics;
}

namespace huitou::http {

// 202 {"accepted":n} once all are durable; 400 with `errors: [{"index","reason","detail"}]` when
// one is bad, and none is taken; 413 for too many at once. `metrics` may be null.
Response PostEvents(const Request& request, const EventDoor& door, const DaemonApi& api,
                    Metrics* metrics);

}  // namespace huitou::http
