#include "daemon/gateway/database_link.h"

#include "daemon/log/messages.h"
#include "daemon/pipeline/refusal_error.h"
#include "storage/postgres/migrate.h"
#include "storage/postgres/roles.h"

namespace ami::daemon {
namespace {

storage::DatabaseOptions options(const DatabaseConfig& config, std::size_t connections, std::string name) {
  storage::DatabaseOptions options;
  options.conninfo = config.conninfo;
  options.answer_timeout = config.answer_timeout;
  options.connections = connections;
  options.application_name = std::move(name);
  return options;
}

storage::DatabaseOptions patient(storage::DatabaseOptions options) {
  options.answer_timeout = {};
  return options;
}

}  // namespace

DatabaseLink::DatabaseLink(const DatabaseConfig& config, EventFacts facts, std::size_t query_connections,
                           Metrics& metrics, const Log& log)
    : config_(config),
      metrics_(metrics),
      log_(log),
      storing_(
          options(config, static_cast<std::size_t>((config.connections + 1) * config.lanes) + 1, "ami-gateway ingest")),
      queries_(options(config, query_connections, "ami-gateway query")),
      maintaining_(patient(options(config, 2, "ami-gateway maintenance"))),
      ingest_(storing_, static_cast<std::size_t>(config.lanes), std::move(facts)),
      assets_(queries_),
      readers_(queries_),
      changes_(queries_),
      maintenance_(maintaining_),
      directory_([this] { return load_directory(); }) {
  if (config_.reader_conninfo.empty()) return;
  auto as_reader = options(config_, query_connections, "ami-gateway reader");
  as_reader.conninfo = config_.reader_conninfo;
  reader_.emplace(std::move(as_reader));
}

Outcome DatabaseLink::check() {
  if (auto schema = check_schema(); !schema) return schema;
  if (auto role = storage::check_ingest_role(queries_, config_.allow_owner); !role || !reader_) return role;
  return storage::check_reader_role(*reader_);
}

Outcome DatabaseLink::check_schema() {
  auto ready = queries_.ready();
  // A query that is answered does not mean that a batch can be stored: its pool may get no connection.
  if (ready) return storing_.ready();
  // A schema from before the roles shows its version to its owner only.
  const bool schema = ready.error().fault == Fault::Permanent || ready.error().message.ends_with("[42501]");
  if (!schema || !config_.migrate_on_start) return ready;
  const auto migrated = storage::migrate(config_.migrator_conninfo);
  if (!migrated) return migrated.error();
  return queries_.ready();
}

Result<std::map<std::string, storage::UtilityId>> DatabaseLink::put_utilities(
    const std::vector<UtilityConfig>& utilities) {
  std::map<std::string, storage::UtilityId> ids;
  for (const auto& utility : utilities) {
    const storage::Utility wanted{0, utility.key, utility.zone,
                                  utility.notice.empty() ? std::nullopt : std::optional{utility.notice}};
    const auto stored = assets_.put_utility(wanted);
    if (!stored) {
      auto error = error_of(stored.refusal());
      error.message = "utility " + utility.key + ": " + error.message;
      return error;
    }
    ids[utility.key] = stored->id;
  }
  return ids;
}

Result<storage::DirectorySnapshot> DatabaseLink::load_directory() {
  auto answer = assets_.directory();
  if (!answer) return error_of(answer.refusal());
  metrics_.directory(answer->version, answer->entries.size());
  log_.write(messages::kDirectoryLoaded, {{"version", std::to_string(answer->version)},
                                          {"entries", std::to_string(answer->entries.size())}});
  return std::move(answer).value();
}

}  // namespace ami::daemon
