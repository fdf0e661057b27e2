#include "channels/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "triggers/base/check.h"

namespace huitou::channels {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string* text) {
  return reinterpret_cast<unsigned char*>(text->data());
}

std::string Digest(const EVP_MD* algorithm, std::string_view data) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), Bytes(&digest), &size, algorithm, nullptr) == 1);
  digest.resize(size);
  return digest;
}

std::string Hmac(const EVP_MD* algorithm, std::string_view key, std::string_view data) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  CHECK(HMAC(algorithm, key.data(), static_cast<int>(key.size()), Bytes(data), data.size(),
             Bytes(&mac), &size) != nullptr);
  mac.resize(size);
  return mac;
}

}  // namespace

std::string HmacSha256(std::string_view key, std::string_view data) {
  return Hmac(EVP_sha256(), key, data);
}

std::string HmacSha1(std::string_view key, std::string_view data) {
  return Hmac(EVP_sha1(), key, data);
}

struct HmacSha256Key::Prepared {
  EVP_MAC_CTX* context = nullptr;
  // Has the same key, and is taken out while it is used: copying the context for each signature
  // costs more than the hash does.
  mutable std::atomic<EVP_MAC_CTX*> spare{nullptr};
};

HmacSha256Key::HmacSha256Key(std::string_view key) : prepared_(std::make_unique<Prepared>()) {
  EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHECK(algorithm != nullptr);
  prepared_->context = EVP_MAC_CTX_new(algorithm);
  EVP_MAC_free(algorithm);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                   OSSL_PARAM_construct_end()};
  // An empty key is a key, but a null pointer is none.
  const char* const bytes = key.empty() ? "" : key.data();
  CHECK(EVP_MAC_init(prepared_->context, reinterpret_cast<const unsigned char*>(bytes), key.size(),
                     parameters) == 1);
}

HmacSha256Key::~HmacSha256Key() {
  EVP_MAC_CTX_free(prepared_->spare);
  EVP_MAC_CTX_free(prepared_->context);
}

std::string HmacSha256Key::Sign(std::string_view data) const {
  EVP_MAC_CTX* context = prepared_->spare.exchange(nullptr);
  const bool ready = context == nullptr
                         ? (context = EVP_MAC_CTX_dup(prepared_->context)) != nullptr
                         : EVP_MAC_init(context, nullptr, 0, nullptr) == 1;  // the key stays
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  size_t size = 0;
  CHECK(ready && EVP_MAC_update(context, Bytes(data), data.size()) == 1 &&
        EVP_MAC_final(context, Bytes(&mac), &size, mac.size()) == 1);
  EVP_MAC_CTX_free(prepared_->spare.exchange(context));
  mac.resize(size);
  return mac;
}

std::string Sha256(std::string_view data) {
  return Digest(EVP_sha256(), data);
}

std::string Sha256Hex(std::string_view data) {
  return ToHex(Sha256(data));
}

std::string Sha1Hex(std::string_view data) {
  return ToHex(Digest(EVP_sha1(), data));
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    hex += kHex[static_cast<unsigned char>(byte) >> 4];
    hex += kHex[static_cast<unsigned char>(byte) & 15];
  }
  return hex;
}

std::string ToBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and OpenSSL's closing zero
  const int size = EVP_EncodeBlock(Bytes(&text), Bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.empty()) {
    return std::string();
  }
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(Bytes(&bytes), Bytes(text), static_cast<int>(text.size())) < 0) {
    return std::nullopt;
  }
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  // OpenSSL forgives spaces around, '=' inside and stray last bits; what does not come out the
  // same again was not canonical.
  if (ToBase64(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

std::string ToBase64Url(std::string_view bytes) {
  std::string text = ToBase64(bytes);
  text.erase(std::min(text.find('='), text.size()));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  padded.append((4 - padded.size() % 4) % 4, '=');
  return FromBase64(padded);
}

std::optional<std::string> DecryptAesCbc(std::string_view key, std::string_view iv,
                                         std::string_view data) {
  if (key.size() != 32 || iv.size() != 16 || data.empty() || data.size() % 16 != 0) {
    return std::nullopt;
  }
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  CHECK(context != nullptr);
  CHECK(EVP_DecryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, Bytes(key), Bytes(iv)) == 1);
  CHECK(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  std::string plain(data.size() + 16, '\0');
  int size = 0;
  if (EVP_DecryptUpdate(context.get(), Bytes(&plain), &size, Bytes(data),
                        static_cast<int>(data.size())) != 1) {
    return std::nullopt;
  }
  plain.resize(static_cast<size_t>(size));
  return plain;
}

bool SameSecret(std::string_view a, std::string_view b) {
  // The digests have one length, so that not even that of the secret shows.
  const std::string left = Digest(EVP_sha256(), a);
  const std::string right = Digest(EVP_sha256(), b);
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace huitou::channels
