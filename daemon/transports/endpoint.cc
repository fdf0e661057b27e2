#include "daemon/transports/endpoint.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace huitou {

bool Endpoint::is_address() const {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

std::optional<Endpoint> ParseAuthority(std::string_view authority, uint16_t default_port) {
  Endpoint endpoint;
  endpoint.port = default_port;
  std::string_view rest;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    endpoint.host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
  } else {
    const size_t colon = authority.find(':');
    endpoint.host = authority.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (endpoint.host.empty()) {
    return std::nullopt;
  }
  if (rest.empty() || rest == ":") {
    return endpoint;
  }
  const char* const end = rest.data() + rest.size();
  const auto [parsed, error] = std::from_chars(rest.data() + 1, end, endpoint.port);
  if (rest.front() != ':' || error != std::errc() || parsed != end || endpoint.port == 0) {
    return std::nullopt;
  }
  return endpoint;
}

}  // namespace huitou
