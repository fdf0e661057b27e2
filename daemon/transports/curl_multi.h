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
  // The loop must have been stopped. Transfers that are open end without a word, kept connections
  // are shut down without waiting for goodbyes.
  ~CurlMulti();

  // A handle with what every transfer has: timeouts, TLS always verified, no redirects, only the
  // protocols that are named ("http,https").
  CURL* NewHandle(const CurlOptions& options, const char* protocols, const std::string& url,
                  DurationUs timeout);
  // Takes the handle back; calls `done` when its transfer has ended. Whoever needs something of it
  // asks in `done`: it serves another transfer after that.
  void Start(CURL* easy, std::function<void(CURLcode)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The answer when none came, in words without addresses.
channels::Answer FailedAnswer(channels::TransportError error, CURLcode code);

}  // namespace huitou
