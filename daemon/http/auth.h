// Who may call: bearer tokens, compared in constant time. Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/message.h"
#include "triggers/base/status.h"

namespace huitou::http {

// One token a line; blank lines and lines that begin with '#' do not count. kInvalid when there is
// none, or one too short to be a secret or with characters that no header can carry.
Result<std::vector<std::string>> ParseTokens(std::string_view text);

class Guard {
 public:
  // Without tokens only a server that listens on loopback is open, and there only to programs:
  // a page in a browser (foreign Origin, or a Host that is not loopback) is refused.
  Guard(const std::vector<std::string>& tokens, bool listens_on_loopback);

  // The refusal (401, 403), or nothing when the request may go on.
  std::optional<Response> Refuse(const Request& request) const;

 private:
  std::vector<std::string> token_hashes_;
  const bool listens_on_loopback_;
};

// "127.0.0.1", "127.1.2.3", "::1", "localhost", with or without brackets and port.
bool IsLoopback(std::string_view host);

}  // namespace huitou::http
