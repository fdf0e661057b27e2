#include "daemon/http/message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "channels/url.h"
#include "daemon/http/limits.h"
#include "triggers/base/json.h"

namespace huitou::http {
namespace {

std::string_view FirstOf(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

// The segments behind each '/'; "/" is one empty segment.
std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool IsParameter(std::string_view segment) {
  return segment.starts_with('{');
}

// In a path a '+' is a plus.
std::optional<std::string> DecodeSegment(std::string_view segment) {
  std::string plus_escaped;
  for (const char c : segment) {
    if (c == '+') {
      plus_escaped += "%2B";
    } else {
      plus_escaped += c;
    }
  }
  return channels::PercentDecode(plus_escaped);
}

bool MatchPattern(std::string_view pattern, const std::vector<std::string_view>& path,
                  std::vector<std::string>* parameters) {
  const std::vector<std::string_view> segments = Split(pattern);
  if (segments.size() != path.size()) {
    return false;
  }
  parameters->clear();
  for (size_t i = 0; i < path.size(); ++i) {
    if (!IsParameter(segments[i])) {
      if (segments[i] != path[i]) {
        return false;
      }
      continue;
    }
    std::optional<std::string> decoded = DecodeSegment(path[i]);
    if (!decoded || decoded->empty()) {
      return false;
    }
    parameters->push_back(std::move(*decoded));
  }
  return true;
}

}  // namespace

std::string_view Request::Header(std::string_view lower_case_name) const {
  return FirstOf(headers, lower_case_name);
}
std::string_view Request::Query(std::string_view name) const {
  return FirstOf(query, name);
}

std::string_view ReasonPhrase(int status) {
  constexpr std::pair<int, std::string_view> kPhrases[] = {
      {200, "OK"},
      {202, "Accepted"},
      {204, "No Content"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
  };
  const auto* found = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                   [&](const auto& entry) { return entry.first == status; });
  return found == std::end(kPhrases) ? "Error" : found->second;
}

Response Problem(int status, std::string_view detail, std::string_view more) {
  std::string body = "{\"type\":\"about:blank\",\"title\":";
  AppendJsonString(&body, ReasonPhrase(status));
  body.append(",\"status\":").append(std::to_string(status)).append(",\"detail\":");
  AppendJsonString(&body, detail);
  if (!more.empty()) {
    body.append(",").append(more);
  }
  body += '}';
  Response response{status, "application/problem+json", std::move(body), {}};
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(limits::kRetryAfterSeconds));
  }
  return response;
}

Response ProblemOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalid:
      return Problem(400, status.message());
    case StatusCode::kNotFound:
      return Problem(404, status.message());
    case StatusCode::kUnavailable:
    case StatusCode::kExhausted:
      return Problem(503, status.message());
    case StatusCode::kCorrupt:
    case StatusCode::kInternal:
    case StatusCode::kOk:
      break;
  }
  return Problem(500, status.message());
}

void Router::Add(Route route) {
  routes_.push_back(std::move(route));
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const std::vector<std::string_view> segments = Split(path);
  Match match;
  std::vector<std::string> parameters;
  for (const Route& route : routes_) {
    if (!MatchPattern(route.pattern, segments, &parameters)) {
      continue;
    }
    if (route.method == wanted) {
      return {&route, std::move(parameters), {}};
    }
    match.allow.append(match.allow.empty() ? "" : ", ").append(route.method);
  }
  return match;
}

Fields ParseQuery(std::string_view target) {
  Fields fields;
  const size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    std::optional<std::string> name = channels::PercentDecode(pair.substr(0, equals));
    std::optional<std::string> value =
        channels::PercentDecode(pair.substr(std::min(equals + 1, pair.size())));
    if (name && value && !name->empty()) {
      fields.emplace_back(std::move(*name), std::move(*value));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fields;
}

}  // namespace huitou::http
