// Bodies, paths and headers of requests, before the routes' handlers. The first byte says which
// route; then come the headers up to an empty line, then the body. Every answer is one of HTTP's, a
// body is taken whole or not at all, and an error is JSON whatever it quotes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/api.h"
#include "daemon/http/auth.h"
#include "daemon/metrics/log.h"
#include "daemon/metrics/metrics.h"
#include "triggers/base/check.h"
#include "triggers/base/text.h"

namespace huitou::http {
namespace {

size_t taken = 0;

DaemonApi MakeApi() {
  DaemonApi api;
  api.version = "fuzz";
  api.append_events = [](std::span<const AcceptedEvent> events) {
    for (const AcceptedEvent& event : events) {
      CHECK(!event.customer.empty());
    }
    taken = events.size();
    return Status::Ok();
  };
  api.customer = [](const std::string& id) -> Result<std::string> {
    CHECK(!id.empty());
    return std::string("{}");
  };
  api.timeline = [](const std::string&, size_t) -> Result<std::string> {
    return std::string("[]");
  };
  api.explain = [](const std::string&, const std::string&,
                   std::optional<TimeUs>) -> Result<std::string> { return std::string("{}"); };
  api.callback = [](const std::string&,
                    const channels::CallbackRequest&) -> Result<channels::CallbackReply> {
    return channels::CallbackReply();
  };
  return api;
}

// "name: value" lines up to an empty one.
std::string_view TakeHeaders(std::string_view text, Request* request) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      break;
    }
    const size_t colon = std::min(line.find(':'), line.size());
    request->headers.emplace_back(line.substr(0, colon),
                                  line.substr(std::min(colon + 1, line.size())));
  }
  return text;
}

void TryPath(const Router& router, std::string_view target) {
  Request request;
  request.method = "GET";
  request.target = target;
  request.query = ParseQuery(target);
  const Router::Match match = router.Find("GET", target.substr(0, target.find('?')));
  if (match.route == nullptr) {
    return;
  }
  request.parameters = match.parameters;
  CHECK(match.route->handler(request).status >= 200);
}

void TryBody(const Router& router, std::string_view path, Request request) {
  const Router::Match match = router.Find("POST", path);
  CHECK(match.route != nullptr);
  request.parameters = match.parameters;
  taken = 0;
  const Response response = match.route->handler(request);
  CHECK(response.status >= 200 && response.status < 600);
  CHECK(response.status == 202 || taken == 0);
  CHECK(IsUtf8(response.body));
}

}  // namespace
}  // namespace huitou::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace huitou;
  using namespace huitou::http;
  static Metrics metrics("fuzz");
  static const Router router = MakeRouter(MakeApi(), {.source = "api"}, &metrics);
  static const Guard guard({"a-token-of-the-fuzzer"}, true);
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Request request;
  switch (data[0] % 4) {
    case 0:
      request.body = TakeHeaders(text, &request);
      TryBody(router, "/v1/events", request);
      break;
    case 1:
      request.body = TakeHeaders(text, &request);
      TryBody(router, "/v1/callbacks/sms", request);
      break;
    case 2:
      TryPath(router, text);
      break;
    default:
      TakeHeaders(text, &request);
      guard.Refuse(request).has_value();
      ParseTokens(text).ok();
      CHECK(MaskAddresses(text).find("+8613800000000") == std::string::npos);
  }
  return 0;
}
