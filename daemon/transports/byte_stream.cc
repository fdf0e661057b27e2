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

}  // namespace huitou
