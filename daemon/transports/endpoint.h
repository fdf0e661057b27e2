// Where a connection goes. Pure; any thread.
//
// Example: ParseAuthority("api.example.com:8443", 443) is api.example.com, port 8443.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace huitou {

struct Endpoint {
  std::string host;  // a name, or an address without brackets
  uint16_t port = 0;
  bool tls = false;
  std::string protocols;  // to offer by ALPN, each behind its length; empty: none

  bool is_address() const;  // and not a name
};

// Of a URL's authority (`host`, `host:port`, `[::1]:port`); nothing for another text.
std::optional<Endpoint> ParseAuthority(std::string_view authority, uint16_t default_port);

}  // namespace huitou
