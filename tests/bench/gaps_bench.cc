// The gap job on one civil day of 100,000 channels, with PostgreSQL on the same machine: how long until the
// day is judged, and how long until the changes of that day have been read. 2 % of the channels miss a part
// of the day.
#include <benchmark/benchmark.h>

#include <memory>
#include <pqxx/pqxx>
#include <stdexcept>

#include "storage/postgres/gaps.h"
#include "storage/postgres/migrate.h"
#include "tests/support/pg_cluster.h"

namespace ami::storage {
namespace {

constexpr int kMeters = 50'000;  // two channels each

struct Scene {
  Scene() {
    const auto conninfo = cluster.create_database();
    if (auto done = migrate(conninfo); !done) throw std::runtime_error(done.error().message);
    DatabaseOptions options;
    options.conninfo = conninfo;
    database = std::make_unique<Database>(options);
    sql = std::make_unique<pqxx::connection>(conninfo);
    exec(
        "INSERT INTO utility (key, zone) VALUES ('u', 'America/Toronto');"
        "INSERT INTO meter (utility_id, key) SELECT 1, 'm' || n FROM generate_series(1, " +
        std::to_string(kMeters) +
        ") n;"
        "INSERT INTO usage_point (utility_id, key) SELECT 1, key FROM meter;"
        "INSERT INTO installation (utility_id, meter_id, usage_point_id, valid) SELECT 1, meter_id, meter_id,"
        " '[2020-01-01,)' FROM meter;"
        "INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT 1, meter_id, 'c' || k,"
        " '0.0.2.4.' || k || '.1.12.0.0.0.0.0.0.0.0.0.72.0', 'Wh' FROM meter, generate_series(1, 2) k;"
        "INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp,"
        " mapping_version, time_source, received_at) VALUES (1, 'f', 'f', 'x', 0, 1, 'epoch', 1, 0, now());"
        "SELECT ami_ensure_month('interval_day', '2026-03-01'); SELECT ami_ensure_month('change', "
        "now()::date);"
        "INSERT INTO interval_day (meter_id, channel_id, version, day, interval_s, utility_id, exponent, "
        "values,"
        " source_runs) SELECT meter_id, channel_id, 1, '2026-03-02'::date + d, 900, 1, 0,"
        " CASE WHEN channel_id % 50 = 0 AND d = 1 THEN array_fill(7, '{48}') || "
        "array_fill('-2147483648'::int, '{48}')"
        " ELSE array_fill(7, '{96}') END,"
        " CASE WHEN channel_id % 50 = 0 AND d = 1 THEN '{48,1,48,0}'::bigint[] ELSE '{96,1}' END"
        " FROM channel, generate_series(0, 2) d; VACUUM ANALYZE");
    work();
  }

  void exec(const std::string& statements) {
    pqxx::nontransaction tx(*sql);
    std::size_t from = 0;  // VACUUM must stand alone
    for (std::size_t end = statements.find(';'); end != std::string::npos; end = statements.find(';', from)) {
      tx.exec(statements.substr(from, end - from));
      from = end + 1;
    }
    tx.exec(statements.substr(from));
  }

  // To the end of 3 March.
  std::size_t work() {
    Gaps gaps(*database);
    std::size_t judged = 0;
    while (true) {
      const auto step = gaps.step({}, parse_instant("2026-03-05T12:00:00Z").value());
      if (!step.ok()) throw std::runtime_error(step.error().message);
      judged += step->judged;
      if (!step->more) return judged;
    }
  }

  testing::PgCluster cluster;
  std::unique_ptr<Database> database;
  std::unique_ptr<pqxx::connection> sql;
};
Scene& scene() {
  static Scene one;
  return one;
}

void judge_a_due_day(benchmark::State& state) {
  std::size_t judged = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene().exec(
        "UPDATE collection_series SET judged_to = '2026-03-03T05:00Z'; DELETE FROM gap; VACUUM ANALYZE");
    state.ResumeTiming();
    judged += scene().work();
  }
  state.counters["channel_days_per_s"] =
      benchmark::Counter(static_cast<double>(judged), benchmark::Counter::kIsRate);
}
BENCHMARK(judge_a_due_day)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

// Of values that belong to a day that is judged already; those of later days only pass by.
void read_changes(benchmark::State& state, const char* day) {
  std::size_t changes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene().exec(
        std::string("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity,"
                    " kinds) SELECT 1, meter_id, channel_id, '") +
        day + "', 900, 1, 1, 1 FROM channel");
    state.ResumeTiming();
    scene().work();
    changes += 2 * kMeters;
  }
  state.counters["changes_per_s"] =
      benchmark::Counter(static_cast<double>(changes), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(read_changes, of_a_day_to_come, "2026-03-07")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();
BENCHMARK_CAPTURE(read_changes, of_a_judged_day, "2026-03-03")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();

void completeness_of_a_day(benchmark::State& state) {
  CompletenessQuery query;
  query.utility = 1;
  query.days = {std::chrono::year{2026} / 3 / 3};
  for (auto _ : state) {
    const auto rows = Gaps(*scene().database).completeness(query);
    if (!rows.ok() || rows->size() != 1 || rows->at(0).channels != 2 * kMeters) {
      state.SkipWithError("wrong answer");
      return;
    }
  }
}
BENCHMARK(completeness_of_a_day)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

}  // namespace
}  // namespace ami::storage

BENCHMARK_MAIN();
