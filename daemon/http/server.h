// The HTTP door: a server of bounded threads, queue, time and bytes before a Router's handlers.
// Start and Stop from one thread; handlers run on the server's threads, up to limits::kThreads at
// once. The library behind it (cpp-httplib) stays in server.cc.
//
// Example:
//   auto server = Server::Start({.listen = "127.0.0.1:8080"}, std::move(router), &metrics);
//   if (!server.ok()) return server.status();   // "cannot listen on 127.0.0.1:8080: Address ..."
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/http/limits.h"
#include "daemon/http/message.h"
#include "triggers/base/status.h"

namespace huitou {
class Metrics;
}

namespace huitou::http {

struct ServerOptions {
  std::string listen;  // "127.0.0.1:8080", "[::1]:8080", ":8080" (all); port 0: any
  std::vector<std::string> tokens = {};  // of ParseTokens; empty: see Guard
  std::string tls_certificate = {};      // paths of PEM files, the whole chain; both or none
  std::string tls_key = {};
  DurationUs head_timeout = limits::kHeadTimeout;
};

class Server {
 public:
  // Listens when it returns. kUnavailable when the address cannot be had, kInvalid when it is none
  // or the certificate is not good. `metrics` may be null.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Router router,
                                               Metrics* metrics);
  // Stops; see Stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  // Takes no more connections, answers the requests at hand and returns when all threads ended.
  void Stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou::http
