#include "daemon/transports/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ssl/error.hpp>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/transports/limits.h"

namespace huitou {

namespace {

// Where a connection's SSL keeps the place of its next session.
int SessionIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

Trust::~Trust() {
  if (context_ != nullptr) {  // connections that outlive this bring no sessions any more
    SSL_CTX_sess_set_new_cb(context_->native_handle(), nullptr);
  }
}

// Reading a file of 140 authorities takes some 100 ms of the loop's one thread: not for each
// connection.
bool Trust::Renew() {
  const TimeUs now = SteadyNow();
  if (context_ != nullptr && now - read_at_ < transport_limits::kAuthoritiesSeconds * kSecondUs) {
    return true;
  }
  auto context = std::make_shared<Context>(Context::tls_client);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // An authority of the list ends a chain, whether or not it signed itself.
  X509_STORE_set_flags(SSL_CTX_get_cert_store(native),
                       X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  const int read = ca_file_.empty() ? SSL_CTX_set_default_verify_paths(native)
                                    : SSL_CTX_load_verify_file(native, ca_file_.c_str());
  ERR_clear_error();
  if (read != 1) {
    return context_ != nullptr;  // what was read before still holds
  }
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(native, &Trust::OnSession);
  if (context_ != nullptr) {
    SSL_CTX_sess_set_new_cb(context_->native_handle(), nullptr);
  }
  sessions_.clear();  // whoever is not trusted any more shall not go on with an old session
  context_ = std::move(context);
  read_at_ = now;
  return true;
}

int Trust::OnSession(SSL* ssl, SSL_SESSION* session) {
  auto* place = static_cast<Session*>(SSL_get_ex_data(ssl, SessionIndex()));
  if (place == nullptr) {
    return 0;  // OpenSSL keeps it, and drops it
  }
  place->reset(session);
  return 1;
}

std::unique_ptr<ByteStream::TlsStream> Trust::Wrap(ByteStream::Socket socket,
                                                   const Endpoint& endpoint, std::string* error) {
  if (!Renew()) {
    *error = "TLS: the authorities to trust cannot be read";
    return nullptr;
  }
  auto stream = std::make_unique<ByteStream::TlsStream>(std::move(socket), *context_);
  SSL* const ssl = stream->native_handle();
  if (endpoint.is_address()) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), endpoint.host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, endpoint.host.c_str());
    SSL_set1_host(ssl, endpoint.host.c_str());
  }
  if (!endpoint.protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(endpoint.protocols.data()),
                        static_cast<unsigned>(endpoint.protocols.size()));
  }
  const auto place = sessions_
                         .try_emplace(endpoint.host + ":" + std::to_string(endpoint.port), nullptr,
                                      &SSL_SESSION_free)
                         .first;
  SSL_set_ex_data(ssl, SessionIndex(), &place->second);
  if (place->second != nullptr) {
    SSL_set_session(ssl, place->second.get());
  }
  return stream;
}

std::string TlsError(ByteStream::TlsStream* stream, const ByteStream::Error& error) {
  const long verified = SSL_get_verify_result(stream->native_handle());
  if (verified != X509_V_OK) {
    return std::string("TLS: ") + X509_verify_cert_error_string(verified);
  }
  if (error.category() == boost::asio::error::get_ssl_category()) {
    const char* const reason = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
    return std::string("TLS: ") + (reason == nullptr ? "handshake failed" : reason);
  }
  return "TLS: the server ended the handshake";
}

}  // namespace huitou
