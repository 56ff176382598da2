#include "meter_model/audit/chain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace ami::audit {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void put(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xFFU);
}

}  // namespace

std::string hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) out += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  return out;
}

std::optional<Digest> digest_from_hex(std::string_view text) {
  Digest out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.at(i) = static_cast<unsigned char>(high * 16 + low);
  }
  return out;
}

std::optional<Digest> digest_from_bytes(std::string_view bytes) {
  Digest out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::ranges::transform(bytes, out.begin(), [](char c) { return static_cast<unsigned char>(c); });
  return out;
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

struct Sha256::Impl {
  // Looked up once: OpenSSL 3 takes longer to find an algorithm than to hash a line.
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                            &EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  if (!impl_->algorithm || !impl_->context) throw std::bad_alloc();
}
Sha256::~Sha256() = default;

Digest Sha256::of(std::string_view bytes) {
  Digest out{};
  unsigned int length = 0;
  if (EVP_DigestInit_ex(impl_->context.get(), impl_->algorithm.get(), nullptr) != 1 ||
      EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(impl_->context.get(), out.data(), &length) != 1)
    throw std::runtime_error("SHA-256 failed");
  return out;
}

Digest Sha256::chain(const Digest& before, std::int64_t position, UtcInstant sealed_at, const Digest& row) {
  std::string bytes(bytes_of(before));
  put(bytes, static_cast<std::uint64_t>(position));
  put(bytes, static_cast<std::uint64_t>(sealed_at.time_since_epoch().count()));
  bytes += bytes_of(row);
  return of(bytes);
}

}  // namespace ami::audit
