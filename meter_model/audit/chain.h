// SHA-256 and the chain of hashes over the lines of the switch audit. docs/audit.md
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/time/instant.h"

namespace ami::audit {

using Digest = std::array<unsigned char, 32>;
inline constexpr Digest kChainStart{};  // before position 1

std::string hex(const Digest& digest);  // 64 lower-case digits
std::optional<Digest> digest_from_hex(std::string_view text);
std::optional<Digest> digest_from_bytes(std::string_view bytes);  // 32 of them
std::string_view bytes_of(const Digest& digest);                  // valid as long as the digest

// Keeps what is dear to make; one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Digest of(std::string_view bytes);
  // Of 80 bytes: the chain hash before, the position and the microseconds since 1970 of sealed_at (eight bytes
  // each, the highest first), the row's hash.
  Digest chain(const Digest& before, std::int64_t position, UtcInstant sealed_at, const Digest& row);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::audit
