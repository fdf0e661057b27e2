#include "channels/private_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "triggers/base/check.h"

namespace huitou::channels {
namespace {

// Without it OpenSSL asks the terminal for the passphrase of a key that has one.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

}  // namespace

struct PrivateKey::Key {
  explicit Key(EVP_PKEY* key) : pkey(key) {}
  ~Key() { EVP_PKEY_free(pkey); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  EVP_PKEY* const pkey;
};

std::optional<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  CHECK(memory != nullptr);
  EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(memory.get(), nullptr, &NoPassphrase, nullptr);
  ERR_clear_error();  // what went wrong must not be taken for a later call's mistake
  if (pkey == nullptr) {
    return std::nullopt;
  }
  auto key = std::make_shared<const Key>(pkey);
  const int id = EVP_PKEY_base_id(pkey);
  if (id != EVP_PKEY_RSA && id != EVP_PKEY_ED25519) {
    return std::nullopt;
  }
  return PrivateKey(std::move(key));
}

PrivateKey::Kind PrivateKey::kind() const {
  return EVP_PKEY_base_id(key_->pkey) == EVP_PKEY_RSA ? Kind::kRsa : Kind::kEd25519;
}

int PrivateKey::bits() const {
  return EVP_PKEY_bits(key_->pkey);
}

std::string PrivateKey::Sign(std::string_view data) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  CHECK(context != nullptr);
  const EVP_MD* const digest = kind() == Kind::kRsa ? EVP_sha256() : nullptr;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(data.data());
  size_t size = 0;
  CHECK(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_->pkey) == 1 &&
        EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes, data.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace huitou::channels
