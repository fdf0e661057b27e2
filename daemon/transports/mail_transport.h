// Mail by SMTP and SMTPS: connections kept and bounded, certificates always verified. Mails are
// signed on threads of their own: with RSA that is most of a mail's work.
//
// A refusal (4yz, 5yz) is an answer: an SmtpReply with the server's code. An outcome is unknown
// only when the end of the text was on its way and no reply came; before that no server may
// deliver.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "daemon/transports/connection_pool.h"
#include "daemon/transports/dialer.h"
#include "daemon/transports/io_loop.h"
#include "daemon/transports/transport.h"

namespace huitou {

class MailTransport final : public Transport {
 public:
  explicit MailTransport(DialOptions options = {});
  ~MailTransport() override;

  // Only for channels::Mail.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  void Connect(const channels::Mail& like, Connection::Owner* owner,
               ConnectionPool::Connected connected);

  IoLoop loop_;
  Dialer dialer_;
  ConnectionPool pool_;
  boost::asio::thread_pool signers_;
};

}  // namespace huitou
