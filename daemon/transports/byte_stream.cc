#include "daemon/transports/byte_stream.h"

namespace huitou {

std::string ByteStream::protocol() const {
  const auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_);
  if (tls == nullptr) {
    return {};
  }
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected((*tls)->native_handle(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void ByteStream::Close() {
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
    // Else OpenSSL would take the missing goodbye for an attack, and its session for no more use.
    SSL_set_shutdown((*tls)->native_handle(), SSL_SENT_SHUTDOWN);
  }
  Error ignored;
  socket().close(ignored);
}

}  // namespace huitou
