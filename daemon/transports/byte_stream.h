// A TCP connection, encrypted or not: bytes in, bytes out. Everything on the thread of the loop
// whose sockets it was made of.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace huitou {

class ByteStream {
 public:
  using Error = boost::system::error_code;
  using Socket = boost::asio::ip::tcp::socket;
  using TlsStream = boost::asio::ssl::stream<Socket>;

  explicit ByteStream(Socket socket) : stream_(std::move(socket)) {}
  explicit ByteStream(std::unique_ptr<TlsStream> stream) : stream_(std::move(stream)) {}

  // One read at a time: `handler(Error, size_t bytes)`, as soon as there is something.
  template <typename Handler>
  void ReadSome(boost::asio::mutable_buffer buffer, Handler handler) {
    if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
      (*tls)->async_read_some(buffer, std::move(handler));
    } else {
      std::get<Socket>(stream_).async_read_some(buffer, std::move(handler));
    }
  }

  // One write at a time, of all of it: `handler(Error, size_t bytes)`. The bytes stay in place
  // until then.
  template <typename Handler>
  void Write(boost::asio::const_buffer buffer, Handler handler) {
    if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
      boost::asio::async_write(**tls, buffer, std::move(handler));
    } else {
      boost::asio::async_write(std::get<Socket>(stream_), buffer, std::move(handler));
    }
  }

  boost::asio::any_io_executor executor() { return socket().get_executor(); }

  // Without goodbyes; what waits ends with operation_aborted.
  void Close();

  bool encrypted() const { return !std::holds_alternative<Socket>(stream_); }
  // What the server chose by ALPN ("h2"); empty: nothing.
  std::string protocol() const;
  // To go on encrypted (STARTTLS); not of an encrypted one.
  Socket TakeSocket() { return std::move(std::get<Socket>(stream_)); }

 private:
  Socket& socket() {
    auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_);
    return tls != nullptr ? (*tls)->next_layer() : std::get<Socket>(stream_);
  }

  std::variant<Socket, std::unique_ptr<TlsStream>> stream_;
};

}  // namespace huitou
