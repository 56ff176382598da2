// The PostgreSQL IngestStore (contract: storage/ingest.h). Thread-safe; one connection of the pool a commit.
#pragma once

#include <memory>

#include "storage/ingest.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresIngest final : public IngestStore {
 public:
  explicit PostgresIngest(Database& database);
  ~PostgresIngest() override;

  Result<CommitCounts> commit(const CommitUnit& unit) override;
  Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) override;
  Outcome save_state(const std::string& feed, const std::vector<StateRow>& rows) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::storage
