// Schema migrations: storage/schema/NNNN_name.sql, embedded in the binary, each in one transaction, recorded
// in schema_version with its checksum.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami::storage {

struct Migration {
  int version = 0;
  std::string_view name;  // "0001_assets"
  std::string_view sql;
};

std::span<const Migration> embedded_migrations();  // ascending, without holes
int schema_version();                              // the newest of them

struct MigrationReport {
  int from = 0;  // 0 = empty database
  int to = 0;
};

// Brings a database up to `migrations`. Safe to run twice and from two processes at once. Permanent when the
// database has a version that is not in the list, or one whose checksum differs. Needs CREATE on the
// database.
Result<MigrationReport> migrate(const std::string& conninfo,
                                std::span<const Migration> migrations = embedded_migrations());

}  // namespace ami::storage
