// The token in an unsubscribe link: says who stops which channel, and cannot be forged. It holds
// all it needs, so that a link works as long as the secret stays. Pure; any thread.
//
// Example: the channel smtp puts UnsubscribeToken(secret, "email", "c1") into its links, the
// daemon's GET /u/{token} reads it with ParseUnsubscribeToken.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace huitou::channels {

struct Unsubscription {
  std::string channel;  // the name in the config file
  std::string customer;
};

std::string UnsubscribeToken(std::string_view secret, std::string_view channel,
                             std::string_view customer);

// Nothing unless the token was made with this secret.
std::optional<Unsubscription> ParseUnsubscribeToken(std::string_view secret,
                                                    std::string_view token);

}  // namespace huitou::channels
