#include "adapters/wire/secret/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

namespace ami::wire {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

Digest digest(std::string_view text) {
  Digest out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : text_(other.text_) {
  other.wipe();  // a moved-from short string keeps its characters
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = other.text_;
    other.wipe();
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::wipe() noexcept {
  OPENSSL_cleanse(text_.data(), text_.size());
  text_.clear();
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  // Digests are of equal length, so that neither length nor place of a difference shows in the comparison.
  const Digest first = digest(a), second = digest(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

bool constant_time_equal(const Credentials& a, const Credentials& b) {
  const bool user = constant_time_equal(a.user, b.user);
  const bool password = constant_time_equal(a.password.reveal(), b.password.reveal());
  return static_cast<int>(user) + static_cast<int>(password) == 2;
}

}  // namespace ami::wire
