// The few primitives that providers sign with, by OpenSSL. Pure; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace huitou::channels {

// Raw bytes.
std::string HmacSha256(std::string_view key, std::string_view data);
std::string HmacSha1(std::string_view key, std::string_view data);

// The same for a key that signs often: preparing one costs several times a signature.
class HmacSha256Key {
 public:
  explicit HmacSha256Key(std::string_view key);
  ~HmacSha256Key();
  HmacSha256Key(const HmacSha256Key&) = delete;
  HmacSha256Key& operator=(const HmacSha256Key&) = delete;

  std::string Sign(std::string_view data) const;

 private:
  struct Prepared;
  std::unique_ptr<Prepared> prepared_;
};

std::string Sha256(std::string_view data);  // raw bytes

// Lower-case hex digits.
std::string Sha256Hex(std::string_view data);
std::string Sha1Hex(std::string_view data);
std::string ToHex(std::string_view bytes);

std::string ToBase64(std::string_view bytes);
// Nothing unless canonical base64 with its padding.
std::optional<std::string> FromBase64(std::string_view text);

// The same with '-' and '_' and without padding, for URLs.
std::string ToBase64Url(std::string_view bytes);
std::optional<std::string> FromBase64Url(std::string_view text);

// AES-256-CBC without padding; nothing unless the key has 32 bytes, iv 16 and data whole blocks.
std::optional<std::string> DecryptAesCbc(std::string_view key, std::string_view iv,
                                         std::string_view data);

// Whether two texts are equal, in a time that does not tell where they differ.
bool SameSecret(std::string_view a, std::string_view b);

}  // namespace huitou::channels
