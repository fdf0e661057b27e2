// The request signatures of the two clouds that send SMS. Both sign the same canonical text of a
// request, each with its own key and header:
//   Alibaba Cloud V3 (ACS3-HMAC-SHA256)  https://help.aliyun.com/document_detail/2593177.html
//   Tencent Cloud V3 (TC3-HMAC-SHA256)   https://cloud.tencent.com/document/api/382/52072
// Pure; any thread.
//
// Example:
//   CloudRequest request;
//   request.headers = {{"content-type", "application/json"}, {"host", "sms.tencentcloudapi.com"}};
//   request.body = "{}";
//   Tc3Authorization(request, "sms", now, secret_id, secret_key);
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/time.h"

namespace huitou::channels {

struct CloudRequest {
  std::string method = "POST";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> query;    // not encoded, in any order
  std::vector<std::pair<std::string, std::string>> headers;  // to be signed, names in lower case
  std::string body;
};

// "A=1&B=%20", sorted, as it also goes into the URL.
std::string CanonicalQuery(const CloudRequest& request);

// The lower-case hex SHA-256 of the canonical request.
std::string CanonicalHash(const CloudRequest& request);

// The value of the Authorization header.
std::string Acs3Authorization(const CloudRequest& request, std::string_view access_key_id,
                              std::string_view access_key_secret);
// Header values are signed in lower case. `now` is that of X-TC-Timestamp.
std::string Tc3Authorization(const CloudRequest& request, std::string_view service, TimeUs now,
                             std::string_view secret_id, std::string_view secret_key);

}  // namespace huitou::channels
