#include "channels/acs3.h"

#include <algorithm>

#include "channels/crypto.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

constexpr std::string_view kAlgorithm = "ACS3-HMAC-SHA256";

std::vector<std::pair<std::string, std::string>> SortedHeaders(const Acs3Request& request) {
  auto headers = request.headers;
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string SignedHeaders(const Acs3Request& request) {
  std::string names;
  for (const auto& [name, value] : SortedHeaders(request)) {
    names += names.empty() ? "" : ";";
    names += name;
  }
  return names;
}

}  // namespace

std::string Acs3Query(const Acs3Request& request) {
  auto parameters = request.query;
  std::sort(parameters.begin(), parameters.end());
  std::string query;
  for (const auto& [name, value] : parameters) {
    query += query.empty() ? "" : "&";
    query += PercentEncode(name) + "=" + PercentEncode(value);
  }
  return query;
}

std::string Acs3CanonicalHash(const Acs3Request& request) {
  std::string canonical = request.method + "\n" + request.path + "\n" + Acs3Query(request) + "\n";
  for (const auto& [name, value] : SortedHeaders(request)) {
    canonical += name + ":" + value + "\n";
  }
  canonical += "\n";
  canonical += SignedHeaders(request);
  canonical += "\n";
  canonical += Sha256Hex(request.body);
  return Sha256Hex(canonical);
}

std::string Acs3Authorization(const Acs3Request& request, std::string_view access_key_id,
                              std::string_view access_key_secret) {
  std::string to_sign(kAlgorithm);
  to_sign += "\n";
  to_sign += Acs3CanonicalHash(request);
  std::string header(kAlgorithm);
  header += " Credential=";
  header += access_key_id;
  header += ",SignedHeaders=";
  header += SignedHeaders(request);
  header += ",Signature=";
  header += ToHex(HmacSha256(access_key_secret, to_sign));
  return header;
}

}  // namespace huitou::channels
