// All the ways out of the process: each request goes to the transport of its kind.
#pragma once

#include "daemon/transports/http_transport.h"
#include "daemon/transports/line_transport.h"
#include "daemon/transports/mail_transport.h"
#include "daemon/transports/record_transport.h"

namespace huitou {

class Transports final : public Transport {
 public:
  struct Options {
    DialOptions dial;
    Proxies proxies;   // for HTTP
    bool sync = true;  // files' lines are on disk before they are answered
  };

  Transports() : Transports(Options()) {}
  explicit Transports(const Options& options)
      : http_(options.dial, options.proxies), mail_(options.dial), files_(options.sync) {}

  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  HttpTransport http_;
  MailTransport mail_;
  LineTransport files_;
  LineTransport console_;  // apart: one that nobody reads holds up no file
  RecordTransport records_;
};

}  // namespace huitou
