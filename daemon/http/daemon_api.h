// What the HTTP door asks of the daemon: functions that the run command fills in. Each may be
// called on several threads at once and may wait for a shard; one that is not set answers 503.
// Answers are JSON texts; customers' data is in them because the caller has the right to it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "channels/channel.h"
#include "daemon/http/status_page.h"
#include "triggers/base/money.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou {

struct FieldMap;

namespace http {

// One event that was checked and is to be kept: exactly the bytes that the decoder will get.
struct AcceptedEvent {
  std::string customer;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> headers;  // of CloudEvents in binary mode
};

struct DaemonApi {
  // All or none; OK only when they are durable. kExhausted: too much is under way (429).
  // kUnavailable: not now, e.g. the disk is full (503).
  std::function<Status(std::span<const AcceptedEvent> events)> append_events;

  std::function<Result<std::string>()> campaigns;  // {"campaigns":[...]}
  std::function<Status(const std::string& campaign, bool paused)> pause_campaign;

  // kNotFound: nothing is known of this customer.
  std::function<Result<std::string>(const std::string& customer)> customer;
  std::function<Result<std::string>(const std::string& customer, size_t max)> timeline;
  std::function<Result<std::string>(const std::string& customer, const std::string& campaign,
                                    std::optional<TimeUs> at)>
      explain;
  // Everything that is stored, one JSON object a line.
  std::function<Result<std::string>(const std::string& customer)> export_customer;
  std::function<Status(const std::string& customer)> erase;

  // Whether there is such a channel, and providers call it. Must not wait.
  std::function<bool(const std::string& channel)> takes_callbacks;
  // kNotFound: no such channel. Not verified: 403.
  std::function<Result<channels::CallbackReply>(const std::string& channel,
                                                const channels::CallbackRequest& request)>
      callback;

  // Why the daemon is not ready; empty when it is. Short, without secrets. Must not wait.
  std::function<std::vector<std::string>()> not_ready;
  // What the page at "/" shows. Must not wait.
  std::function<StatusReport()> status;
  std::string version;
};

// How events that come over HTTP are to be read (of the http source).
struct EventDoor {
  std::string source;             // its name, for metrics
  Currency currency = {};         // the shop's
  const FieldMap* map = nullptr;  // the source's `map:`, or null; outlives the server
};

}  // namespace http
}  // namespace huitou
