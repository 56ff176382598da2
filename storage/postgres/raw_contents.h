// Which contents are kept for which feed, and until when (table raw_content). The bytes: storage/raw.
// Blocking, thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct RawClaim {
  UtilityId utility = 0;
  std::string feed, sha256, name;
  std::uint64_t bytes = 0, compressed_bytes = 0;
  UtcInstant received_at{};
};

// What of a source a person may want to know beside where it came from.
struct SourceStory {
  std::string cause;                    // why it was read again; empty = it arrived
  std::optional<UtcInstant> stored_at;  // when all of it had become part of what we answer; none = not yet
  bool claimed = false;                 // its content is to be kept
  std::uint64_t bytes = 0;              // of the whole content; 0 = not known
};

class RawContents {
 public:
  explicit RawContents(Database& database) : database_(database) {}

  // Called when the files are durable. `keep_months`: 0 = for ever. Receiving a content again makes it stay
  // longer. Together or not at all.
  Outcome claim(std::span<const RawClaim> claims, int keep_months);
  Outcome claim(const RawClaim& claim, int keep_months) { return this->claim({&claim, 1}, keep_months); }

  // Contents of which some claim's time is over at `now` and which nothing holds, at most `limit`, by hash
  // after `after`. Dates are those of today's `keep_months`.
  Result<std::vector<std::string>> expired(int keep_months, UtcInstant now, const std::string& after,
                                           int limit);
  // Drops those claims of one content; says whether its file may go: no claim is left.
  Result<bool> drop_expired(const std::string& sha256, int keep_months, UtcInstant now);
  // Of these contents those that nobody claims.
  Result<std::vector<std::string>> unclaimed(const std::vector<std::string>& sha256s);

  // Of sources of one utility; others are left out.
  Answer<std::map<std::int64_t, SourceStory>> stories(UtilityId utility,
                                                      const std::vector<std::int64_t>& sources);

 private:
  Database& database_;
};

}  // namespace ami::storage
