#include "daemon/http/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "channels/url.h"

namespace huitou::http {
namespace {

// 16 letters of base64 hold 96 bits.
constexpr size_t kTokenBytesMin = 16;

// Hashes have one length, so that comparing them tells nothing of the tokens' lengths.
std::string Sha256(std::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
  });
}

// What stands behind "Bearer ", or nothing.
std::optional<std::string_view> BearerOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!EqualsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) {
    authorization.remove_prefix(1);
  }
  while (authorization.ends_with(' ')) {
    authorization.remove_suffix(1);
  }
  return authorization;
}

bool ComesFromAPage(const Request& request) {
  if (!IsLoopback(request.Header("host"))) {
    return true;
  }
  const std::string_view origin = request.Header("origin");
  if (origin.empty()) {
    return false;
  }
  const std::optional<channels::Url> url = channels::ParseUrl(origin);
  return !url || url->authority != request.Header("host");
}

Response Unauthorized(std::string_view detail, std::string_view challenge) {
  Response response = Problem(401, detail);
  response.headers.emplace_back("WWW-Authenticate", challenge);
  return response;
}

}  // namespace

Result<std::vector<std::string>> ParseTokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view token = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!token.empty() && is_space(token.back())) {
      token.remove_suffix(1);
    }
    while (!token.empty() && is_space(token.front())) {
      token.remove_prefix(1);
    }
    if (token.empty() || token.front() == '#') {
      continue;
    }
    if (token.size() < kTokenBytesMin ||
        !std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
      return Status(StatusCode::kInvalid,
                    "line " + std::to_string(line) +
                        " is no token; take 16 or more printable letters without blanks, e.g. "
                        "from `openssl rand -base64 24`");
    }
    tokens.emplace_back(token);
  }
  if (tokens.empty()) {
    return Status(StatusCode::kInvalid, "there is no token in it; one a line");
  }
  return tokens;
}

Guard::Guard(const std::vector<std::string>& tokens, bool listens_on_loopback)
    : listens_on_loopback_(listens_on_loopback) {
  for (const std::string& token : tokens) {
    token_hashes_.push_back(Sha256(token));
  }
}

std::optional<Response> Guard::Refuse(const Request& request) const {
  if (token_hashes_.empty()) {
    if (!listens_on_loopback_) {
      return Problem(403, "this address is not loopback, and http.tokens is not set");
    }
    if (ComesFromAPage(request)) {
      return Problem(403, "without http.tokens only local programs may call");
    }
    return std::nullopt;
  }
  const std::optional<std::string_view> bearer = BearerOf(request.Header("authorization"));
  if (!bearer) {
    return Unauthorized("a bearer token is needed: Authorization: Bearer TOKEN", "Bearer");
  }
  const std::string hash = Sha256(*bearer);
  bool known = false;
  for (const std::string& token_hash : token_hashes_) {
    known |= CRYPTO_memcmp(hash.data(), token_hash.data(), hash.size()) == 0;
  }
  if (!known) {
    return Unauthorized("this token is not known", "Bearer error=\"invalid_token\"");
  }
  return std::nullopt;
}

bool IsLoopback(std::string_view host) {
  if (host.starts_with('[')) {
    return host.substr(1, host.find(']') - 1) == "::1";
  }
  if (host == "::1") {
    return true;
  }
  host = host.substr(0, host.find(':'));
  const bool dotted = std::all_of(host.begin(), host.end(),
                                  [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  return host == "localhost" || (host.starts_with("127.") && dotted);
}

}  // namespace huitou::http
