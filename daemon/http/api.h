// The routes of the daemon (contracts.md section 7) over a DaemonApi.
//
// Example:
//   Router router = MakeRouter(api, door, &metrics);
//   auto server = Server::Start(options, std::move(router), &metrics);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/http/daemon_api.h"
#include "daemon/http/message.h"

namespace huitou {
class Metrics;
}

namespace huitou::http {

// `metrics` outlives the router.
Router MakeRouter(DaemonApi api, const EventDoor& door, Metrics* metrics);

// Those of the public pages (public_routes.cc): `/u/{token}` and `/l/{token}`.
void AddPublicRoutes(Router* router, const std::shared_ptr<const DaemonApi>& api);

// OpenAPI 3.1 of these routes.
std::string OpenApi(const std::vector<Route>& routes, const std::string& version);

}  // namespace huitou::http
