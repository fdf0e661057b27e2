// Mail by SMTP and SMTPS, by libcurl on a thread of its own: libcurl waits for the answer to QUIT
// where it closes a connection, and a slow mail server must not hold the HTTP channels.
//
// A refusal (4yz, 5yz) is an answer: an SmtpReply with the server's code. An outcome is unknown
// only when the whole message was handed over and no reply came; before that no server may deliver.
#pragma once

#include <memory>
#include <set>

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
  void Start(const std::shared_ptr<Transfer>& transfer);

  const CurlOptions options_;
  IoLoop loop_;
  std::set<curl_socket_t> sockets_;  // open ones; loop's thread
  std::unique_ptr<CurlMulti> multi_;
};

}  // namespace huitou
