// Connections made: names resolved, addresses tried one beside the other (RFC 8305), TLS always
// verified. Everything on the loop's thread.
//
//   Dialer dialer(&loop.context(), {});
//   dialer.Dial({.host = "api.example.com", .port = 443, .tls = true}, 5 * kSecondUs,
//               [](std::unique_ptr<ByteStream> stream, std::string error) { ... });
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/endpoint.h"
#include "daemon/transports/proxies.h"
#include "daemon/transports/resolver.h"
#include "daemon/transports/trust.h"
#include "triggers/base/time.h"

namespace huitou {

struct DialOptions {
  std::string ca_file;             // PEM with the authorities to trust; empty: the system's
  DurationUs connect_timeout = 0;  // 0: limits::kConnectTimeout
};

class Dialer {
 public:
  // Null: `error` says why, in words without addresses ("connection refused").
  using Done = std::function<void(std::unique_ptr<ByteStream> stream, std::string error)>;

  // The loop must have been stopped when the dialer goes.
  Dialer(boost::asio::io_context* context, DialOptions options);

  // `done` once, perhaps from within the call; within connect_timeout, TLS included.
  void Dial(const Endpoint& endpoint, Done done);
  // Likewise, through a proxy (CONNECT, RFC 9110, section 9.3.6), which looks up the endpoint's
  // name and sees nothing of what TLS encrypts.
  void DialThrough(const Proxy& proxy, const Endpoint& endpoint, Done done);
  DurationUs connect_timeout() const { return connect_timeout_; }
  // An open stream goes on encrypted, as the endpoint's (STARTTLS).
  void Encrypt(std::unique_ptr<ByteStream> stream, const Endpoint& endpoint, Done done);

 private:
  class Attempt;

  boost::asio::io_context& context_;
  const DurationUs connect_timeout_;
  Resolver resolver_;
  Trust trust_;
};

}  // namespace huitou
