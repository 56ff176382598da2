#include "storage/postgres/ingest.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <pqxx/pqxx>
#include <semaphore>

#include "meter_model/failpoint.h"
#include "storage/postgres/ingest_steps.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr int kAttempts = 8;
constexpr std::size_t kWorthLanes = 256;  // series of a unit; below it three transactions cost more than one

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
  const std::size_t lanes;
  const EventFacts facts;
  IdCache cache;
  std::atomic<std::uint64_t> losses_known = 0;
  std::counting_semaphore<>
      room;  // for batches in lanes: each keeps one connection and needs another to go on

  // After a lost connection ids are looked up anew: behind the same address may stand a restored database.
  void forget_after_loss() {
    const std::uint64_t losses = database.impl().losses();
    if (losses_known.exchange(losses) != losses) cache.clear();
  }

  void prepare(Session& session, const CommitUnit& unit) {
    if (!session.staged) {
      pqxx::nontransaction(session).exec(kStageTables);
      session.staged = true;
    }
    ensure_months(database.impl(), session, unit);
  }

  // Keeps asset data as they are until the transaction ends.
  static void hold_assets(pqxx::work& tx) { tx.exec("SELECT pg_advisory_xact_lock_shared(7165289, 1)"); }

  // Begins every transaction of a commit; the version of the asset data.
  static std::int64_t begin(pqxx::work& tx) {
    // Statements here look up rows by their keys; statistics of young partitions would say otherwise.
    return tx
        .exec1("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;"
               "SET LOCAL enable_mergejoin = off; SET LOCAL enable_bitmapscan = off;"
               "SELECT version FROM directory_version")[0]
        .as<std::int64_t>();
  }
  // false: asset data changed since the unit was resolved.
  static bool begin(pqxx::work& tx, const CommitUnit& unit) { return begin(tx) == unit.directory_version; }

  static void commit(pqxx::work& tx) {
    failpoint("ingest.before_commit");
    tx.commit();
    failpoint("ingest.after_commit");
  }

  static void resolve(IdBook& ids, const CommitUnit& unit, bool complete) {
    ids.resolve_channels();
    check_event_meters(ids.connection(), unit);
    ids.resolve_qualities();
    const auto sources = sources_of(unit);
    if (!sources.empty()) ids.resolve_sources(sources, complete);
  }

  // Values of the lane. false: another writer was quicker at a row.
  [[nodiscard]] static bool write_values(const IngestStep& step, IdBook& ids) {
    if (!write_intervals(step, ids) || !write_registers(step, ids)) return false;
    failpoint("ingest.after_copy");
    write_events(step);
    return true;
  }

  static void write_rest(const IngestStep& step) {
    write_quarantine(step);
    write_state(step.connection, step.unit.source.feed, step.unit.state);
    write_clock_signs(step);
  }

  // All in one transaction. nullopt: lost a race for a row.
  std::optional<std::vector<CommitCounts>> attempt(Session& session, std::span<const CommitUnit* const> units) {
    for (const CommitUnit* unit : units) prepare(session, *unit);
    std::vector<CommitCounts> all(units.size());
    std::vector<IdBook> books;
    books.reserve(units.size());
    pqxx::work tx(session);
    hold_assets(tx);
    const std::int64_t directory = begin(tx);
    bool staged = false;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const CommitUnit& unit = *units[i];
      CommitCounts& counts = all[i];
      counts.directory_changed = unit.directory_version != directory;
      if (counts.directory_changed) return all;
      if (std::exchange(staged, false)) tx.exec(kEmptyStage);
      IdBook& ids = books.emplace_back(cache, session, unit);
      resolve(ids, unit, true);
      const IngestStep step{session.raw(), unit, ids, counts, {}, &facts, &staged};
      if (!write_values(step, ids)) return std::nullopt;
      write_rest(step);
    }
    commit(tx);
    for (IdBook& ids : books) ids.publish();
    return all;
  }

  // Ids were made through connections of which one broke since: behind the same address may stand another
  // server, which never heard of them. The commit has to begin anew.
  void still_the_same_server(std::uint64_t losses_at_begin) {
    if (database.impl().losses() != losses_at_begin)
      throw pqxx::transaction_rollback("a connection was lost between the lanes of a commit");
  }

  std::optional<CommitCounts> attempt_lane(Session& session, const CommitUnit& unit, const IdBook& resolved,
                                           Lane lane, std::uint64_t losses_at_begin) {
    still_the_same_server(losses_at_begin);
    prepare(session, unit);
    CommitCounts counts;
    pqxx::work tx(session);
    if (!begin(tx, unit)) {
      counts.directory_changed = true;
      return counts;
    }
    IdBook ids(resolved, session);
    if (!write_values({session.raw(), unit, ids, counts, lane, &facts}, ids)) return std::nullopt;
    commit(tx);
    ids.publish();
    return counts;
  }

  // Runs `work(Session&)`, which returns nullopt when it lost a race, until it did not.
  template <class F, class Counts = typename std::invoke_result_t<F&, Session&>::value_type>
  Result<Counts> persist(F&& work) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      forget_after_loss();
      auto counts = database.impl().run(work);
      if (!counts.ok()) {
        if (lost_race_for_new_row(counts.error())) continue;
        if (counts.error().message.find("no partition of relation") != std::string::npos) {
          database.impl().forget_months();
          return transient(counts.error().message + "; it will be made anew");
        }
        return counts.error();
      }
      if (*counts) return **counts;
    }
    return transient("other commits kept changing the same rows; try again");
  }

  // While one transaction keeps asset data as they are: a batch of which a part was stored may not be
  // resolved anew, or that part would stay with meters that it is not of. The lanes themselves must not ask
  // for the lock: they would queue up behind whoever waits for this one to end.
  Result<CommitCounts> commit_in_lanes(const CommitUnit& unit) {
    room.acquire();
    const std::unique_ptr<std::counting_semaphore<>, void (*)(std::counting_semaphore<>*)> taken(
        &room, [](std::counting_semaphore<>* full) { full->release(); });
    auto ended = database.impl().run([&](Session& session) {
      pqxx::work guard(session);
      hold_assets(guard);
      return store_in_lanes(unit);
    });
    if (!ended) return ended.error();
    return std::move(ended).value();
  }

  // Sources first, then the lanes side by side, then what must not be there before all values are: adapter
  // state, quarantine, and the moment from which the sources count as known. Whatever fails on the way leaves
  // values that the same unit again finds in their place.
  Result<CommitCounts> store_in_lanes(const CommitUnit& unit) {
    const std::uint64_t losses = database.impl().losses();
    std::optional<IdBook> ids;
    auto opened = persist([&](Session& session) -> std::optional<CommitCounts> {
      prepare(session, unit);
      CommitCounts counts;
      pqxx::work tx(session);
      counts.directory_changed = !begin(tx, unit);
      if (counts.directory_changed) return counts;
      ids.emplace(cache, session, unit);
      resolve(*ids, unit, false);
      commit(tx);
      ids->publish();
      return counts;
    });
    if (!opened || opened->directory_changed) return opened;

    const auto run_lane = [&](std::uint32_t number) {
      return persist([&](Session& session) {
        return attempt_lane(session, unit, *ids, {number, static_cast<std::uint32_t>(lanes)}, losses);
      });
    };
    std::vector<std::future<Result<CommitCounts>>> others;
    for (std::uint32_t n = 1; n < lanes; ++n) others.push_back(std::async(std::launch::async, run_lane, n));
    std::vector<Result<CommitCounts>> ended{run_lane(0)};
    for (auto& other : others) ended.push_back(other.get());

    CommitCounts sum;
    const Error* worst = nullptr;
    for (const auto& lane : ended) {
      if (!lane) {
        // Permanent before in doubt before transient: a doubt is told although another lane merely failed.
        const auto weight = [](Fault fault) {
          return fault == Fault::Permanent ? 2 : fault == Fault::InDoubt ? 1 : 0;
        };
        if (worst == nullptr || weight(lane.error().fault) > weight(worst->fault)) worst = &lane.error();
        continue;
      }
      sum.registers += lane->registers;
      sum.interval_values += lane->interval_values;
      sum.events += lane->events;
      sum.directory_changed |= lane->directory_changed;
    }
    if (worst != nullptr) return *worst;
    if (sum.directory_changed) return CommitCounts{.directory_changed = true};

    return persist([&](Session& session) -> std::optional<CommitCounts> {
      still_the_same_server(losses);
      CommitCounts counts = sum;
      pqxx::work tx(session);
      counts.directory_changed = !begin(tx, unit);
      if (counts.directory_changed) return counts;
      const IdBook mine(*ids, session);
      write_rest({session.raw(), unit, mine, counts});
      mine.complete_sources();
      commit(tx);
      return counts;
    });
  }
};

