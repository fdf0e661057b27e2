// One HTTP request and its answer, for the command line. Blocks; any thread.
#pragma once

#include <string>

#include "triggers/base/status.h"

namespace huitou {

struct Fetched {
  int status = 0;
  std::string body;
};

// `token` is sent as bearer token unless empty. kUnavailable when nothing answers.
Result<Fetched> Fetch(const std::string& method, const std::string& url, const std::string& body,
                      const std::string& token);

}  // namespace huitou
