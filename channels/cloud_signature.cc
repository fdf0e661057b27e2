#include "channels/cloud_signature.h"

#include <fmt/format.h>

#include <algorithm>

#include "channels/crypto.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

std::vector<std::pair<std::string, std::string>> SortedHeaders(const CloudRequest& request) {
  auto headers = request.headers;
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string SignedHeaders(const CloudRequest& request) {
  std::string names;
  for (const auto& [name, value] : SortedHeaders(request)) {
    names += names.empty() ? "" : ";";
    names += name;
  }
  return names;
}

}  // namespace

std::string CanonicalQuery(const CloudRequest& request) {
  auto parameters = request.query;
  std::sort(parameters.begin(), parameters.end());
  return FormEncode(parameters);
}

std::string CanonicalHash(const CloudRequest& request) {
  std::string canonical =
      request.method + "\n" + request.path + "\n" + CanonicalQuery(request) + "\n";
  for (const auto& [name, value] : SortedHeaders(request)) {
    canonical += name + ":" + value + "\n";
  }
  canonical += "\n";
  canonical += SignedHeaders(request);
  canonical += "\n";
  canonical += Sha256Hex(request.body);
  return Sha256Hex(canonical);
}

std::string Acs3Authorization(const CloudRequest& request, std::string_view access_key_id,
                              std::string_view access_key_secret) {
  const std::string to_sign = "ACS3-HMAC-SHA256\n" + CanonicalHash(request);
  return fmt::format("ACS3-HMAC-SHA256 Credential={},SignedHeaders={},Signature={}", access_key_id,
                     SignedHeaders(request), ToHex(HmacSha256(access_key_secret, to_sign)));
}

std::string Tc3Authorization(const CloudRequest& request, std::string_view service, TimeUs now,
                             std::string_view secret_id, std::string_view secret_key) {
  CloudRequest lower = request;
  for (auto& header : lower.headers) {
    std::string& value = header.second;
    std::transform(value.begin(), value.end(), value.begin(), LowerAscii);
  }
  const std::string date = FormatRfc3339(now).substr(0, std::string_view("2006-01-02").size());
  const std::string scope = fmt::format("{}/{}/tc3_request", date, service);
  const std::string to_sign =
      fmt::format("TC3-HMAC-SHA256\n{}\n{}\n{}", now / kSecondUs, scope, CanonicalHash(lower));
  const std::string date_key = HmacSha256(fmt::format("TC3{}", secret_key), date);
  const std::string signing_key = HmacSha256(HmacSha256(date_key, service), "tc3_request");
  return fmt::format("TC3-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", secret_id,
                     scope, SignedHeaders(request), ToHex(HmacSha256(signing_key, to_sign)));
}

}  // namespace huitou::channels
