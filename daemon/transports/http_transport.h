// HTTP and HTTPS by libcurl on a thread of its own: connections kept alive and bounded,
// certificates always verified, redirects not followed, answers cut at limits::kAnswerBytesMax.
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
