#include "channels/unsubscribe.h"

#include "channels/crypto.h"

namespace huitou::channels {
namespace {

constexpr size_t kTagBytes = 16;  // 128 bits: nobody guesses one in 2^64 tries

std::string Tag(std::string_view secret, std::string_view payload) {
  std::string text = "unsubscribe\n";
  text += payload;
  return HmacSha256(secret, text).substr(0, kTagBytes);
}

}  // namespace

std::string UnsubscribeToken(std::string_view secret, std::string_view channel,
                             std::string_view customer) {
  std::string payload(channel);
  payload += '\n';  // cannot stand in a channel's name
  payload += customer;
  return ToBase64Url(Tag(secret, payload) + payload);
}

std::optional<Unsubscription> ParseUnsubscribeToken(std::string_view secret,
                                                    std::string_view token) {
  const std::optional<std::string> bytes = FromBase64Url(token);
  if (secret.empty() || !bytes || bytes->size() < kTagBytes) {
    return std::nullopt;
  }
  const std::string payload = bytes->substr(kTagBytes);
  if (!SameSecret(bytes->substr(0, kTagBytes), Tag(secret, payload))) {
    return std::nullopt;
  }
  const size_t end = payload.find('\n');
  if (end == std::string::npos) {
    return std::nullopt;
  }
  return Unsubscription{payload.substr(0, end), payload.substr(end + 1)};
}

}  // namespace huitou::channels
