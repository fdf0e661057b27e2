// libcurl's multi interface on an IoLoop: many transfers on one thread. What HTTP and mail share;
// only the transports include it. Everything on the loop's thread but construction and destruction.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>

#include "channels/channel.h"
#include "daemon/transports/io_loop.h"
#include "triggers/base/time.h"

namespace huitou {

struct CurlOptions {
  std::string ca_file;             // PEM with the authorities to trust; empty: the system's
  DurationUs connect_timeout = 0;  // 0: limits::kConnectTimeout
};

class CurlMulti {
 public:
  explicit CurlMulti(IoLoop* loop);
  // The loop must have been stopped. Transfers that are open end without a word.
  ~CurlMulti();

  // Takes the handle; calls `done` when it has ended, and frees it then.
  void Start(CURL* easy, std::function<void(CURLcode)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A handle with what every transfer has: timeouts, TLS always verified, no redirects, only the
// protocols that are named ("http,https").
CURL* NewCurlHandle(const CurlOptions& options, const char* protocols, const std::string& url,
                    DurationUs timeout);

// The answer when none came, in words without addresses.
channels::Answer FailedAnswer(channels::TransportError error, CURLcode code);

}  // namespace huitou
