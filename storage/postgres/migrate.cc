#include "storage/postgres/migrate.h"

#include <map>
#include <pqxx/pqxx>

#include "meter_model/failpoint.h"
#include "storage/postgres/session.h"

namespace ami::storage {

int schema_version() {
  return embedded_migrations().back().version;
}

namespace {

std::string checksum(pqxx::transaction_base& tx, std::string_view sql) {
  return tx
      .exec_params1("SELECT encode(sha256($1::bytea), 'hex')", pqxx::binarystring(sql.data(), sql.size()))[0]
      .as<std::string>();
}

struct Unfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

MigrationReport apply(Session& session, std::span<const Migration> migrations) {
  MigrationReport report;
  {
    pqxx::work tx(session);
    // Serialises two processes that start at once, before the table exists that they could lock.
    tx.exec("SELECT pg_advisory_xact_lock(7165289, 3)");
    tx.exec(
        "CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY, name text NOT NULL,"
        " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
    tx.commit();
  }
  bool first = true;
  for (std::size_t next = 0; next <= migrations.size(); ++next) {
    pqxx::work tx(session);
    tx.exec("SELECT pg_advisory_xact_lock(7165289, 3)");
    std::map<int, std::pair<std::string, std::string>> applied;
    for (const auto& row : tx.exec("SELECT version, name, sha256 FROM schema_version ORDER BY version")) {
      applied[row[0].as<int>()] = {row[1].as<std::string>(), row[2].as<std::string>()};
    }
    if (first) {
      report.from = applied.empty() ? 0 : applied.rbegin()->first;
      first = false;
    }
    const Migration* due = nullptr;
    for (const Migration& migration : migrations) {
      const auto found = applied.find(migration.version);
      if (found == applied.end()) {
        if (due == nullptr) due = &migration;
        continue;
      }
      if (due != nullptr) {
        throw Unfit("the database has migration " + std::to_string(migration.version) + " but not " +
                    std::to_string(due->version) + " before it");
      }
      if (found->second.second != checksum(tx, migration.sql)) {
        throw Unfit("migration " + std::string(migration.name) +
                    " was changed after it had been applied to this database: its checksum differs");
      }
      applied.erase(found);
    }
    if (!applied.empty()) {
      throw Unfit("the database has schema version " + std::to_string(applied.rbegin()->first) + " (" +
                  applied.rbegin()->second.first +
                  "), which this program does not know: use a newer release");
    }
    if (due == nullptr) break;
    tx.exec(std::string(due->sql));
    // A table that a migration added is closed to every role until this has run: in the same transaction, or an
    // end in between would leave it so for good.
    if (tx.exec1("SELECT to_regprocedure('ami_apply_access()') IS NOT NULL")[0].as<bool>())
      tx.exec("SELECT ami_apply_access()");
    tx.exec_params0("INSERT INTO schema_version (version, name, sha256) VALUES ($1, $2, $3)", due->version,
                    std::string(due->name), checksum(tx, due->sql));
    failpoint("migrate.before_commit");
    tx.commit();
    failpoint("migrate.after_commit");
  }
  report.to = migrations.empty() ? 0 : migrations.back().version;
  return report;
}

}  // namespace

Result<MigrationReport> migrate(const std::string& conninfo, std::span<const Migration> migrations) {
  try {
    Session session(conninfo);
    return apply(session, migrations);
  } catch (...) {
    return describe_current_exception().error;
  }
}

}  // namespace ami::storage
