// An RSA or Ed25519 key that signs, by OpenSSL. The same bytes always give the same signature.
// Immutable; any thread.
//
// Example: auto key = PrivateKey::FromPem(pem); key->Sign("what is signed");
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace huitou::channels {

class PrivateKey {
 public:
  enum class Kind : uint8_t { kRsa, kEd25519 };

  // PEM as openssl writes it ("BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY"), without a passphrase.
  // Nothing for what is no such key.
  static std::optional<PrivateKey> FromPem(std::string_view pem);

  Kind kind() const;
  int bits() const;
  // Raw bytes: RSA PKCS #1 v1.5 with SHA-256, or Ed25519 of the data itself.
  std::string Sign(std::string_view data) const;

 private:
  struct Key;
  explicit PrivateKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}

  std::shared_ptr<const Key> key_;
};

}  // namespace huitou::channels
