#include "channels/public_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "triggers/base/check.h"

namespace huitou::channels {

struct PublicKey::Key {
  explicit Key(EVP_PKEY* key) : pkey(key) {}
  ~Key() { EVP_PKEY_free(pkey); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  EVP_PKEY* const pkey;
};

std::optional<PublicKey> PublicKey::FromPem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  CHECK(memory != nullptr);
  EVP_PKEY* const pkey = PEM_read_bio_PUBKEY(memory.get(), nullptr, nullptr, nullptr);
  ERR_clear_error();  // what went wrong must not be taken for a later call's mistake
  if (pkey == nullptr) {
    return std::nullopt;
  }
  auto key = std::make_shared<const Key>(pkey);
  if (EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA) {
    return std::nullopt;
  }
  return PublicKey(std::move(key));
}

bool PublicKey::Verifies(std::string_view data, std::string_view signature) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  CHECK(context != nullptr);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey) == 1 &&
      EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(data),
                       data.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace huitou::channels
