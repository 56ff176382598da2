// The PostgreSQL IngestStore (contract: storage/ingest.h). Thread-safe.
//
// A small unit is one transaction on one connection of the pool, and so are many small ones that are handed in
// together. A large one is written in lanes by the
// meter's hash, each a transaction on a connection of its own, between one that makes the ids and one that
// makes the adapter's state: the state is never there before all values are.
#pragma once

#include <memory>

#include "meter_model/quantity/event_facts.h"
#include "storage/ingest.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresIngest final : public IngestStore {
 public:
  // `facts`: which events tell one fact (docs/events.md); empty = each its own.
  explicit PostgresIngest(Database& database, std::size_t lanes = 1, EventFacts facts = {});
  ~PostgresIngest() override;

  Result<CommitCounts> commit(const CommitUnit& unit) override;
  Result<std::vector<CommitCounts>> commit_all(std::span<const CommitUnit> units) override;
  Result<std::vector<UtcInstant>> receipts(std::int32_t utility, const std::string& feed,
                                           const std::string& content_sha256) override;
  Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) override;
  Outcome save_state(const std::string& feed, const std::vector<StateRow>& rows) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::storage
