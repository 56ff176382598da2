// A place in the change feed of one database, and its text for subscribers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ami::storage {

// Which feed a place belongs to. A copy of the database, a restored dump or another cluster has another one.
struct FeedIdentity {
  std::uint64_t cluster = 0;   // PostgreSQL's system identifier
  std::uint32_t database = 0;  // its oid, and that of the table of changes
  std::uint32_t table = 0;
  std::int32_t generation = 0;
  bool operator==(const FeedIdentity&) const = default;
};

// "Everything up to here": changes are ordered by the transaction that made them, then by their number.
struct ChangePosition {
  std::int64_t txid = 0;
  std::int64_t change_id = 0;
  auto operator<=>(const ChangePosition&) const = default;
};

struct ChangeCursor {
  FeedIdentity feed;
  ChangePosition at;
  bool operator==(const ChangeCursor&) const = default;
};

// Letters and digits only. Good for ever: it outlives the gateway, and another gateway on the same database
// understands it.
std::string to_token(const ChangeCursor& cursor);
// nullopt: not one of ours, or damaged on the way.
std::optional<ChangeCursor> parse_cursor(std::string_view token);

}  // namespace ami::storage
