#include "daemon/commands/http_client.h"

#include <httplib.h>

#include <optional>

#include "channels/url.h"

namespace huitou {

namespace {

constexpr int kTimeoutSeconds = 30;
constexpr size_t kAnswerBytesMax = size_t{64} << 20;  // an export of one customer stays far below

}  // namespace

Result<Fetched> Fetch(const std::string& method, const std::string& url, const std::string& body,
                      const std::string& token) {
  const std::optional<channels::Url> parts = channels::ParseUrl(url);
  if (!parts.has_value() || (parts->scheme != "http" && parts->scheme != "https")) {
    return Status(StatusCode::kUnavailable, url + ": not an http:// or https:// URL");
  }
  httplib::Client client(parts->scheme + "://" + parts->authority);
  client.set_url_encode(false);  // it is as it shall be sent
  client.set_connection_timeout(kTimeoutSeconds);
  client.set_read_timeout(kTimeoutSeconds);
  client.set_write_timeout(kTimeoutSeconds);
  httplib::Request request;
  request.method = method;
  request.path =
      (parts->path.empty() ? "/" : parts->path) + (parts->query.empty() ? "" : "?" + parts->query);
  request.headers.emplace("Content-Type", "application/json");
  if (!token.empty()) {
    request.headers.emplace("Authorization", "Bearer " + token);
  }
  request.body = body;
  Fetched fetched;
  request.content_receiver = [&fetched](const char* data, size_t size, uint64_t /*offset*/,
                                        uint64_t /*total*/) {
    const bool fits = fetched.body.size() + size <= kAnswerBytesMax;
    if (fits) {
      fetched.body.append(data, size);
    }
    return fits;
  };
  const httplib::Result answer = client.send(request);
  if (!answer) {
    return Status(StatusCode::kUnavailable, url + ": " + httplib::to_string(answer.error()));
  }
  fetched.status = answer->status;
  return fetched;
}

}  // namespace huitou
