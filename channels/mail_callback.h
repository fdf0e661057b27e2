// What becomes of mails that a server took: bounces, complaints and deliveries, however they are
// told, as receipts. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/channel.h"

namespace huitou::channels {

// One mail that failed, with what is known of it.
struct Bounce {
  Id128 dispatch;                   // or
  std::string provider_message_id;  // or
  std::string address;              // only from somebody who has proved to be the mail server
  std::string status;               // RFC 3463's code, "5.1.1", or empty
  bool hard = false;                // whatever the code says, the address is not to be used again
  TimeUs time = 0;
};

// The receipts of a failed mail, with the reason that the table of answers has for its status; the
// first ends the channel for whoever has an address that does not exist.
std::vector<Receipt> BounceReceipts(const Bounce& bounce, std::span<const AnswerRule> answers);

// Of a person who called it spam: no more of it.
Receipt ComplaintReceipt(Id128 dispatch, std::string provider_message_id, std::string address,
                         TimeUs time);

// A mail as ParseMailReport takes it; nothing for what is none.
std::optional<std::vector<Receipt>> MailReportReceipts(std::string_view mail,
                                                       std::span<const AnswerRule> answers);

// The generic webhook, called by somebody who has shown the secret: a mail (message/rfc822), or
// JSON, an object or an array of objects:
//   {"event": "bounce" | "complaint" | "unsubscribe" | "delivered", "message_id": "<...@...>",
//    "address": "...", "status": "5.1.1", "time": RFC 3339}
CallbackReply DecodeMailCallback(const CallbackRequest& request,
                                 std::span<const AnswerRule> answers);

// The dispatch in a Message-ID of ours, with or without its brackets; empty for another's.
Id128 DispatchOfMessageId(std::string_view message_id);

}  // namespace huitou::channels
