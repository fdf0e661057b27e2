// Whom TLS trusts, and how its failures are said. Everything on one thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/endpoint.h"
#include "triggers/base/time.h"

namespace huitou {

class Trust {
 public:
  // PEM with the authorities to trust; empty: the system's, by OpenSSL's defaults (SSL_CERT_FILE,
  // SSL_CERT_DIR).
  explicit Trust(std::string ca_file) : ca_file_(std::move(ca_file)) {}
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;
  ~Trust();

  // Ready for a handshake that takes only this endpoint's certificate and, where the endpoint is
  // known, goes on with an earlier session. Null: `error` says why.
  std::unique_ptr<ByteStream::TlsStream> Wrap(ByteStream::Socket socket, const Endpoint& endpoint,
                                              std::string* error);

 private:
  using Context = boost::asio::ssl::context;
  using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

  bool Renew();
  static int OnSession(SSL* ssl, SSL_SESSION* session);

  const std::string ca_file_;
  std::shared_ptr<Context> context_;
  TimeUs read_at_ = 0;
  std::map<std::string, Session, std::less<>> sessions_;  // the last one, by host:port
};

// Why a handshake failed: "TLS: certificate has expired".
std::string TlsError(ByteStream::TlsStream* stream, const ByteStream::Error& error);

}  // namespace huitou
