#include "storage/postgres/ingest.h"

#include <atomic>
#include <chrono>
#include <pqxx/pqxx>

#include "meter_model/failpoint.h"
#include "storage/postgres/ingest_steps.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr int kAttempts = 8;

void ensure_months(Database::Impl& pool, Session& session, const CommitUnit& unit) {
  const Day today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  for (const auto& [table, month] : months_of(unit, today)) {
    const std::string day = to_text(UtcInstant{month}).substr(0, 10);
    const std::string name = table + " " + day;
    if (pool.month_known(name)) continue;
    // A transaction of its own: the lock on the parent is held for a moment only.
    pqxx::work tx(session);
    tx.exec_params("SELECT ami_ensure_month($1, $2::date)", table, day);
    tx.commit();
    pool.remember_month(name);
  }
}

// A row that was not there when it was looked up, and was when it was written.
bool lost_race_for_new_row(const Error& error) {
  return error.message.ends_with("[23505]") &&
         (error.message.find("COPY interval_") != std::string::npos ||
          error.message.find("COPY register_read") != std::string::npos);
}

}  // namespace

struct PostgresIngest::Impl {
  Database& database;
  IdCache cache;
  std::atomic<std::uint64_t> losses_known = 0;

  // After a lost connection ids are looked up anew: behind the same address may stand a restored database.
  void forget_after_loss() {
    const std::uint64_t losses = database.impl().losses();
    if (losses_known.exchange(losses) != losses) cache.clear();
  }

  // nullopt: lost a race for a row.
  std::optional<CommitCounts> attempt(Session& session, const CommitUnit& unit) {
    if (!session.staged) {
      pqxx::nontransaction(session).exec(kStageTables);
      session.staged = true;
    }
    ensure_months(database.impl(), session, unit);

    CommitCounts counts;
    pqxx::work tx(session);
    // Statements here look up rows by their keys; statistics of young partitions would say otherwise.
    tx.exec(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
        "SET LOCAL enable_bitmapscan = off; SELECT pg_advisory_xact_lock_shared(7165289, 1)");
    if (tx.exec1("SELECT version FROM directory_version")[0].as<std::int64_t>() != unit.directory_version) {
      counts.directory_changed = true;
      return counts;
    }
    IdBook ids(cache, session.raw(), unit);
    ids.resolve_channels();
    ids.resolve_qualities();
    const auto sources = sources_of(unit);
    if (!sources.empty()) ids.resolve_sources(sources);

    const IngestStep step{session.raw(), unit, ids, counts};
    if (!write_intervals(step, ids) || !write_registers(step, ids)) return std::nullopt;
    failpoint("ingest.after_copy");
    write_events(step);
    write_quarantine(step);
    write_state(session.raw(), unit.source.feed, unit.state);
    failpoint("ingest.before_commit");
    tx.commit();
    failpoint("ingest.after_commit");
    ids.publish();
    return counts;
  }
};

PostgresIngest::PostgresIngest(Database& database) : impl_(new Impl{database, {}}) {}
PostgresIngest::~PostgresIngest() = default;

Result<CommitCounts> PostgresIngest::commit(const CommitUnit& unit) {
  std::optional<CommitUnit> cleaned;
  try {
    cleaned = without_unstorable(unit);
  } catch (const std::logic_error& defect) {
    return permanent(defect.what());
  }
  const CommitUnit& storable = cleaned ? *cleaned : unit;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    impl_->forget_after_loss();
    auto counts =
        impl_->database.impl().run([&](Session& session) { return impl_->attempt(session, storable); });
    if (!counts.ok()) {
      if (lost_race_for_new_row(counts.error())) continue;
      if (counts.error().message.find("no partition of relation") != std::string::npos) {
        impl_->database.impl().forget_months();
        return transient(counts.error().message + "; it will be made anew");
      }
      return counts.error();
    }
    if (*counts) return **counts;
  }
  return transient("other commits kept changing the same rows; try again");
}

Result<std::optional<std::string>> PostgresIngest::load_state(const std::string& feed,
                                                              const std::string& key) {
  return impl_->database.impl().run([&](Session& session) -> std::optional<std::string> {
    const std::string feeds[] = {clean_text(feed)}, keys[] = {key};
    Params params;
    params.texts(feeds);
    params.blobs(keys);
    const Rows rows = Rows::query(
        session.raw(), "SELECT value FROM adapter_state WHERE feed = $1[1] AND key = $2[1]", params);
    if (rows.size() == 0) return std::nullopt;
    return std::string(rows.text(0, 0));
  });
}

Outcome PostgresIngest::save_state(const std::string& feed, const std::vector<StateRow>& rows) {
  return impl_->database.impl().run([&](Session& session) {
    pqxx::work tx(session);
    write_state(session.raw(), feed, rows);
    tx.commit();
    return Done{};
  });
}

}  // namespace ami::storage
