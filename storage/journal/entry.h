// A message of the journal as it lies on disk, and what proves that it is the one that was put there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/time/instant.h"

namespace ami::storage {

using Digest = std::array<unsigned char, 32>;  // SHA-256

Digest digest_of(std::string_view bytes);
std::string hex_of(const Digest& digest);  // 64 characters

struct StoredMessage {
  std::uint64_t id = 0;
  std::string feed, key;
  UtcInstant received_at{};
  std::string body;
  Digest content{};  // digest_of(body)
};

// Covers every field, so a message whose seal holds is whole and under its own id, feed and key.
Digest seal_of(const StoredMessage& message);

// What the journal holds, written in the transaction that changes it: says how much is missing when pages are
// damaged. It lies beside the messages as the row of id 0, sealed as they are.
struct JournalTally {
  std::uint64_t generation = 0;  // transactions so far
  std::uint64_t messages = 0, bytes = 0;
  std::uint64_t lowest = 0;  // no message below this id is in the journal
  std::uint64_t next = 1;    // id of the next message
};
constexpr std::uint64_t kTallyId = 0;

StoredMessage row_of(const JournalTally& tally);
std::optional<JournalTally> tally_of(const StoredMessage& row);  // nullopt: not a tally

// What a message counts for in max_bytes.
inline std::uint64_t weight_of(const StoredMessage& message) {
  return message.body.size() + message.key.size();
}

}  // namespace ami::storage
