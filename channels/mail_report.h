// Mails that tell of mails: delivery status notifications (bounces, RFC 3464) and complaints of a
// feedback loop (ARF, RFC 5965). Anybody can write one, so only what it says of a dispatch counts,
// whose id nobody else knows, and never an address in it. Pure; any thread.
//
// Example: a bounce of our mail with "Action: failed" and "Status: 5.1.1" is
// {kFailed, dispatch, "5.1.1"}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "triggers/base/hash.h"

namespace huitou::channels {

struct MailReport {
  // kNoNews: on its way, late, or handed to a system that tells no more; a "not spam".
  enum class Kind : uint8_t { kNoNews, kDelivered, kFailed, kComplaint };
  Kind kind = Kind::kNoNews;
  Id128 dispatch;      // of the mail it is about
  std::string status;  // of kFailed: RFC 3463's code, "5.1.1"; empty when it says none
};

// Nothing for what is no such report, or does not tell which of our mails it is about: by the
// Message-ID in the mail that it returns, by its References, or by the address that it came to,
// local+<dispatch>@domain. Of several recipients, which our mails do not have, the first counts.
std::optional<MailReport> ParseMailReport(std::string_view mail);

// "5.1.1" out of "550 5.1.1 <...>: Recipient address rejected"; empty when there is none.
std::string_view EnhancedCode(std::string_view text);

}  // namespace huitou::channels