PostgresIngest::PostgresIngest(Database& database, std::size_t lanes, EventFacts facts)
    : impl_(new Impl{.database = database,
                     .lanes = database.impl().connections() > 1 ? std::max<std::size_t>(lanes, 1) : 1,
                     .facts = std::move(facts),
                     .cache = {},
                     .losses_known = 0,
                     .room = std::counting_semaphore<>(std::max<std::ptrdiff_t>(
                         static_cast<std::ptrdiff_t>(database.impl().connections() / 2), 1))}) {}
PostgresIngest::~PostgresIngest() = default;

Result<CommitCounts> PostgresIngest::commit(const CommitUnit& unit) {
  std::optional<CommitUnit> cleaned;
  try {
    cleaned = without_unstorable(unit);
  } catch (const std::logic_error& defect) {
    return permanent(defect.what());
  }
  const CommitUnit& storable = cleaned ? *cleaned : unit;
  const std::size_t series = storable.batch.intervals.size() + storable.batch.registers.size();
  if (impl_->lanes > 1 && series >= kWorthLanes) return impl_->commit_in_lanes(storable);
  const CommitUnit* const alone[] = {&storable};
  auto counts = impl_->persist([&](Session& session) { return impl_->attempt(session, alone); });
  if (!counts) return counts.error();
  return counts->front();
}

