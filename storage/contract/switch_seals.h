// Seals of the switch audit: a chain of hashes over its lines, kept beside them. docs/audit.md
//
// Order of the chain: a line whose transaction had ended when another's was begun stands before it; of lines of
// transactions that ran side by side the one that was seen first, and of those seen together the lower number.
// So a line whose transaction ends late is sealed late; none is skipped.
//
// Calls block: use them from the database pool. Refusals: storage/postgres/refusal.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/audit/chain.h"
#include "meter_model/time/instant.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct SealHead {
  std::int64_t position = 0;  // 0 = nothing is sealed
  audit::Digest chain = audit::kChainStart;
};

struct SealStep {
  bool busy = false;       // another gateway is at it: nothing was done
  std::size_t sealed = 0;  // lines
  bool more = false;       // as many as were allowed: there may be more
  SealHead head;
};

// Lines that are not sealed.
struct SealTail {
  std::int64_t unsealed = 0;
  std::optional<UtcInstant> oldest{};  // when it was recorded
  UtcInstant now{};                    // both by the clock of the database
};

// A seal and the line that it seals; either may be missing.
struct SealedLine {
  std::int64_t position = 0;  // 0 = not sealed
  std::int64_t audit_id = 0;
  int format = 0;
  audit::Digest row{}, chain{};  // as they are stored
  UtcInstant sealed_at{};
  std::string canonical;  // bytes of the line as it is stored now; empty = there is no such line
};

struct SealQuery {
  std::int32_t utility = 0;
  std::int64_t switch_id = 0;  // 0 = any
  std::string meter{};         // empty = any; lines from before schema 22 have none
  std::int64_t before = 0;     // of a lower audit_id: the last one of the page before; 0 = the first page
  std::size_t limit = 100;
};

// Which database this is.
struct SealPlace {
  std::uint64_t cluster = 0;  // PostgreSQL's system identifier
  std::string database;
  UtcInstant now{};  // by its clock
};

class SealStore {
 public:
  virtual ~SealStore() = default;
  // Seals up to `limit` lines. One thread at a time; any number of gateways: one of them does it, and no two
  // can put a line at the same position.
  virtual Answer<SealStep> seal(std::size_t limit) = 0;
  virtual Answer<SealHead> head() = 0;
  virtual Answer<std::optional<audit::Digest>> chain_at(std::int64_t position) = 0;
  // `whole`: looks at every line; else only at those that may be unsealed as far as seal() has found out.
  virtual Answer<SealTail> tail(bool whole) = 0;
  virtual Answer<SealPlace> place() = 0;
  // In order of position; after `after`.
  virtual Answer<std::vector<SealedLine>> sealed(std::int64_t after, std::size_t limit) = 0;
  // In order of audit_id; after `after`.
  virtual Answer<std::vector<SealedLine>> unsealed(std::int64_t after, std::size_t limit) = 0;
  // Newest first, sealed or not.
  virtual Answer<std::vector<SealedLine>> list(const SealQuery& query) = 0;
};

}  // namespace ami::storage
