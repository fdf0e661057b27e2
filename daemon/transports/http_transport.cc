#include "daemon/transports/http_transport.h"

#include <utility>

#include "daemon/transports/http1_connection.h"
#include "daemon/transports/http2_connection.h"
#include "daemon/transports/http_request.h"
#include "daemon/transports/limits.h"

namespace huitou {

using channels::HttpRequest;
using channels::TransportError;

HttpTransport::HttpTransport(DialOptions options, Proxies proxies)
    : proxies_(std::move(proxies)),
      dialer_(&loop_.context(), std::move(options)),
      pool_(&loop_,
            {.host_connections = transport_limits::kHostConnectionsMax,
             .connections = transport_limits::kConnectionsMax},
            [this](const channels::Request& like, Connection::Owner* owner,
                   ConnectionPool::Connected connected) {
              Connect(std::get<HttpRequest>(like), owner, std::move(connected));
            }) {
}

HttpTransport::~HttpTransport() {
  loop_.Stop();
}

void HttpTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  loop_.Post([this, request = std::move(request), timeout, done = std::move(done)]() mutable {
    const std::optional<HttpTarget> target = TargetOf(std::get<HttpRequest>(request));
    if (!target.has_value()) {
      done(NoAnswer(TransportError::kNotSent, "not an HTTP request"));
      return;
    }
    const std::string host = (target->tls ? "https://" : "http://") + target->authority;
    pool_.Send(host, target->tls ? transport_limits::kStreamsMax : 1, std::move(request), timeout,
               std::move(done));
  });
}

void HttpTransport::Connect(const HttpRequest& like, Connection::Owner* owner,
                            ConnectionPool::Connected connected) {
  Endpoint endpoint = TargetOf(like)->endpoint;
  const Proxy* const proxy = proxies_.For(endpoint);
  if (endpoint.tls) {
    endpoint.protocols = "\x02h2\x08http/1.1";
  }
  // An https:// request goes through a proxy, an http:// request to it.
  const Proxy* const to_proxy = endpoint.tls ? nullptr : proxy;
  Dialer::Done dialled = [this, owner, to_proxy, connected = std::move(connected)](
                             std::unique_ptr<ByteStream> stream, std::string error) {
    if (stream == nullptr) {
      connected(nullptr, NoAnswer(TransportError::kNotSent, std::move(error)));
    } else if (stream->protocol() == "h2") {
      const auto connection = std::make_shared<Http2Connection>(std::move(stream), owner);
      const std::weak_ptr<Connection> weak = connection;
      connection->Open(dialer_.connect_timeout(), [weak, connected](const std::string& failed) {
        if (failed.empty()) {
          connected(weak.lock(), {});
        } else {
          connected(nullptr, NoAnswer(TransportError::kNotSent, failed));
        }
      });
    } else {
      const auto connection = std::make_shared<Http1Connection>(std::move(stream), to_proxy, owner);
      connection->Open();
      connected(connection, {});
    }
  };
  if (endpoint.tls && proxy != nullptr) {
    dialer_.DialThrough(*proxy, endpoint, std::move(dialled));
  } else {
    dialer_.Dial(proxy != nullptr ? proxy->endpoint : endpoint, std::move(dialled));
  }
}

}  // namespace huitou
