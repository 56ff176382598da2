// The signed head of the switch audit: what stood at the end of the chain at a moment, signed with Ed25519 and
// kept outside the database. A small text, one "name: value" a line; its format: docs/audit.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/audit/chain.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::audit {

struct Head {
  std::int64_t position = 0;  // of the last seal; 0 = nothing is sealed yet
  Digest chain = kChainStart;
  UtcInstant at{};             // by the clock of the database
  UtcInstant gateway_at{};     // by the gateway's
  std::uint64_t cluster = 0;   // PostgreSQL's system identifier
  std::string database;        // its name
  std::string gateway;         // who wrote it
  std::int64_t unsealed = 0;   // lines that were not sealed at that moment
  std::string previous{};      // name of the head file before; empty = this is the first
  std::optional<Digest> previous_sha256{};  // of its bytes
  bool operator==(const Head&) const = default;
};

// The whole file, signature included. Permanent: the key is not an Ed25519 private key in PEM.
Result<std::string> sign_head(const Head& head, std::string_view private_key_pem);
// What it says; whether that is true the signature says.
Result<Head> parse_head(std::string_view text);
// Permanent: not signed with the private half of this key, or something in it was changed.
Outcome check_signature(std::string_view text, std::string_view public_key_pem);

}  // namespace ami::audit
