#include "daemon/http/api.h"

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "channels/limits.h"
#include "daemon/http/events.h"
#include "daemon/http/limits.h"
#include "daemon/http/status_page.h"
#include "daemon/metrics/metrics.h"
#include "triggers/base/json.h"

namespace huitou::http {
namespace {

constexpr size_t kTimelineDefault = 100;
constexpr size_t kTimelineMax = 10'000;

using SharedApi = std::shared_ptr<const DaemonApi>;

Response Json(std::string body, int status = 200) {
  return {status, "application/json", std::move(body), {}};
}

Response JsonOf(Result<std::string> result) {
  return result.ok() ? Json(std::move(*result)) : ProblemOf(result.status());
}

Response NotServed() {
  return Problem(503, "this daemon does not serve that");
}

std::string JsonList(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) {
    list += list.size() == 1 ? "" : ",";
    AppendJsonString(&list, text);
  }
  return list + "]";
}

// --- handlers -----------------------------------------------------------------------------------

Response PauseCampaign(const DaemonApi& api, const Request& request, bool paused) {
  if (!api.pause_campaign) {
    return NotServed();
  }
  const Status status = api.pause_campaign(request.parameters[0], paused);
  if (!status.ok()) {
    return ProblemOf(status);
  }
  JsonObject object;
  object.Add("campaign", request.parameters[0]).AddBoolean("paused", paused);
  return Json(object.Close());
}

Response Timeline(const DaemonApi& api, const Request& request) {
  if (!api.timeline) {
    return NotServed();
  }
  size_t max = kTimelineDefault;
  const std::string_view text = request.Query("max");
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), max);
    if (error != std::errc() || end != text.data() + text.size() || max == 0 ||
        max > kTimelineMax) {
      return Problem(400, "max: a number from 1 to " + std::to_string(kTimelineMax));
    }
  }
  return JsonOf(api.timeline(request.parameters[0], max));
}

Response Explain(const DaemonApi& api, const Request& request) {
  if (!api.explain) {
    return NotServed();
  }
  std::optional<TimeUs> at;
  if (const std::string_view text = request.Query("at"); !text.empty()) {
    at = ParseRfc3339(text);
    if (!at) {
      return Problem(400, "at: a time such as 2026-11-11T00:03:12Z; a '+' is written %2B");
    }
  }
  return JsonOf(api.explain(request.parameters[0], std::string(request.Query("campaign")), at));
}

Response Erase(const DaemonApi& api, const Request& request) {
  if (!api.erase) {
    return NotServed();
  }
  const Status status = api.erase(request.parameters[0]);
  return status.ok() ? Response{204, "application/json", "", {}} : ProblemOf(status);
}

Response Callback(const DaemonApi& api, const Request& request) {
  if (!api.callback) {
    return NotServed();
  }
  channels::CallbackRequest callback;
  callback.method = request.method;
  callback.url = request.target;
  callback.headers = request.headers;
  callback.body = request.body;
  const Result<channels::CallbackReply> reply = api.callback(request.parameters[0], callback);
  if (!reply.ok()) {
    return ProblemOf(reply.status());
  }
  if (!reply->verified) {
    const int status = reply->response.status;
    return status == 404
               ? Problem(404, "this channel takes no callbacks")
               : Problem(status == 401 ? 401 : 403, "the signature is not the provider's");
  }
  Response response{reply->response.status == 0 ? 200 : reply->response.status,
                    "text/plain",
                    reply->response.body,
                    {}};
  for (const auto& [name, value] : reply->response.headers) {
    if (name == "content-type") {
      response.content_type = value;
    } else {
      response.headers.emplace_back(name, value);
    }
  }
  return response;
}

Response Readiness(const DaemonApi& api) {
  const std::vector<std::string> reasons =
      api.not_ready ? api.not_ready() : std::vector<std::string>{"starting"};
  JsonObject object;
  object.AddBoolean("ready", reasons.empty());
  if (!reasons.empty()) {
    object.AddRaw("reasons", JsonList(reasons));
  }
  return Json(object.Close(), reasons.empty() ? 200 : 503);
}

Response Console(const DaemonApi& api) {
  if (!api.status) {
    return NotServed();
  }
  return {200,
          "text/html; charset=utf-8",
          StatusPage(api.status()),
          {{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}}};
}

// --- routes -------------------------------------------------------------------------------------

void AddEvents(Router* router, const SharedApi& api, const EventDoor& door, Metrics* metrics) {
  router->Add({"POST", "/v1/events",
               "Takes events: one object, an array, or one a line; CloudEvents too. 202 when they "
               "are durable.",
               Access::kToken, limits::kBodyBytesMax, [api, door, metrics](const Request& request) {
                 return PostEvents(request, door, *api, metrics);
               }});
}

