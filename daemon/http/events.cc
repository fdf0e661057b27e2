#include "daemon/http/events.h"

#include <charconv>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/decode/batch.h"
#include "daemon/decode/event_decoder.h"
#include "daemon/decode/limits.h"
#include "daemon/http/limits.h"
#include "daemon/metrics/metrics.h"
#include "triggers/base/json.h"

namespace huitou::http {
namespace {

struct BadEvent {
  size_t index = 0;
  EventError error = EventError::kNone;
  std::string detail;
};

bool IsBinaryCloudEvent(const Request& request) {
  return !request.Header("ce-specversion").empty();
}

// The ce-* headers, names and values as the log keeps them.
std::vector<std::pair<std::string, std::string>> CloudEventHeaders(const Request& request) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with("ce-")) {
      headers.emplace_back(name, value);
    }
  }
  return headers;
}

EventError Decode(std::string_view text, std::span<const Header> headers, const EventDoor& door,
                  Event* event, std::string* detail) {
  // As many as the server has threads; each keeps its buffers.
  thread_local EventDecoder decoder;
  const DecodeOptions options{.currency = door.currency};
  if (door.map != nullptr) {
    return decoder.DecodeMapped(text, *door.map, options, event, detail);
  }
  return headers.empty() ? decoder.Decode(text, options, event, detail)
                         : decoder.DecodeBinary(text, headers, options, event, detail);
}

// What to do about an error whose detail is but the field's name.
std::string HintOf(EventError error) {
  switch (error) {
    case EventError::kBadTime:
      return ": write it with its offset, such as 2026-11-11T00:03:12Z or ...T08:03:12+08:00";
    case EventError::kBadType:
      return ": not of the form that `huitou schema event` tells";
    default:
      return {};
  }
}

Response RefuseEvents(const std::vector<BadEvent>& bad, size_t count) {
  std::string errors = "\"errors\":[";
  for (size_t i = 0; i < bad.size() && i < limits::kErrorsNamedMax; ++i) {
    JsonObject error;
    error.AddInteger("index", static_cast<int64_t>(bad[i].index));
    error.Add("reason", ToString(bad[i].error));
    error.AddIfAny("detail", bad[i].detail + HintOf(bad[i].error));
    errors.append(i == 0 ? "" : ",").append(error.Close());
  }
  errors += ']';
  return Problem(400,
                 std::to_string(bad.size()) + " of " + std::to_string(count) +
                     (count == 1 ? " event is bad" : " events are bad") + "; none was taken",
                 errors);
}

// The body cannot be parted into events; the status says "event N: ..." of the first that fails.
Response RefuseSplit(const Status& status) {
  size_t index = 0;
  constexpr std::string_view kPrefix = "event ";
  if (const std::string_view text = status.message(); text.starts_with(kPrefix)) {
    std::from_chars(text.data() + kPrefix.size(), text.data() + text.size(), index);
  }
  const bool too_many = index >= huitou::limits::kBatchEventsMax;
  return Problem(
      too_many ? 413 : 400, status.message() + "; none was taken",
      "\"errors\":[{\"index\":" + std::to_string(index) + ",\"reason\":\"" +
          std::string(ToString(too_many ? EventError::kTooLarge : EventError::kBadJson)) + "\"}]");
}

}  // namespace

Response PostEvents(const Request& request, const EventDoor& door, const DaemonApi& api,
                    Metrics* metrics) {
  if (!api.append_events) {
    return Problem(503, "no http source is configured");
  }
  const bool binary = IsBinaryCloudEvent(request);
  const auto owned_headers =
      binary ? CloudEventHeaders(request) : std::vector<std::pair<std::string, std::string>>();
  const std::vector<Header> headers(owned_headers.begin(), owned_headers.end());

  std::vector<std::string_view> texts;
  if (binary) {
    texts.emplace_back(request.body);
  } else {
    Result<std::vector<std::string_view>> split = SplitBatch(request.body);
    if (!split.ok()) {
      return RefuseSplit(split.status());
    }
    texts = std::move(*split);
  }

  std::vector<AcceptedEvent> accepted;
  std::vector<BadEvent> bad;
  for (size_t i = 0; i < texts.size(); ++i) {
    Event event;
    std::string detail;
    const EventError error = Decode(texts[i], headers, door, &event, &detail);
    if (error == EventError::kNone) {
      accepted.push_back({std::string(event.customer.id), std::string(texts[i]), owned_headers});
    } else {
      bad.push_back({i, error, std::move(detail)});
      if (metrics != nullptr) {
        metrics->Add(Metric::kEventsRejected, {door.source, ToString(error)});
      }
    }
  }
  if (!bad.empty()) {
    return RefuseEvents(bad, texts.size());
  }
  if (!accepted.empty()) {
    if (const Status status = api.append_events(accepted); !status.ok()) {
      return status.code() == StatusCode::kExhausted ? Problem(429, status.message())
                                                     : ProblemOf(status);
    }
  }
  return {202, "application/json", "{\"accepted\":" + std::to_string(accepted.size()) + "}", {}};
}

}  // namespace huitou::http
