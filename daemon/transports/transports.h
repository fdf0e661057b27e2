// All the ways out of the process: each request goes to the transport of its kind.
#pragma once

#include "daemon/transports/http_transport.h"
#include "daemon/transports/line_transport.h"
#include "daemon/transports/mail_transport.h"

namespace huitou {

class Transports final : public Transport {
 public:
  explicit Transports(const CurlOptions& options = {}) : http_(options), mail_(options) {}

  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  HttpTransport http_;
  MailTransport mail_;
  LineTransport lines_;
};

}  // namespace huitou
