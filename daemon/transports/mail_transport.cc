#include "daemon/transports/mail_transport.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string_view>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/transports/limits.h"
#include "daemon/transports/signals.h"
#include "daemon/transports/smtp_connection.h"
#include "daemon/transports/smtp_opening.h"

namespace huitou {

using channels::Answer;
using channels::Mail;
using channels::SmtpReply;

namespace {

// What may stand between < and > in an envelope; anything else could end the command.
bool IsAddress(std::string_view address) {
  return !address.empty() && std::none_of(address.begin(), address.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == 0x7f;
  });
}

// Mails that may go by the same connection.
std::string HostOf(const Mail& mail) {
  return mail.url + "\n" + mail.username + "\n" + mail.password + (mail.require_tls ? "\nTLS" : "");
}

}  // namespace

MailTransport::MailTransport(DialOptions options)
    : dialer_(&loop_.context(), std::move(options)),
      pool_(&loop_,
            {.host_connections = transport_limits::kMailConnectionsMax,
             .connections = transport_limits::kConnectionsMax},
            [this](const channels::Request& like, Connection::Owner* owner,
                   ConnectionPool::Connected connected) {
              Connect(std::get<Mail>(like), owner, std::move(connected));
            }),
      signers_(transport_limits::kMailSigners) {
}

MailTransport::~MailTransport() {
  signers_.stop();
  signers_.join();
  loop_.Stop();
}

void MailTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  const TimeUs deadline = SteadyNow() + timeout;
  auto send = [this, deadline, done = std::move(done)](Mail mail) mutable {
    loop_.Post([this, deadline, mail = std::move(mail), done = std::move(done)]() mutable {
      if (!IsAddress(mail.from) || !IsAddress(mail.to)) {
        Answer answer;  // what any server would say
        answer.response = SmtpReply{553, "553 5.1.3 not an address"};
        done(std::move(answer));
        return;
      }
      std::string host = HostOf(mail);
      pool_.Send(host, 1, std::move(mail), deadline - SteadyNow(), std::move(done));
    });
  };
  Mail mail = std::get<Mail>(std::move(request));
  if (mail.sign == nullptr) {
    send(std::move(mail));
    return;
  }
  boost::asio::post(signers_, [mail = std::move(mail), send = std::move(send)]() mutable {
    BlockSignals();
    mail.data.insert(0, mail.sign(mail.data));
    send(std::move(mail));
  });
}

void MailTransport::Connect(const Mail& like, Connection::Owner* owner,
                            ConnectionPool::Connected connected) {
  OpenSmtp(&loop_.context(), &dialer_, like, transport_limits::kMailOpenTimeout,
           [owner, connected = std::move(connected)](std::unique_ptr<ByteStream> stream,
                                                     SmtpExtensions extensions, Answer failure) {
             if (stream == nullptr) {
               connected(nullptr, std::move(failure));
               return;
             }
             const auto connection =
                 std::make_shared<SmtpConnection>(std::move(stream), extensions, owner);
             connection->Open();
             connected(connection, {});
           });
}

}  // namespace huitou
