// The gateway's way to PostgreSQL: pools, bring-up, asset data. All calls block.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/config/gateway_config.h"
#include "daemon/pipeline/directory.h"
#include "daemon/pipeline/metrics.h"
#include "daemon/pipeline/replay.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/ingest.h"
#include "storage/postgres/readers.h"

namespace ami::daemon {

// Storing has a pool of its own, so that queries and health checks neither wait for it nor starve it.
// Thread-safe.
class DatabaseLink {
 public:
  DatabaseLink(const DatabaseConfig& config, std::size_t query_connections, Metrics& metrics, const Log& log);

  // Reachable and of the needed schema; migrates first when that is configured and needed.
  Outcome check();
  // Creates or updates the configured utilities; returns the id of each by key.
  Result<std::map<std::string, storage::UtilityId>> put_utilities(
      const std::vector<UtilityConfig>& utilities);

  storage::Database& queries() noexcept { return queries_; }
  storage::IngestStore& ingest() noexcept { return ingest_; }
  storage::Readers& readers() noexcept { return readers_; }
  DirectoryCache& directory() noexcept { return directory_; }

 private:
  Result<storage::DirectorySnapshot> load_directory();

  const DatabaseConfig config_;
  Metrics& metrics_;
  const Log& log_;
  storage::Database storing_;
  storage::Database queries_;
  storage::PostgresIngest ingest_;
  storage::Assets assets_;
  storage::Readers readers_;
  DirectoryCache directory_;
};

}  // namespace ami::daemon
