// HTTP and HTTPS: connections kept alive and bounded, certificates always verified, redirects not
// followed, answers cut at limits::kAnswerBytesMax. HTTP/2 where the server takes it (by ALPN),
// else HTTP/1.1.
#pragma once

#include "daemon/transports/connection_pool.h"
#include "daemon/transports/dialer.h"
#include "daemon/transports/io_loop.h"
#include "daemon/transports/proxies.h"
#include "daemon/transports/transport.h"

namespace huitou {

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(DialOptions options = {}, Proxies proxies = {});
  ~HttpTransport() override;

  // Only for channels::HttpRequest.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  void Connect(const channels::HttpRequest& like, Connection::Owner* owner,
               ConnectionPool::Connected connected);

  const Proxies proxies_;
  IoLoop loop_;
  Dialer dialer_;
  ConnectionPool pool_;
};

}  // namespace huitou
