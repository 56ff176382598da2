// Validation as the store sees it, with PostgreSQL on the same machine and fsync on: meter-days a second
// through steps with a judge that only says its verdict, 2 channels of 96 intervals each and a register a
// day; and what the layers cost a read of a meter's month.
#include <benchmark/benchmark.h>

#include <memory>
#include <pqxx/pqxx>
#include <stdexcept>

#include "storage/postgres/migrate.h"
#include "storage/postgres/readers.h"
#include "storage/postgres/validation.h"
#include "tests/support/pg_cluster.h"

namespace ami::storage {
namespace {

constexpr int kMeters = 5'000;  // two channels each, a month of days
constexpr UtcInstant kNow{std::chrono::sys_days{std::chrono::year{2026} / 4 / 20}};

struct Scene {
  Scene() {
    const auto conninfo = cluster.create_database();
    if (auto done = migrate(conninfo); !done) throw std::runtime_error(done.error().message);
    DatabaseOptions options;
    options.conninfo = conninfo;
    options.day_cache_bytes = 0;
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
        "INSERT INTO meter_detail (utility_id, meter_id, valid, model, form, class_a) SELECT 1, meter_id,"
        " '[2020-01-01,)', 'AXR', '2S', '200' FROM meter;"
        "INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT 1, meter_id, 'c' || k,"
        " '0.0.2.4.' || k || '.1.12.0.0.0.0.0.0.0.0.0.72.0', 'Wh' FROM meter, generate_series(1, 2) k;"
        "INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp,"
        " mapping_version, time_source, received_at) VALUES (1, 'f', 'f', 'x', 0, 1, 'epoch', 1, 0, now());"
        "SELECT ami_ensure_month('interval_day', '2026-03-01'); SELECT ami_ensure_month('register_read', "
        "'2026-03-01');"
        "INSERT INTO interval_day (meter_id, channel_id, version, day, interval_s, utility_id, exponent, "
        "values,"
        " source_runs) SELECT meter_id, channel_id, 1, '2026-03-01'::date + d, 900, 1, 0, array_fill(7, "
        "'{96}'),"
        " '{96,1}' FROM generate_series(0, 30) d, channel;"
        "INSERT INTO register_read (meter_id, channel_id, at, version, mantissa, source_id, utility_id, "
        "quality_id,"
        " exponent, time_source) SELECT meter_id, channel_id, '2026-03-01T05:00Z'::timestamptz + d * "
        "interval '1 day', 1,"
        " d * 672, 1, 1, 0, 0, 0 FROM generate_series(0, 30) d, channel;"
        "DELETE FROM validation_dirty; UPDATE validation_state SET seeded_to = NULL; VACUUM ANALYZE");
    work(0);
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

  // `percent` of the meters have a finding on each day.
  std::size_t work(int percent) {
    Validation validation(*database);
    const auto judge = [percent](const MeterDayFacts& facts) {
      DayVerdict out;
      out.profile = "bench";
      if (facts.of.meter % 100 >= percent || facts.intervals.empty()) return out;
      DayFinding finding;
      finding.channel = facts.intervals.front().channel;
      finding.length = facts.intervals.front().length;
      finding.period = {facts.day.from, facts.day.from + std::chrono::hours{1}};
      finding.check = 14;
      finding.quality = QualityCode{2, 6, 0};
      out.findings.push_back(finding);
      return out;
    };
    std::size_t judged = 0;
    while (true) {
      const auto step = validation.step({}, kNow, judge);
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

// Two civil days of every meter; again: the same is judged that was judged before.
void judge_days(benchmark::State& state, int percent, bool again) {
  std::size_t judged = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (!again) scene().exec("TRUNCATE finding, register_finding, judged_version, judged_day, judged_count");
    scene().exec(
        "INSERT INTO validation_due SELECT meter_id, '2026-03-10'::date + d, 1, 'epoch' FROM meter,"
        " generate_series(0, 1) d; VACUUM ANALYZE");
    state.ResumeTiming();
    judged += scene().work(percent);
  }
  state.counters["meter_days_per_s"] =
      benchmark::Counter(static_cast<double>(judged), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(judge_days, clean_first, 0, false)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();
BENCHMARK_CAPTURE(judge_days, clean_again, 0, true)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();
BENCHMARK_CAPTURE(judge_days, two_percent_found, 2, false)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();

// One change of a channel-day each: they only queue.
void read_changes(benchmark::State& state) {
  std::size_t changes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene().exec(
        "SELECT ami_ensure_month('change', now()::date); INSERT INTO change (utility_id, meter_id, "
        "channel_id, day,"
        " interval_s, version, entity, kinds, slots) SELECT 1, meter_id, channel_id, '2026-05-10'::date + d, "
        "900, 1, 1, 1,"
        " '{0,96,1}' FROM channel, generate_series(0, 3) d");
    state.ResumeTiming();
    scene().work(0);
    changes += 2 * 4 * kMeters;
    state.PauseTiming();
    scene().exec("TRUNCATE validation_due");
    state.ResumeTiming();
  }
  state.counters["changes_per_s"] =
      benchmark::Counter(static_cast<double>(changes), benchmark::Counter::kIsRate);
}
BENCHMARK(read_changes)->Unit(benchmark::kMillisecond)->Iterations(2)->UseRealTime();

// Of a month that was judged; the same meters in the same order for each layer.
void read_a_month(benchmark::State& state, Layer layer) {
  static const bool judged = [] {
    scene().exec(
        "INSERT INTO validation_due SELECT meter_id, '2026-03-01'::date + d, 1, 'epoch' FROM meter,"
        " generate_series(0, 30) d WHERE meter_id <= 200; VACUUM ANALYZE");
    return scene().work(0) > 0;
  }();
  (void)judged;
  Readers readers(*scene().database);
  const Period month{UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}},
                     UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 4 / 1}}};
  MeterId meter = 0;
  for (auto _ : state) {
    const auto page = readers.intervals({{1 + meter++ % 200, month}}, {}, {1000, ""}, {}, layer);
    if (!page.ok() || page->blocks.empty()) {
      state.SkipWithError("wrong answer");
      return;
    }
  }
}
BENCHMARK_CAPTURE(read_a_month, raw, Layer::Raw)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(read_a_month, validated, Layer::Validated)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(read_a_month, best, Layer::Best)->Unit(benchmark::kMicrosecond)->UseRealTime();

// The newest register of each channel of 500 meters.
void read_latest(benchmark::State& state, Layer layer) {
  Readers readers(*scene().database);
  std::vector<MeterId> meters;
  for (MeterId id = 1; id <= 500; ++id) meters.push_back(id);
  for (auto _ : state) {
    const auto page = readers.latest(meters, {}, LatestBy::DeviceTime, {}, layer);
    if (!page.ok() || page->rows.size() != 1000) {
      state.SkipWithError("wrong answer");
      return;
    }
  }
}
BENCHMARK_CAPTURE(read_latest, raw, Layer::Raw)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(read_latest, validated, Layer::Validated)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace ami::storage

BENCHMARK_MAIN();
