// HTTP and HTTPS by libcurl on a thread of its own: connections kept alive and bounded,
// certificates always verified, redirects not followed, answers cut at limits::kAnswerBytesMax.
//
// HTTP/1.1, also where the server offers HTTP/2: servers end an HTTP/2 connection by GOAWAY after
// so many requests and refuse what crosses it, unread. libcurl 7.88 then sends again by itself and
// does not tell this from a connection that broke behind the request, so each of those would be
// ambiguous, and some wait for their timeout on a connection that was ended. Over HTTP/1.1 the
// server's last answer says that it closes, and nothing is in doubt.
#pragma once

#include <memory>

#include "daemon/transports/curl_multi.h"
#include "daemon/transports/transport.h"

namespace huitou {

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(CurlOptions options = {});
  ~HttpTransport() override;

  // Only for channels::HttpRequest.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  struct Transfer;
  void Start(const std::shared_ptr<Transfer>& transfer);

  IoLoop loop_;
  std::unique_ptr<CurlMulti> multi_;
};

}  // namespace huitou
