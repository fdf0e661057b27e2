// A way through an HTTP proxy: CONNECT (RFC 9110, section 9.3.6) asked and answered. Everything on
// the loop's thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/endpoint.h"
#include "daemon/transports/proxies.h"
#include "daemon/transports/response_parser.h"

namespace huitou {

class ProxyTunnel : public std::enable_shared_from_this<ProxyTunnel> {
 public:
  // An empty error: what goes over the socket now reaches the target, and comes from it.
  using Done = std::function<void(std::string error)>;

  // To the proxy.
  explicit ProxyTunnel(ByteStream::Socket socket) : socket_(std::move(socket)) {}

  // `done` once, unless Close() comes before.
  void Open(const Proxy& proxy, const Endpoint& target, Done done);
  ByteStream::Socket TakeSocket() { return std::move(socket_); }
  void Close();

 private:
  void Read();
  void OnRead(const ByteStream::Error& error, size_t bytes);
  void End(std::string error);

  ByteStream::Socket socket_;
  Done done_;
  std::string out_;
  std::string in_;  // what the parser has not taken
  std::array<char, 4096> buffer_{};
  ResponseParser parser_;
};

}  // namespace huitou
