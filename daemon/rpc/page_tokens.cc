#include "daemon/rpc/page_tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

namespace ami::rpc {
namespace {

constexpr std::size_t kStampSize = 8;
constexpr std::size_t kSignatureSize = 32;
constexpr std::size_t kLongestToken = 4096;

unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_base64url(std::string_view data) {
  std::string text(4 * ((data.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(bytes(text), bytes(data), static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(length));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::optional<std::string> from_base64url(std::string_view token) {
  if (token.empty() || token.size() > kLongestToken || token.size() % 4 != 0) return std::nullopt;
  std::string text(token);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  std::string data(3 * (text.size() / 4), '\0');
  const int length =
      EVP_DecodeBlock(bytes(data), bytes(std::string_view(text)), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  data.resize(static_cast<std::size_t>(length) - padding);
  return data;
}

}  // namespace

PageTokens::PageTokens() {
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) {
    throw std::runtime_error("no random bytes for the page token key");
  }
}

std::string PageTokens::sign(std::string_view payload, std::string_view request) const {
  // The payload's length stands first, so that no other split of the same bytes has the same signature.
  std::string message = std::to_string(payload.size());
  message.append(":").append(payload).append(request);
  std::string signature(kSignatureSize, '\0');
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes(std::string_view(message)),
           message.size(), bytes(signature), &size) == nullptr) {
    throw std::runtime_error("HMAC failed");
  }
  return signature;
}

std::string PageTokens::seal(std::string_view cursor, std::string_view request, UtcInstant now) const {
  const auto stamp = static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::string payload;
  for (std::size_t i = 0; i < kStampSize; ++i)
    payload.push_back(static_cast<char>((stamp >> (8 * i)) & 0xFF));
  payload.append(cursor);
  return to_base64url(sign(payload, request) + payload);
}

PageTokens::Opened PageTokens::open(std::string_view token, std::string_view request, UtcInstant now) const {
  const std::optional<std::string> data = from_base64url(token);
  if (!data || data->size() < kSignatureSize + kStampSize) return {};
  const std::string_view payload = std::string_view(*data).substr(kSignatureSize);
  const std::string expected = sign(payload, request);
  if (CRYPTO_memcmp(expected.data(), data->data(), kSignatureSize) != 0) return {};
  std::uint64_t stamp = 0;
  for (std::size_t i = 0; i < kStampSize; ++i) {
    stamp |= std::uint64_t{static_cast<unsigned char>(payload[i])} << (8 * i);
  }
  const UtcInstant sealed_at{std::chrono::microseconds{static_cast<std::int64_t>(stamp)}};
  if (now - sealed_at >= kLifetime) return {Opened::State::Expired, {}};
  return {Opened::State::Valid, std::string(payload.substr(kStampSize))};
}

}  // namespace ami::rpc
