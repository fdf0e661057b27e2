// Requests, answers and routes of the HTTP door, without the library behind it: a handler is a
// function from Request to Response, called on any of the server's threads.
//
// Example:
//   Router router;
//   router.Add({"POST", "/v1/campaigns/{id}/pause", "pause a campaign", Access::kToken, 0,
//               [&](const Request& request) { return Pause(request.parameters[0]); }});
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/status.h"

namespace huitou::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string target;                   // as sent: path and query
  std::vector<std::string> parameters;  // what stood for the pattern's {names}, decoded
  Fields query;                         // decoded
  Fields headers;                       // names in lower case
  std::string body;

  // The first value, or "".
  std::string_view Header(std::string_view lower_case_name) const;
  std::string_view Query(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Fields headers;
};

// RFC 9457. `more` are further members, each `"name":value`, or empty.
Response Problem(int status, std::string_view detail, std::string_view more = {});
// What a failure of the daemon means for the client; 503 and 429 say when to come again.
Response ProblemOf(const Status& status);
// The standard's phrase: 404 is "Not Found".
std::string_view ReasonPhrase(int status);

enum class Access : uint8_t {
  kToken,   // a bearer token, or loopback where none are configured
  kPublic,  // everybody: probes, metrics, and what proves itself by a signature or sealed token
};

using Handler = std::function<Response(const Request&)>;

struct Route {
  std::string method;   // GET also answers HEAD
  std::string pattern;  // segments, {name} for any one that is not empty
  std::string summary;  // for openapi.json
  Access access = Access::kToken;
  size_t body_bytes_max = 0;
  Handler handler;
  // Asked with the head read and before the body is: why it is not wanted. Empty: it is.
  std::function<std::optional<Response>(const Request&)> refuse = {};
  bool takes_multipart = false;
};

class Router {
 public:
  // Before the server starts.
  void Add(Route route);

  struct Match {
    const Route* route = nullptr;         // null: none
    std::vector<std::string> parameters;  // decoded
    std::string allow;                    // without a route: methods that this path knows, or empty
  };
  // `path` as sent, still encoded.
  Match Find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// The parts of "/v1/customers/%2Fa?at=1" behind '?', decoded; parts that cannot be are left out.
Fields ParseQuery(std::string_view target);

}  // namespace huitou::http
