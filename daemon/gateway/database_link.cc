#include "daemon/gateway/database_link.h"

#include "daemon/log/messages.h"
#include "daemon/pipeline/refusal_error.h"
#include "storage/postgres/migrate.h"

namespace ami::daemon {
namespace {

storage::DatabaseOptions options(const std::string& conninfo, std::size_t connections, std::string name) {
  storage::DatabaseOptions options;
  options.conninfo = conninfo;
  options.connections = connections;
  options.application_name = std::move(name);
  return options;
}

}  // namespace

DatabaseLink::DatabaseLink(const DatabaseConfig& config, std::size_t query_connections, Metrics& metrics,
                           const Log& log)
    : config_(config),
      metrics_(metrics),
      log_(log),
      storing_(options(config.conninfo, static_cast<std::size_t>(config.connections), "ami-gateway ingest")),
      queries_(options(config.conninfo, query_connections, "ami-gateway query")),
      ingest_(storing_),
      assets_(queries_),
      readers_(queries_),
      directory_([this] { return load_directory(); }) {}

Outcome DatabaseLink::check() {
  auto ready = queries_.ready();
  if (ready || ready.error().fault != Fault::Permanent || !config_.migrate_on_start) return ready;
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
