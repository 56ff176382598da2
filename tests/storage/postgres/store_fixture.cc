#include "tests/storage/postgres/store_fixture.h"

#include <algorithm>
#include <functional>
#include <pqxx/pqxx>

#include "storage/postgres/migrate.h"

namespace ami::storage {

UtcInstant at(const char* text) {
  auto parsed = parse_instant(text);
  if (!parsed.ok()) throw std::invalid_argument(parsed.error().message);
  return *parsed;
}

void StoreTest::SetUp() {
  conninfo = testing::PgCluster::shared().create_database_like("migrated", [](const std::string& empty) {
    auto report = migrate(empty);
    if (!report.ok()) throw std::runtime_error(report.error().message);
  });
  DatabaseOptions options;
  options.conninfo = conninfo;
  database = std::make_unique<Database>(options);
  ingest = std::make_unique<PostgresIngest>(*database);
  assets = std::make_unique<Assets>(*database);
  readers = std::make_unique<Readers>(*database);
  north = assets->put_utility({0, "north", "America/Toronto", "AE-1641"}).value().id;
  south = assets->put_utility({0, "south", "Pacific/Honolulu", std::nullopt}).value().id;
}

Table StoreTest::sql(const std::string& query) const {
  pqxx::connection connection(conninfo + " options='-c timezone=UTC'");
  pqxx::work tx(connection);
  Table out;
  for (const auto& row : tx.exec(query)) {
    out.emplace_back();
    for (const auto& field : row) out.back().push_back(field.is_null() ? "-" : field.c_str());
  }
  tx.commit();
  return out;
}

std::string StoreTest::one(const std::string& query) const {
  const Table rows = sql(query);
  return rows.size() == 1 && rows[0].size() == 1 ? rows[0][0]
                                                 : "not one cell, but " + std::to_string(rows.size());
}

MeterId StoreTest::meter(UtilityId utility, const std::string& key, const std::string& badge) {
  MeterDetail detail;
  detail.valid.from = at("2020-01-01T00:00:00Z");
  detail.form = "2S";
  std::vector<Alias> aliases;
  if (!badge.empty()) aliases.push_back({"", AliasKind::Badge, badge, {at("2020-01-01T00:00:00Z")}});
  return assets->create_meter(utility, key, detail, aliases).value().id;
}

CommitUnit StoreTest::unit(const std::string& content) const {
  CommitUnit out;
  out.utility = north;
  out.source.feed = "feed-1";
  out.source.name = content + ".txt";
  out.source.content_sha256 = std::string(64 - std::min<std::size_t>(content.size(), 64), '0') + content;
  out.source.length = content.size();
  out.source.mapping_version = 1;
  out.source.received_at = at("2024-03-06T14:00:00Z");
  out.batch.qualities.emplace_back();
  out.directory_version = std::stoll(one("SELECT version FROM directory_version"));
  return out;
}

CommitCounts StoreTest::commit(const CommitUnit& unit) {
  auto counts = ingest->commit(unit);
  EXPECT_TRUE(counts.ok()) << (counts.ok() ? "" : counts.error().message);
  if (!counts.ok()) return {};
  EXPECT_FALSE(counts->directory_changed);
  return *counts;
}

std::string StoreTest::canonical_dump() const {
  const char* const queries[] = {
      "SELECT 'day', d.meter_id, c.key, d.day, d.interval_s, d.exponent, d.values, d.wide, d.exponents FROM"
      " interval_day d JOIN channel c USING (channel_id) ORDER BY 2, 3, 4, 5",
      "SELECT 'slot', v.meter_id, v.channel, v.start_at, v.length_s, trim_scale(v.value), v.quality, "
      "v.vendor_flag,"
      " s.rank_stamp, s.mapping_version FROM interval_value v JOIN source s USING (source_id) ORDER BY 2, 3, "
      "4, 5",
      "SELECT 'revision', r.meter_id, c.key, r.start_at, r.length_s, r.rank_stamp, r.mapping_version, "
      "r.mantissa,"
      " r.exponent, q.codes, q.vendor_flag FROM interval_revision r JOIN channel c USING (channel_id) LEFT "
      "JOIN"
      " quality_set q USING (quality_id) ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
      "SELECT 'register', r.meter_id, c.key, r.at, r.mantissa, r.exponent, q.codes, q.vendor_flag, "
      "r.period_start,"
      " r.time_source, s.rank_stamp, s.mapping_version FROM register_read r JOIN channel c USING "
      "(channel_id) JOIN"
      " source s USING (source_id) LEFT JOIN quality_set q USING (quality_id) ORDER BY 2, 3, 4",
      "SELECT 'register revision', r.meter_id, c.key, r.at, r.rank_stamp, r.mapping_version, r.mantissa, "
      "r.exponent,"
      " q.codes, q.vendor_flag, r.period_start, r.time_source FROM register_revision r JOIN channel c USING"
      " (channel_id) LEFT JOIN quality_set q USING (quality_id) ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
      "SELECT 'event', meter_id, at, vendor, raw_code, raw_text, kind, code, mapping_version, time_source "
      "FROM event"
      " ORDER BY 2, 3, 4, 5, 6",
      "SELECT 'quarantine', feed, reason, encode(raw, 'hex'), state FROM quarantine ORDER BY 2, 3, 4"};
  std::string out;
  for (const char* query : queries) {
    for (const auto& row : sql(query)) {
      for (const std::string& cell : row) out += cell + "|";
      out += "\n";
    }
  }
  return out;
}

std::uint32_t add_channel(CommitUnit& unit, MeterId meter, const std::string& key) {
  unit.batch.channels.push_back({meter, key, "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "Wh"});
  return static_cast<std::uint32_t>(unit.batch.channels.size() - 1);
}

std::uint32_t add_quality(CommitUnit& unit, const std::string& code, const std::string& flag) {
  ValueQuality quality;
  if (!code.empty()) quality.codes = {QualityCode::parse(code).value()};
  quality.vendor_flag = flag;
  unit.batch.qualities.push_back(quality);
  return static_cast<std::uint32_t>(unit.batch.qualities.size() - 1);
}

void add_run(CommitUnit& unit, RunSpec spec) {
  IntervalRun run;
  run.channel = spec.channel;
  run.first_start = spec.start;
  run.length = std::chrono::seconds{spec.length_s};
  run.exponent = spec.exponent;
  run.quality.assign(spec.values.size(), spec.quality);
  run.mantissas = std::move(spec.values);
  run.rank = spec.rank;
  unit.batch.intervals.push_back(std::move(run));
}

void add_register(CommitUnit& unit, std::uint32_t channel, UtcInstant when, Decimal value, UtcInstant rank,
                  std::uint32_t quality) {
  RegisterReading read;
  read.channel = channel;
  read.at = when;
  read.value = value;
  read.rank = rank;
  read.quality = quality;
  unit.batch.registers.push_back(read);
}

}  // namespace ami::storage
