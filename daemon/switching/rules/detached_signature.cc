#include "daemon/switching/rules/detached_signature.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <limits>
#include <memory>
#include <new>

namespace ami::daemon::switching {
namespace {

constexpr std::size_t kSignatureBytes = 64;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key public_key(std::string_view pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return {nullptr, &EVP_PKEY_free};
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                     &BIO_free);
  if (!in) throw std::bad_alloc();
  return {PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Outcome verify_ed25519(std::string_view bytes, std::string_view signature, std::string_view public_key_pem) {
  if (signature.size() != kSignatureBytes)
    return permanent("the signature has " + std::to_string(signature.size()) + " bytes, not 64");
  const Key key = public_key(public_key_pem);
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    return permanent("the key is no Ed25519 public key in PEM");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
    throw std::bad_alloc();
  if (EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) == 1)
    return Done{};
  return permanent("the signature is not one of these bytes by that key");
}

}  // namespace ami::daemon::switching
