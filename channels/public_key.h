// Public RSA keys: what their owner signed can be checked. Immutable; any thread.
//
//   const auto key = PublicKey::FromPem(text);
//   if (key && key->Verifies(data, signature)) ...
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace huitou::channels {

class PublicKey {
 public:
  // PEM of an RSA key ("BEGIN PUBLIC KEY"). Nothing for what is no such key.
  static std::optional<PublicKey> FromPem(std::string_view pem);

  // Raw bytes: RSA PKCS #1 v1.5 with SHA-256.
  bool Verifies(std::string_view data, std::string_view signature) const;

 private:
  struct Key;
  explicit PublicKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}

  std::shared_ptr<const Key> key_;
};

}  // namespace huitou::channels