Result<std::vector<CommitCounts>> PostgresIngest::commit_all(std::span<const CommitUnit> units) {
  std::deque<CommitUnit> cleaned;
  std::vector<const CommitUnit*> storable;
  bool large = false;
  try {
    for (const CommitUnit& unit : units) {
      auto clean = without_unstorable(unit);
      storable.push_back(clean ? &cleaned.emplace_back(std::move(*clean)) : &unit);
      large |= unit.batch.intervals.size() + unit.batch.registers.size() >= kWorthLanes;
    }
  } catch (const std::logic_error& defect) {
    return permanent(defect.what());
  }
  if (units.empty()) return std::vector<CommitCounts>();
  if (large && impl_->lanes > 1) return IngestStore::commit_all(units);
  return impl_->persist([&](Session& session) { return impl_->attempt(session, storable); });
}

Result<std::vector<UtcInstant>> PostgresIngest::receipts(std::int32_t utility, const std::string& feed,
                                                         const std::string& content_sha256) {
  return impl_->database.impl().run([&](Session& session) {
    const std::string texts[] = {clean_text(feed), clean_text(content_sha256)};
    Params params;
    params.i4(utility);
    params.texts(texts);
    const Rows rows =
        Rows::repeated(session.raw(),
                    "SELECT DISTINCT received_at FROM source WHERE utility_id = $1 AND feed = $2[1]"
                    " AND content_sha256 = $2[2] ORDER BY 1",
                    params);
    std::vector<UtcInstant> out;
    for (int i = 0; i < rows.size(); ++i) out.push_back(rows.at(i, 0));
    return out;
  });
}

Result<std::optional<std::string>> PostgresIngest::load_state(const std::string& feed,
                                                              const std::string& key) {
  return impl_->database.impl().run([&](Session& session) -> std::optional<std::string> {
    const std::string feeds[] = {clean_text(feed)}, keys[] = {key};
    Params params;
    params.texts(feeds);
    params.blobs(keys);
    const Rows rows = Rows::repeated(
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
