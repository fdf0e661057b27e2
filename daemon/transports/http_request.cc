#include "daemon/transports/http_request.h"

#include <algorithm>

#include "channels/url.h"

namespace huitou {

using channels::HttpRequest;

namespace {

bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// RFC 9110, section 5.6.2.
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsPlain(const HttpRequest& request) {
  return IsToken(request.method) &&
         std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
           return IsToken(header.first) && IsPlain(header.second);
         });
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), channels::LowerAscii);
  return lower;
}

bool HasHeader(const channels::Headers& headers, std::string_view lower_name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == lower_name.size() && LowerCase(header.first) == lower_name;
  });
}

std::optional<HttpTarget> TargetOf(const HttpRequest& request) {
  std::optional<channels::Url> url = channels::ParseUrl(request.url);
  if (!url.has_value() || (url->scheme != "http" && url->scheme != "https") || !IsPlain(request)) {
    return std::nullopt;
  }
  HttpTarget target;
  target.tls = url->scheme == "https";
  std::optional<Endpoint> endpoint = ParseAuthority(url->authority, target.tls ? 443 : 80);
  if (!endpoint.has_value()) {
    return std::nullopt;
  }
  target.endpoint = *std::move(endpoint);
  target.endpoint.tls = target.tls;
  target.authority = std::move(url->authority);
  target.path = url->path.empty() ? "/" : std::move(url->path);
  if (!url->query.empty()) {
    target.path += "?" + url->query;
  }
  return target;
}

const channels::Headers& DefaultHeaders() {
  static const channels::Headers headers = {{"User-Agent", "huitou"}, {"Accept", "*/*"}};
  return headers;
}

bool HasBody(const HttpRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT";
}

std::string WriteHttp1(const HttpRequest& request, const HttpTarget& target, const Proxy* proxy) {
  std::string text;
  text.reserve(512 + request.body.size());
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append(name).append(value.empty() ? ":" : ": ").append(value).append("\r\n");
  };
  text.append(request.method).append(" ");
  if (proxy != nullptr) {
    text.append("http://").append(target.authority);
  }
  text.append(target.path).append(" HTTP/1.1\r\n");
  if (proxy != nullptr && !proxy->authorization.empty()) {
    add("Proxy-Authorization", proxy->authorization);
  }
  if (!HasHeader(request.headers, "host")) {
    add("Host", target.authority);
  }
  for (const auto& [name, value] : DefaultHeaders()) {
    if (!HasHeader(request.headers, LowerCase(name))) {
      add(name, value);
    }
  }
  for (const auto& [name, value] : request.headers) {
    if (LowerCase(name) != "content-length") {
      add(name, value);
    }
  }
  if (HasBody(request)) {
    add("Content-Length", std::to_string(request.body.size()));
  }
  text.append("\r\n").append(request.body);
  return text;
}

}  // namespace huitou
