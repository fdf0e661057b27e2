// Mail by SMTP and SMTPS, by libcurl on threads of its own. libcurl does nothing else while it
// waits for the reply to a whole message, or to QUIT: one mail at a time on a thread, so each that
// is on its way at the same time gets its own, up to a bound, and none of them holds the HTTP
// channels. They also sign: with RSA that is most of a mail's work.
//
// A refusal (4yz, 5yz) is an answer: an SmtpReply with the server's code. An outcome is unknown
// only when the whole message was handed over and no reply came; before that no server may deliver.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/transports/curl_multi.h"
#include "daemon/transports/transport.h"

namespace huitou {

class MailTransport final : public Transport {
 public:
  explicit MailTransport(CurlOptions options = {});
  ~MailTransport() override;

  // Only for channels::Mail.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  struct Transfer;
  struct Lane {
    explicit Lane(const CurlOptions& options);

    std::atomic<int> busy = 0;
    IoLoop loop;
    std::unique_ptr<CurlMulti> multi;
  };
  // The first that is idle, for its open connections; else a new one, else the least busy.
  Lane* PickLane();
  static void Start(Lane* lane, const std::shared_ptr<Transfer>& transfer);

  const CurlOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // under mutex_
};

}  // namespace huitou
