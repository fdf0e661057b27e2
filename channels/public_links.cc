#include "channels/public_links.h"

#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "channels/limits.h"
#include "triggers/base/check.h"
#include "triggers/base/hash.h"

namespace huitou::channels {
namespace {

constexpr std::string_view kPreferences = "preferences";
constexpr std::string_view kClick = "click";
constexpr size_t kPreferencesTagBytes = 16;  // 128 bits: nobody guesses one
// 64 bits: at a million tries a second one in 300,000 years, and it would count a click.
constexpr size_t kClickTagBytes = 8;
constexpr size_t kDispatchBytes = 6;  // 48 bits among the some hundred messages of one customer
constexpr size_t kDispatchDigits = 2 * kDispatchBytes;
constexpr char kMarketing = 'm';
constexpr char kTransactional = 't';
constexpr char kEnd = '\n';  // cannot stand in the name of a channel or link

// Encrypts, and decrypts just so.
std::string AesCtr(std::string_view key, std::string_view tag, std::string_view text) {
  std::string iv(tag);
  iv.resize(16, '\0');
  const auto bytes = [](std::string_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
  };
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                         &EVP_CIPHER_CTX_free);
  std::string out(text.size(), '\0');
  int written = 0;
  CHECK(cipher != nullptr &&
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_ctr(), nullptr, bytes(key), bytes(iv)) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(out.data()), &written,
                          bytes(text), static_cast<int>(text.size())) == 1);
  return out;
}

std::string PackDispatch(std::string_view digits) {
  std::string padded(digits.substr(0, kDispatchDigits));
  padded.resize(32, '0');
  const uint64_t high = Id128::Parse(padded).high;
  std::string packed;
  for (size_t i = 0; i < kDispatchBytes; ++i) {
    packed += static_cast<char>(high >> (56 - 8 * i) & 0xff);
  }
  return packed;
}

}  // namespace

PublicLinks::PublicLinks(config::PublicConfig config)
    : config_(std::move(config)),
      tag_key_(HmacSha256(config_.secret, "huitou public tag")),
      cipher_key_(HmacSha256(config_.secret, "huitou public cipher")) {
}

std::string PublicLinks::PreferencesUrl(const PreferenceKey& key) const {
  std::string text(1,
                   key.message_class == MessageClass::kTransactional ? kTransactional : kMarketing);
  text.append(key.channel).append(1, kEnd).append(key.customer);
  return config_.url + "/u/" + Seal(kPreferences, kPreferencesTagBytes, text);
}

std::string PublicLinks::ClickUrl(const ClickKey& key) const {
  std::string text = PackDispatch(key.dispatch);
  text.append(key.link).append(1, kEnd).append(key.customer);
  return config_.url + "/l/" + Seal(kClick, kClickTagBytes, text);
}

std::optional<PreferenceKey> PublicLinks::ParsePreferences(std::string_view token) const {
  const auto text = Open(kPreferences, kPreferencesTagBytes, token);
  const size_t end = text ? text->find(kEnd) : std::string::npos;
  if (end == std::string::npos || end == 0) {
    return std::nullopt;
  }
  return PreferenceKey{
      text->substr(end + 1), text->substr(1, end - 1),
      text->front() == kTransactional ? MessageClass::kTransactional : MessageClass::kMarketing};
}

std::optional<ClickKey> PublicLinks::ParseClick(std::string_view token) const {
  const auto text = Open(kClick, kClickTagBytes, token);
  const size_t end =
      text && text->size() >= kDispatchBytes ? text->find(kEnd, kDispatchBytes) : std::string::npos;
  if (end == std::string::npos) {
    return std::nullopt;
  }
  return ClickKey{text->substr(end + 1), ToHex(text->substr(0, kDispatchBytes)),
                  text->substr(kDispatchBytes, end - kDispatchBytes)};
}

const std::string* PublicLinks::TargetOf(const std::string& link) const {
  const auto found = config_.links.find(link);
  return found == config_.links.end() ? nullptr : &found->second;
}

std::string PublicLinks::Seal(std::string_view kind, size_t tag_bytes,
                              std::string_view text) const {
  const std::string tag = Tag(kind, tag_bytes, text);
  return ToBase64Url(tag + AesCtr(cipher_key_, tag, text));
}

std::optional<std::string> PublicLinks::Open(std::string_view kind, size_t tag_bytes,
                                             std::string_view token) const {
  if (token.size() > limits::kPublicTokenBytesMax) {
    return std::nullopt;
  }
  const std::optional<std::string> bytes = FromBase64Url(token);
  if (!bytes || bytes->size() < tag_bytes) {
    return std::nullopt;
  }
  const std::string tag = bytes->substr(0, tag_bytes);
  std::string text = AesCtr(cipher_key_, tag, std::string_view(*bytes).substr(tag_bytes));
  if (!SameSecret(tag, Tag(kind, tag_bytes, text))) {
    return std::nullopt;
  }
  return text;
}

std::string PublicLinks::Tag(std::string_view kind, size_t tag_bytes, std::string_view text) const {
  std::string all(kind);
  all.append(1, kEnd).append(text);
  return tag_key_.Sign(all).substr(0, tag_bytes);
}

}  // namespace huitou::channels
