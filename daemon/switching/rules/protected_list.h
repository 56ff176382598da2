// A protected list as the utility hands it in: a file of lines and a detached Ed25519 signature over its bytes.
//
//   ami-protected-list 1
//   utility: north
//   list: MEDICAL
//   version: 42
//   made_at: 2026-01-15T06:00:00Z
//   entries: 2
//
//   UP-1
//   UP-2
//
// Six lines in this order, an empty one, then one key of a usage point a line. Lines end with a line feed, also
// the last one. How to sign: docs/switching-policy.md. Pure; files are read by the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "storage/contract/protected_lists.h"

namespace ami::daemon::switching {

inline constexpr std::size_t kLongestListBytes = std::size_t{64} << 20U;
inline constexpr std::size_t kLongestKey = 200;

struct ProtectedListText {
  std::string utility;  // key
  storage::ProtectedKind kind = storage::ProtectedKind::Medical;
  std::int64_t version = 0;
  UtcInstant made_at{};
  std::vector<std::string> usage_points;  // in the order of the file, each once
};

// Permanent: "line N: what is wrong". Says nothing of who wrote it.
Result<ProtectedListText> parse_protected_list(std::string_view text);

// Whose signature is taken.
struct ListKey {
  std::string name;  // "crm-2026"; kept with each list
  std::string public_key_pem;
};

// One list that is whole, of that utility, signed with one of the keys and not of the future (5 minutes are
// allowed for clocks). `signature` is the 64 raw bytes. Permanent: what is wrong. `utility_id` and `actor` go
// into the import as they are.
Result<storage::ProtectedImport> signed_list(std::string_view file, std::string_view signature,
                                             std::span<const ListKey> keys, const std::string& utility,
                                             std::int32_t utility_id, const std::string& actor, UtcInstant now);

}  // namespace ami::daemon::switching
