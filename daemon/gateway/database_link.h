// The gateway's way to PostgreSQL: pools, bring-up, asset data. All calls block.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/gateway_config.h"
#include "daemon/pipeline/directory.h"
#include "daemon/pipeline/metrics.h"
#include "daemon/pipeline/replay.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/changes.h"
#include "storage/postgres/database.h"
#include "storage/postgres/ingest.h"
#include "storage/postgres/maintenance.h"
#include "storage/postgres/readers.h"

namespace ami::daemon {

// Storing has a pool of its own, so that queries neither wait for it nor starve it; it has more connections
// than batches need: for a batch that is read again, and one for the health check.
// Thread-safe.
class DatabaseLink {
 public:
  // `facts`: which events tell one fact.
  DatabaseLink(const DatabaseConfig& config, EventFacts facts, std::size_t query_connections, Metrics& metrics,
               const Log& log);

  // Reachable, of the needed schema, and as roles that do for the work; migrates first when that is configured and
  // needed.
  Outcome check();
  // Creates or updates the configured utilities; returns the id of each by key.
  Result<std::map<std::string, storage::UtilityId>> put_utilities(
      const std::vector<UtilityConfig>& utilities);

  storage::Database& queries() noexcept { return queries_; }
  storage::Database& reader() noexcept { return reader_ ? *reader_ : queries_; }  // for what callers ask
  storage::Maintenance& maintenance() noexcept { return maintenance_; }
  storage::IngestStore& ingest() noexcept { return ingest_; }
  storage::Readers& readers() noexcept { return readers_; }
  storage::Changes& changes() noexcept { return changes_; }
  DirectoryCache& directory() noexcept { return directory_; }

 private:
  Result<storage::DirectorySnapshot> load_directory();
  Outcome check_schema();

  const DatabaseConfig config_;
  Metrics& metrics_;
  const Log& log_;
  storage::Database storing_;
  storage::Database queries_;
  std::optional<storage::Database> reader_;  // with a role of its own
  storage::Database maintaining_;            // without a bound on an answer: to hash a month may take long
  storage::PostgresIngest ingest_;
  storage::Assets assets_;
  storage::Readers readers_;
  storage::Changes changes_;
  storage::Maintenance maintenance_;
  DirectoryCache directory_;
};

}  // namespace ami::daemon
