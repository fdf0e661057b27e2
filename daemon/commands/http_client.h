// One HTTP request and its answer, for the command line. Blocks; any thread.
#pragma once

#include <string>

#include "triggers/base/status.h"

namespace huitou {

struct Fetched {
  int status = 0;
  std::string body;
};

// `url` is http:// or https://, its path and query encoded; `token` is sent as bearer token unless
// empty. kInvalid: no such URL; kUnavailable: no answer, for 30 seconds or whole within 64 MiB.
Result<Fetched> Fetch(const std::string& method, const std::string& url, const std::string& body,
                      const std::string& token);

}  // namespace huitou
