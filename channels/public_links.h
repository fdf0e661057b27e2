// The addresses that customers get in messages: `/u/{token}`, what they agree to, and `/l/{token}`,
// a page of the shop whose visit is counted. A token holds all it needs, so that every instance
// with the secret reads it and nothing has to be stored per message; it cannot be forged, and says
// nothing to who has not the secret. The same customer and link give the same token.
//
// A token is a synthetic initialisation vector and its text in AES-256-CTR, as in RFC 5297 but with
// HMAC-SHA256, whose tag may be short where a link goes into an SMS. Immutable; any thread.
//
// Example:
//   PublicLinks links(config.public_door);
//   mail += links.PreferencesUrl({"c1", "email", MessageClass::kMarketing});
//   std::optional<PreferenceKey> key = links.ParsePreferences(token);
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "channels/crypto.h"
#include "config/daemon_config.h"
#include "triggers/campaign.h"

namespace huitou::channels {

// Whose preferences, and what one click on "unsubscribe" ends.
struct PreferenceKey {
  std::string customer;
  std::string channel;  // the name in the config file
  MessageClass message_class = MessageClass::kMarketing;
};

struct ClickKey {
  std::string customer;
  std::string dispatch;  // the first hex digits of its id: enough among one customer's
  std::string link;      // the name in the config file
};

class PublicLinks {
 public:
  explicit PublicLinks(config::PublicConfig config);

  std::string PreferencesUrl(const PreferenceKey& key) const;
  // `dispatch` may be a whole id.
  std::string ClickUrl(const ClickKey& key) const;

  // Nothing unless the token was made with this secret.
  std::optional<PreferenceKey> ParsePreferences(std::string_view token) const;
  std::optional<ClickKey> ParseClick(std::string_view token) const;

  // Where the link leads; null when the config has it no more.
  const std::string* TargetOf(const std::string& link) const;

 private:
  std::string Seal(std::string_view kind, size_t tag_bytes, std::string_view text) const;
  std::optional<std::string> Open(std::string_view kind, size_t tag_bytes,
                                  std::string_view token) const;
  std::string Tag(std::string_view kind, size_t tag_bytes, std::string_view text) const;

  const config::PublicConfig config_;
  const HmacSha256Key tag_key_;
  const std::string cipher_key_;
};

}  // namespace huitou::channels
