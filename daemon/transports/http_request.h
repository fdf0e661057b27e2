// An HTTP request in bytes, the same for both versions of HTTP. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "channels/channel.h"
#include "daemon/transports/endpoint.h"
#include "daemon/transports/proxies.h"

namespace huitou {

// The parts of a URL that a request names.
struct HttpTarget {
  bool tls = false;
  std::string authority;
  std::string path;  // with the query, as the URL has it: signatures cover it; never empty
  Endpoint endpoint;
};

// Nothing for a URL that is none of http and https, and for a method, URL or header with a line
// break in it, which would begin another header or another request.
std::optional<HttpTarget> TargetOf(const channels::HttpRequest& request);

// The head and the body of HTTP/1.1; for a proxy to carry on unless `proxy` is null.
std::string WriteHttp1(const channels::HttpRequest& request, const HttpTarget& target,
                       const Proxy* proxy);

// What every request says unless the channel says it: {"user-agent", "huitou"}, ...
const channels::Headers& DefaultHeaders();
// Whether a body is announced: also an empty one, of a method that means to send one.
bool HasBody(const channels::HttpRequest& request);
bool HasHeader(const channels::Headers& headers, std::string_view lower_name);
std::string LowerCase(std::string_view text);

}  // namespace huitou
