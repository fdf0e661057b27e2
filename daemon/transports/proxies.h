// Which requests go out by way of a proxy, as the environment of a process says it: `https_proxy`,
// `http_proxy`, `no_proxy`. Pure; any thread.
//
// Example: with https "http://proxy.lan:3128" and none "example.com,10.0.0.0/8", a request to
// api.twilio.com goes by proxy.lan, those to www.example.com and to 10.1.2.3 do not.
#pragma once

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/transports/endpoint.h"
#include "triggers/base/status.h"

namespace huitou {

struct Proxy {
  Endpoint endpoint;
  std::string authorization;  // of the header Proxy-Authorization; secret; empty: none
};

class Proxies {
 public:
  struct Environment {
    std::string https;  // http://[NAME:PASSWORD@]HOST:PORT; for https:// URLs; empty: no proxy
    std::string http;   // likewise, for http:// URLs
    // With commas between: names, which stand for all below them too, addresses, networks
    // ("10.0.0.0/8"), each of the names and addresses with ":PORT" if need be; "*" for everything.
    std::string none;
  };

  Proxies() = default;
  // Else a Status that names the variable, never the value.
  static Result<Proxies> Read(const Environment& environment);

  // Null: straight to the endpoint.
  const Proxy* For(const Endpoint& target) const;

 private:
  struct Exception {
    std::string host;   // lower case
    uint16_t port = 0;  // 0: any
  };

  Status AddException(std::string_view text);
  bool IsException(const Endpoint& target) const;

  std::optional<Proxy> https_;
  std::optional<Proxy> http_;
  bool none_at_all_ = false;
  std::vector<Exception> exceptions_;
  std::vector<boost::asio::ip::network_v4> networks_;
  std::vector<boost::asio::ip::network_v6> networks6_;
};

}  // namespace huitou
