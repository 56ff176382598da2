#include "tests/daemon/rpc/store_data.h"

#include <stdexcept>
#include <vector>

#include "storage/postgres/ingest.h"
#include "storage/postgres/migrate.h"
#include "tests/support/pg_cluster.h"

namespace ami::rpc::testing {
namespace {

template <class T>
T must(storage::Answer<T> answer) {
  if (!answer.ok()) throw std::runtime_error(answer.refusal().message);
  return std::move(answer).value();
}

struct Filler {
  explicit Filler(const std::string& conninfo)
      : database(storage::DatabaseOptions{.conninfo = conninfo}), assets(database), ingest(database) {}

  storage::UtilityId utility(const std::string& key, std::optional<std::string> notice) {
    return must(assets.put_utility({0, key, "Pacific/Honolulu", std::move(notice)})).id;
  }

  MeterId meter(storage::UtilityId utility, const std::string& key, const std::string& model,
                const std::string& badge, const std::string& point, const Decimal& multiplier) {
    storage::MeterDetail detail;
    detail.model = model;
    detail.form = "2S";
    detail.valid.from = at("2012-01-01T00:00:00Z");
    std::vector<storage::Alias> aliases;
    if (!badge.empty()) aliases.push_back({"", AliasKind::Badge, badge, {detail.valid.from}});
    const MeterId id = must(assets.create_meter(utility, key, detail, aliases)).id;
    if (point.empty()) return id;
    storage::UsagePointDetail place;
    place.valid.from = detail.valid.from;
    place.commodity = "electricity";
    must(assets.create_usage_point(utility, point, place));
    storage::InstallRequest install;
    install.utility = utility;
    install.meter = key;
    install.usage_point = point;
    install.at = detail.valid.from;
    install.multiplier = multiplier;
    must(assets.install(install));
    return id;
  }

  storage::CommitUnit unit(storage::UtilityId utility, char content) {
    storage::CommitUnit unit;
    unit.utility = utility;
    unit.source.feed = "feed-1";
    unit.source.name = std::string("file-") + content + ".xml";
    unit.source.content_sha256 = std::string(64, content);
    unit.source.length = 1000;
    unit.source.mapping_version = 3;
    unit.source.received_at = at("2013-04-09T14:00:00Z");
    unit.batch.qualities.emplace_back();
    unit.directory_version = must(assets.directory_version());
    return unit;
  }

  void commit(const storage::CommitUnit& unit) {
    const auto counts = ingest.commit(unit);
    if (!counts.ok()) throw std::runtime_error(counts.error().message);
    if (counts->directory_changed) throw std::runtime_error("asset data changed under the test");
  }

  storage::Database database;
  storage::Assets assets;
  storage::PostgresIngest ingest;
};

void add_register(NormalisedBatch& batch, std::uint32_t channel, const char* when, const Decimal& value,
                  std::uint32_t quality = 0) {
  RegisterReading read;
  read.channel = channel;
  read.at = at(when);
  read.value = value;
  read.quality = quality;
  batch.registers.push_back(read);
}

void add_run(NormalisedBatch& batch, std::uint32_t channel, const char* start, std::int32_t exponent,
             std::vector<std::optional<std::int64_t>> values) {
  IntervalRun run;
  run.channel = channel;
  run.first_start = at(start);
  run.length = std::chrono::minutes{15};
  run.exponent = exponent;
  run.quality.assign(values.size(), 0);
  run.mantissas = std::move(values);
  batch.intervals.push_back(std::move(run));
}

void add_event(NormalisedBatch& batch, MeterId meter, const char* when, const char* kind, const char* code,
               const char* raw_code) {
  EventReading event;
  event.meter = meter;
  event.at = at(when);
  event.kind = kind;
  event.code = code;
  event.vendor = "ssn";
  event.raw_code = raw_code;
  event.raw_text = "as sent";
  batch.events.push_back(event);
}

void migrate_with_utilities(const std::string& conninfo) {
  const auto report = storage::migrate(conninfo);
  if (!report.ok()) throw std::runtime_error(report.error().message);
  Filler filler(conninfo);
  filler.utility("maui", std::nullopt);
  filler.utility("oahu", "AE-1641");
}

void fill(const std::string& conninfo) {
  migrate_with_utilities(conninfo);
  Filler filler(conninfo);
  const storage::UtilityId maui = must(filler.assets.get_utility("maui")).id;
  const storage::UtilityId oahu = must(filler.assets.get_utility("oahu")).id;
  const MeterId m1 = filler.meter(maui, "m1", "AX-SD", "10042", "up1", {1, 0});
  const MeterId ct1 = filler.meter(maui, "ct1", "AXR", "", "up2", {40, 0});
  filler.meter(maui, "dry", "", "", "", {1, 0});
  const MeterId other = filler.meter(oahu, "m1", "AX", "10042", "up1", {1, 0});

  storage::CommitUnit unit = filler.unit(maui, 'a');
  NormalisedBatch& batch = unit.batch;
  batch.channels = {{m1, "ssn:reg:1", kBulkEnergy, "Wh"},
                    {m1, "ssn:lp:1", kIntervalEnergy, "Wh"},
                    {m1, "ssn:lp:2", kIntervalEnergy, "Wh"},
                    {m1, "ssn:v", kVoltageNow, "V"},
                    {ct1, "ssn:reg:1", kBulkEnergy, "Wh"}};
  batch.qualities.push_back({{QualityCode{2, 5, 258}}, "R0"});
  add_register(batch, 0, "2013-04-08T00:00:00Z", {12'345'678, -3});
  add_register(batch, 0, "2013-04-09T00:00:00Z", {12'400'000, -3}, 1);
  add_register(batch, 3, "2013-04-08T00:00:00Z", {2405, -1});
  add_register(batch, 4, "2013-04-08T00:00:00Z", {1005, -1});
  // 2^53 + 1 cannot be a double: it shows whether one was on the way.
  add_run(batch, 1, "2013-04-07T23:00:00Z", -2,
          {1815, std::nullopt, 0, 420, 500, 600, 700, 900'719'925'474'099'300});
  add_run(batch, 2, "2013-04-08T00:00:00Z", 0, {-1, 2});
  add_event(batch, m1, "2013-04-08T01:02:03Z", "OUTAGE", "3.26.0.47", "OUT");
  add_event(batch, m1, "2013-04-08T01:03:03Z", "UNMAPPED", "", "WHAT");
  Quarantined bad;
  bad.reason = "unknown_unit";
  bad.detail = "unit XYZ is not in the map";
  bad.meter = "10042";
  bad.raw = "MEPMD01,...,XYZ";
  bad.offset = 77;
  batch.quarantined.push_back(bad);
  filler.commit(unit);

  storage::CommitUnit elsewhere = filler.unit(oahu, 'b');
  elsewhere.batch.channels = {{other, "ssn:reg:1", kBulkEnergy, "Wh"}};
  add_register(elsewhere.batch, 0, "2013-04-08T00:00:00Z", {1, 0});
  filler.commit(elsewhere);
}

}  // namespace

UtcInstant at(const std::string& text) {
  const auto instant = parse_instant(text);
  if (!instant.ok()) throw std::runtime_error(instant.error().message);
  return *instant;
}

std::string create_filled_database() {
  return ami::testing::PgCluster::shared().create_database_like("rpc_filled", fill);
}

std::string create_empty_database() {
  return ami::testing::PgCluster::shared().create_database_like("rpc_empty", migrate_with_utilities);
}

}  // namespace ami::rpc::testing
