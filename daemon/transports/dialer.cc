#include "daemon/transports/dialer.h"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include "daemon/transports/limits.h"
#include "daemon/transports/proxy_tunnel.h"

namespace huitou {

namespace asio = boost::asio;

namespace {

// No text of the system's: those of some systems name the address.
std::string ConnectError(const ByteStream::Error& error) {
  if (error == asio::error::connection_refused) {
    return "connection refused";
  }
  if (error == asio::error::network_unreachable || error == asio::error::host_unreachable) {
    return "host unreachable";
  }
  if (error == asio::error::no_descriptors) {
    return "too many open files";
  }
  return "connection failed: " + error.message();
}

}  // namespace

// One connection on its way. Keeps itself until it has ended.
class Dialer::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Dialer* dialer, Endpoint endpoint, Done done)
      : dialer_(*dialer),
        endpoint_(std::move(endpoint)),
        done_(std::move(done)),
        deadline_(dialer->context_),
        pace_(dialer->context_) {}

  void ConnectThrough(Proxy proxy) {
    proxy_ = std::move(proxy);
    Connect();
  }

  void Connect() {
    Arm();
    dialer_.resolver_.Resolve(next_hop().host,
                              [self = shared_from_this()](const Resolver::Addresses& addresses,
                                                          const std::string& error) {
                                self->phase_ = "timed out while connecting";
                                self->addresses_ = addresses;
                                self->error_ = error.empty() ? "no such host" : error;
                                self->TryNext();
                              });
  }

  void Encrypt(ByteStream::Socket socket) {
    Arm();
    Handshake(std::move(socket));
  }

 private:
  void Arm() {
    deadline_.expires_after(std::chrono::microseconds(dialer_.connect_timeout_));
    deadline_.async_wait([weak = weak_from_this()](const ByteStream::Error& error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) {
        self->error_ = self->phase_;
        self->End(nullptr);
      }
    });
  }

  const Endpoint& next_hop() const { return proxy_.has_value() ? proxy_->endpoint : endpoint_; }

  void Tunnel(ByteStream::Socket socket) {
    phase_ = "timed out waiting for the proxy";
    tunnel_ = std::make_shared<ProxyTunnel>(std::move(socket));
    tunnel_->Open(*proxy_, endpoint_, [self = shared_from_this()](std::string error) {
      if (self->done_ == nullptr) {
        return;
      }
      self->error_ = std::move(error);
      if (self->error_.empty()) {
        self->Proceed(self->tunnel_->TakeSocket());
      } else {
        self->End(nullptr);
      }
    });
  }

  // The socket leads to the endpoint.
  void Proceed(ByteStream::Socket socket) {
    if (endpoint_.tls) {
      Handshake(std::move(socket));
    } else {
      End(std::make_unique<ByteStream>(std::move(socket)));
    }
  }

  void Handshake(ByteStream::Socket socket) {
    phase_ = "TLS: timed out";
    tls_ = dialer_.trust_.Wrap(std::move(socket), endpoint_, &error_);
    if (tls_ == nullptr) {
      End(nullptr);
      return;
    }
    tls_->async_handshake(
        asio::ssl::stream_base::client,
        [self = shared_from_this()](const ByteStream::Error& error) { self->OnHandshake(error); });
  }

  // The next address, beside those that have not answered yet.
  void TryNext() {
    if (done_ == nullptr) {
      return;
    }
    if (next_ == addresses_.size()) {
      if (sockets_.empty()) {
        End(nullptr);
      }
      return;
    }
    const auto socket = sockets_.emplace(sockets_.end(), dialer_.context_);
    const asio::ip::tcp::endpoint address(addresses_[next_++], next_hop().port);
    socket->async_connect(address,
                          [self = shared_from_this(), socket](const ByteStream::Error& error) {
                            self->OnConnect(socket, error);
                          });
    pace_.expires_after(std::chrono::microseconds(transport_limits::kNextAddressDelay));
    pace_.async_wait([weak = weak_from_this()](const ByteStream::Error& error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) {
        self->TryNext();
      }
    });
  }

  void OnConnect(std::list<ByteStream::Socket>::iterator socket, const ByteStream::Error& error) {
    if (done_ == nullptr || connected_) {
      return;  // `socket` went with the others
    }
    if (error) {
      error_ = ConnectError(error);
      sockets_.erase(socket);
      TryNext();
      return;
    }
    connected_ = true;
    ByteStream::Socket winner = std::move(*socket);
    sockets_.clear();
    pace_.cancel();
    ByteStream::Error ignored;
    winner.set_option(asio::ip::tcp::no_delay(true), ignored);
    if (proxy_.has_value()) {
      Tunnel(std::move(winner));
    } else {
      Proceed(std::move(winner));
    }
  }

  void OnHandshake(const ByteStream::Error& error) {
    if (done_ == nullptr) {
      return;
    }
    if (error) {
      error_ = TlsError(tls_.get(), error);
      End(nullptr);
    } else {
      End(std::make_unique<ByteStream>(std::move(tls_)));
    }
  }

  void End(std::unique_ptr<ByteStream> stream) {
    if (done_ == nullptr) {
      return;
    }
    const auto self = shared_from_this();
    deadline_.cancel();
    pace_.cancel();
    sockets_.clear();
    if (tunnel_ != nullptr) {
      tunnel_->Close();
    }
    if (tls_ != nullptr) {
      ByteStream::Error ignored;
      tls_->next_layer().close(ignored);  // the handshake's handler still holds this
    }
    const Done done = std::exchange(done_, nullptr);
    std::string error = stream == nullptr ? std::move(error_) : std::string();
    done(std::move(stream), std::move(error));
  }

  Dialer& dialer_;
  const Endpoint endpoint_;
  std::optional<Proxy> proxy_;
  Done done_;  // null: ended
  asio::steady_timer deadline_;
  asio::steady_timer pace_;
  const char* phase_ = "timed out while looking up the host's name";
  std::string error_;  // the last one
  Resolver::Addresses addresses_;
  size_t next_ = 0;                        // of addresses_
  std::list<ByteStream::Socket> sockets_;  // that are connecting
  bool connected_ = false;
  std::shared_ptr<ProxyTunnel> tunnel_;
  std::unique_ptr<ByteStream::TlsStream> tls_;
};

Dialer::Dialer(asio::io_context* context, DialOptions options)
    : context_(*context),
      connect_timeout_(options.connect_timeout > 0 ? options.connect_timeout
                                                   : transport_limits::kConnectTimeout),
      resolver_(context),
      trust_(std::move(options.ca_file)) {
}

void Dialer::Dial(const Endpoint& endpoint, Done done) {
  std::make_shared<Attempt>(this, endpoint, std::move(done))->Connect();
}

void Dialer::DialThrough(const Proxy& proxy, const Endpoint& endpoint, Done done) {
  std::make_shared<Attempt>(this, endpoint, std::move(done))->ConnectThrough(proxy);
}

void Dialer::Encrypt(std::unique_ptr<ByteStream> stream, const Endpoint& endpoint, Done done) {
  std::make_shared<Attempt>(this, endpoint, std::move(done))->Encrypt(stream->TakeSocket());
}

}  // namespace huitou
