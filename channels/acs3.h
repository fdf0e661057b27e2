// Alibaba Cloud's request signature, V3 (ACS3-HMAC-SHA256), as
// https://help.aliyun.com/document_detail/2593177.html describes it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace huitou::channels {

struct Acs3Request {
  std::string method = "POST";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> query;    // not encoded, in any order
  std::vector<std::pair<std::string, std::string>> headers;  // to be signed, names in lower case
  std::string body;
};

// "A=1&B=%20", sorted, as it also goes into the URL.
std::string Acs3Query(const Acs3Request& request);

// The lower-case hex SHA-256 of the canonical request.
std::string Acs3CanonicalHash(const Acs3Request& request);

// The value of the Authorization header.
std::string Acs3Authorization(const Acs3Request& request, std::string_view access_key_id,
                              std::string_view access_key_secret);

}  // namespace huitou::channels