void AddCampaigns(Router* router, const SharedApi& api) {
  router->Add(
      {"GET", "/v1/campaigns", "All campaigns with their state and counts.", Access::kToken, 0,
       [api](const Request&) { return api->campaigns ? JsonOf(api->campaigns()) : NotServed(); }});
  router->Add({"POST", "/v1/campaigns/{id}/pause", "Lets no further customer enter.",
               Access::kToken, 0,
               [api](const Request& request) { return PauseCampaign(*api, request, true); }});
  router->Add({"POST", "/v1/campaigns/{id}/resume", "Lets customers enter again.", Access::kToken,
               0, [api](const Request& request) { return PauseCampaign(*api, request, false); }});
}

void AddCustomers(Router* router, const SharedApi& api) {
  router->Add({"GET", "/v1/customers/{id}", "What is known of a customer.", Access::kToken, 0,
               [api](const Request& request) {
                 return api->customer ? JsonOf(api->customer(request.parameters[0])) : NotServed();
               }});
  router->Add(
      {"GET", "/v1/customers/{id}/timeline",
       "The customer's decisions and the messages that did not arrive, newest first; ?max=N.",
       Access::kToken, 0, [api](const Request& request) { return Timeline(*api, request); }});
  router->Add({"GET", "/v1/customers/{id}/explain",
               "Why, why not, and when next; ?campaign=ID, ?at=TIME.", Access::kToken, 0,
               [api](const Request& request) { return Explain(*api, request); }});
  router->Add({"GET", "/v1/customers/{id}/export",
               "Everything that is stored about a customer, one JSON object a line.",
               Access::kToken, 0, [api](const Request& request) {
                 if (!api->export_customer) {
                   return NotServed();
                 }
                 auto lines = api->export_customer(request.parameters[0]);
                 return lines.ok() ? Response{200, "application/x-ndjson", *std::move(lines), {}}
                                   : ProblemOf(lines.status());
               }});
  router->Add({"DELETE", "/v1/customers/{id}", "Erases everything that is known of a customer.",
               Access::kToken, 0, [api](const Request& request) { return Erase(*api, request); }});
}

void AddCallbacks(Router* router, const SharedApi& api) {
  const Handler handler = [api](const Request& request) { return Callback(*api, request); };
  router->Add({"POST", "/v1/callbacks/{channel}", "A provider's receipts, signed by it.",
               Access::kPublic, channels::limits::kCallbackBytesMax, handler,
               [api](const Request& request) -> std::optional<Response> {
                 if (api->takes_callbacks && !api->takes_callbacks(request.parameters[0])) {
                   return Problem(404, "no channel of this name takes callbacks");
                 }
                 return std::nullopt;
               }});
  router->Add({"GET", "/v1/callbacks/{channel}",
               "A provider's question whether this address is ours, signed by it.", Access::kPublic,
               0, handler});
}

void AddOperations(Router* router, const SharedApi& api, Metrics* metrics) {
  router->Add(
      {"GET", "/metrics", "Prometheus metrics.", Access::kPublic, 0, [metrics](const Request&) {
         return Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics->Serialize(), {}};
       }});
  router->Add({"GET", "/healthz", "200 while the process lives.", Access::kPublic, 0,
               [](const Request&) { return Json("{\"alive\":true}"); }});
  router->Add({"GET", "/readyz",
               "200 when the partitions are assigned and the state is open; else 503 and why.",
               Access::kPublic, 0, [api](const Request&) { return Readiness(*api); }});
  router->Add({"GET", "/", "A page for a browser: readiness, sources, shards, channels, campaigns.",
               Access::kToken, 0, [api](const Request&) { return Console(*api); }});
}

}  // namespace

Router MakeRouter(DaemonApi api, const EventDoor& door, Metrics* metrics) {
  const auto shared = std::make_shared<const DaemonApi>(std::move(api));
  Router router;
  AddEvents(&router, shared, door, metrics);
  AddCampaigns(&router, shared);
  AddCustomers(&router, shared);
  AddCallbacks(&router, shared);
  AddPublicRoutes(&router, shared);
  AddOperations(&router, shared, metrics);
  // It lists itself too, so the text is written once the route is there.
  const auto text = std::make_shared<std::string>();
  router.Add({"GET", "/openapi.json", "This description.", Access::kToken, 0,
              [text](const Request&) { return Json(*text); }});
  *text = OpenApi(router.routes(), shared->version);
  return router;
}

}  // namespace huitou::http
