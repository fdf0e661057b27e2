#include "daemon/commands/http_client.h"

#include <httplib.h>

#include <optional>

#include "channels/url.h"

namespace huitou {

namespace {

constexpr time_t kSilenceSeconds = 30;
constexpr size_t kAnswerBytesMax = size_t{64} << 20;  // an export of one customer stays far below

std::string ToWords(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "could not connect";
    case httplib::Error::Read:
    case httplib::Error::Write:
      return "the connection broke, or nothing came for 30 seconds";
    case httplib::Error::Canceled:
      return "the answer is longer than 64 MiB";
    case httplib::Error::SSLConnection:
      return "no TLS there";
    case httplib::Error::SSLLoadingCerts:
      return "could not read the authorities to trust";
    case httplib::Error::SSLServerVerification:
      return "its certificate is not trusted, or not for this host";
    default:
      return "no answer (" + httplib::to_string(error) + ")";
  }
}

}  // namespace

Result<Fetched> Fetch(const std::string& method, const std::string& url, const std::string& body,
                      const std::string& token) {
  const std::string shown = channels::PublicUrl(url);
  if (Status status = channels::CheckHttpUrl(shown, url); !status.ok()) {
    return status;
  }
  const channels::Url parts = *channels::ParseUrl(url);
  const size_t colon = parts.authority.rfind(':');
  if (colon != std::string::npos && parts.authority.back() != ']' &&
      parts.authority.size() - colon > sizeof ":65535" - 1) {
    return Status(StatusCode::kInvalid, shown + ": no such port");  // httplib would throw
  }
  httplib::Client client(parts.scheme + "://" + parts.authority);
  client.set_connection_timeout(kSilenceSeconds);
  client.set_read_timeout(kSilenceSeconds);
  client.set_write_timeout(kSilenceSeconds);
  client.set_url_encode(false);  // it is

  Fetched fetched;
  httplib::Request request;
  request.method = method;
  request.path =
      (parts.path.empty() ? "/" : parts.path) + (parts.query.empty() ? "" : "?" + parts.query);
  request.body = body;
  request.set_header("Content-Type", "application/json");
  if (!token.empty()) {
    request.set_header("Authorization", "Bearer " + token);
  }
  request.content_receiver = [&fetched](const char* data, size_t bytes, auto&&...) {
    fetched.body.append(data, bytes);
    return fetched.body.size() <= kAnswerBytesMax;
  };
  const httplib::Result answer = client.send(request);
  if (!answer) {
    return Status(StatusCode::kUnavailable, shown + ": " + ToWords(answer.error()));
  }
  fetched.status = answer->status;
  return fetched;
}

}  // namespace huitou
