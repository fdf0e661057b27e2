#include "daemon/transports/proxy_tunnel.h"

#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <string>
#include <utility>

namespace huitou {

namespace asio = boost::asio;

namespace {

std::string AuthorityOf(const Endpoint& target) {
  const bool six = target.host.find(':') != std::string::npos;
  return (six ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

}  // namespace

void ProxyTunnel::Open(const Proxy& proxy, const Endpoint& target, Done done) {
  done_ = std::move(done);
  const std::string authority = AuthorityOf(target);
  out_ = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!proxy.authorization.empty()) {
    out_ += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  }
  out_ += "\r\n";
  parser_.skip(true);  // no body behind a yes, and nobody reads that of a no
  asio::async_write(
      socket_, asio::buffer(out_),
      [self = shared_from_this()](const ByteStream::Error& /*error*/, size_t /*bytes*/) {
        self->Read();  // also tells of an error
      });
}

void ProxyTunnel::Read() {
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](
                                                     const ByteStream::Error& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

void ProxyTunnel::OnRead(const ByteStream::Error& error, size_t bytes) {
  if (done_ == nullptr) {
    return;
  }
  if (error) {
    End("the proxy closed the connection");
    return;
  }
  in_.append(buffer_.data(), bytes);
  ByteStream::Error wrong;
  in_.erase(0, parser_.put(asio::buffer(in_), wrong));
  if (wrong && wrong != boost::beast::http::error::need_more) {
    End("the proxy's answer is not HTTP: " + wrong.message());
  } else if (!parser_.is_done()) {
    Read();
  } else if (const int status = parser_.response().status; status / 100 != 2) {
    End("the proxy refused the connection with " + std::to_string(status));
  } else if (!in_.empty()) {  // no server of TLS speaks first
    End("the proxy said more than its answer");
  } else {
    End({});
  }
}

void ProxyTunnel::End(std::string error) {
  std::exchange(done_, nullptr)(std::move(error));
}

void ProxyTunnel::Close() {
  done_ = nullptr;
  ByteStream::Error ignored;
  socket_.close(ignored);
}

}  // namespace huitou
