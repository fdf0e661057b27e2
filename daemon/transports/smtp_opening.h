// A mail server's connection until it takes mail: greeting, EHLO, STARTTLS where encryption is
// required, AUTH where there is a user (RFC 5321, 3207, 4954). Everything on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "channels/channel.h"
#include "daemon/transports/byte_stream.h"
#include "daemon/transports/dialer.h"
#include "daemon/transports/smtp_replies.h"
#include "triggers/base/time.h"

namespace huitou {

// `stream` is ready for MAIL; null: `failure` is the answer to the mails that wait for it, a reply
// where the server refused, else not sent.
using SmtpOpened = std::function<void(std::unique_ptr<ByteStream> stream, SmtpExtensions extensions,
                                      channels::Answer failure)>;

// For mails with this URL, user and wish for TLS. `done` once, perhaps from within the call, within
// `timeout`. The dialer must outlive it; when the loop ends before, `done` is not called.
void OpenSmtp(boost::asio::io_context* context, Dialer* dialer, const channels::Mail& like,
              DurationUs timeout, SmtpOpened done);

}  // namespace huitou
