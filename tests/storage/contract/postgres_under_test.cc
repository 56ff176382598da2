#include <initializer_list>
#include <pqxx/pqxx>
#include <stdexcept>

#include "storage/postgres/ingest.h"
#include "storage/postgres/migrate.h"
#include "tests/storage/contract/store_under_test.h"
#include "tests/support/pg_cluster.h"

namespace ami::storage::contract {
namespace {

std::string text(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

// Instants leave as microseconds of the epoch, in columns whose names end in _us.
std::string us(std::string_view column) {
  return text({"(extract(epoch FROM ", column, ") * 1000000)::bigint"});
}

constexpr std::string_view kChannel = "c.utility_id, c.meter_id, c.key, c.reading_type, c.unit";
constexpr std::string_view kQuality = "coalesce(q.codes, '{}'), coalesce(q.vendor_flag, '')";
constexpr std::string_view kOrigin = "s.content_sha256, s.byte_offset";
constexpr std::string_view kValue = "trim_scale(ami_decimal(r.mantissa, r.exponent))";
std::string said() {
  return text({kQuality, ", ", us("s.rank_stamp"), " AS stamp_us, s.mapping_version"});
}
// A revision carries the rank that it was stored with; it must be its source's.
std::string said_by_revision() {
  return text({kQuality, ", ", us("r.rank_stamp"), " AS stamp_us, r.mapping_version"});
}

struct Query {
  std::string section, sql;
};

// The view interval_value is used for current values: what SQL people see must be what is stored.
std::vector<Query> queries() {
  return {
      {"channel", text({"SELECT ", kChannel, " FROM channel c"})},
      {"day",
       text({"SELECT ", kChannel, ", ", us("d.day::timestamp AT TIME ZONE 'UTC'"),
             " AS day_us, d.interval_s, d.exponent, d.values, d.wide,"
             " (SELECT array_agg(CASE WHEN d.wide[n] = -9223372036854775808 THEN NULL ELSE d.exponents[n] END"
             " ORDER BY n) FROM generate_subscripts(d.exponents, 1) n)"
             " FROM interval_day d JOIN channel c USING (channel_id)"})},
      {"odd",
       text({"SELECT ", kChannel, ", ", us("d.start_at"),
             " AS start_us, d.length_s, d.mantissa, d.exponent, d.version FROM interval_odd d JOIN channel c "
             "USING (channel_id)"})},
      {"slot",
       text({"SELECT v.utility_id, v.meter_id, v.channel, v.reading_type, v.unit, ", us("v.start_at"),
             " AS start_us, v.length_s, trim_scale(v.value), v.quality, v.vendor_flag, ", us("s.rank_stamp"),
             " AS stamp_us, s.mapping_version FROM interval_value v JOIN source s USING (source_id)"})},
      {"revision", text({"SELECT ", kChannel, ", ", us("r.start_at"), " AS start_us, r.length_s, ", kValue,
                         ", ", said_by_revision(),
                         " FROM interval_revision r JOIN channel c USING (channel_id)"
                         " LEFT JOIN quality_set q USING (quality_id)"})},
      {"register",
       text({"SELECT ", kChannel, ", ", us("r.at"), " AS at_us, r.mantissa, r.exponent, ", said(), ", ",
             us("r.period_start"), " AS period_us, ", us("r.occurred_at"),
             " AS occurred_us, r.time_source FROM register_read r JOIN channel c USING (channel_id)"
             " JOIN source s USING (source_id) LEFT JOIN quality_set q USING (quality_id)"})},
      {"register_revision",
       text({"SELECT ", kChannel, ", ", us("r.at"), " AS at_us, r.mantissa, r.exponent, ", said_by_revision(),
             ", ", us("r.period_start"), " AS period_us, ", us("r.occurred_at"),
             " AS occurred_us, r.time_source FROM register_revision r JOIN channel c USING (channel_id)"
             " LEFT JOIN quality_set q USING (quality_id)"})},
      {"event",
       text({"SELECT e.utility_id, e.meter_id, ", us("e.at"),
             " AS at_us, e.vendor, e.raw_code, e.raw_text, e.kind, e.code, e.mapping_version, e.time_source,"
             " CASE WHEN e.duplicate_of IS NULL THEN e.duplicates::text ELSE coalesce((SELECT 'of ' || "
             "h.raw_code"
             " || ' ' || h.raw_text || ' ' || ",
             us("h.at"),
             " FROM event h WHERE h.meter_id = e.meter_id AND h.at = e.duplicate_of_at"
             " AND h.event_id = e.duplicate_of), 'of nobody') END FROM event e"})},
      {"quarantine", "SELECT utility_id, feed, reason, encode(raw, 'hex'), state FROM quarantine"},
      {"state", "SELECT feed, encode(key, 'hex'), encode(value, 'hex') FROM adapter_state"},
      {"source", text({"SELECT s.utility_id, s.feed, ", kOrigin, ", ", us("s.rank_stamp"),
                       " AS stamp_us, s.mapping_version, s.time_source, s.replay FROM source s"})},
      {"receipt", text({"SELECT s.utility_id, s.feed, ", kOrigin, ", ", us("s.rank_stamp"),
                        " AS stamp_us, s.mapping_version, s.time_source, s.replay, s.name, s.byte_length, ",
                        us("s.received_at"),
                        " AS received_us, s.registers, s.interval_values, s.events, s.cause FROM source s"})},
      {"version", text({"SELECT ", kChannel, ", ", us("d.day::timestamp AT TIME ZONE 'UTC'"),
                        " AS day_us, d.interval_s, d.version FROM interval_day d JOIN channel c"
                        " USING (channel_id)"})},
      {"slot_origin", text({"SELECT v.utility_id, v.meter_id, v.channel, v.reading_type, v.unit, ",
                            us("v.start_at"), " AS start_us, v.length_s, ", kOrigin,
                            ", s.time_source FROM interval_value v JOIN source s USING (source_id)"})},
      {"revision_origin",
       text({"SELECT ", kChannel, ", ", us("r.start_at"), " AS start_us, r.length_s, ", kValue, ", ", said(),
             ", ", kOrigin,
             ", s.time_source FROM interval_revision r JOIN channel c USING (channel_id)"
             " JOIN source s USING (source_id) LEFT JOIN quality_set q USING (quality_id)"})},
      {"register_origin",
       text({"SELECT ", kChannel, ", ", us("r.at"), " AS at_us, ", kOrigin,
             " FROM register_read r JOIN channel c USING (channel_id) JOIN source s USING (source_id)"})},
      {"register_revision_origin",
       text({"SELECT ", kChannel, ", ", us("r.at"), " AS at_us, r.mantissa, r.exponent, ", said(), ", ",
             kOrigin,
             " FROM register_revision r JOIN channel c USING (channel_id) JOIN source s USING (source_id)"
             " LEFT JOIN quality_set q USING (quality_id)"})},
      {"event_origin", text({"SELECT e.meter_id, ", us("e.at"), " AS at_us, e.raw_code, e.raw_text, ",
                             kOrigin, " FROM event e JOIN source s USING (source_id)"})},
      {"sighting",
       text({"SELECT k.utility_id, k.feed, k.reason, encode(k.raw, 'hex'), k.detail, k.meter, k.byte_offset,"
             " k.times_seen, ",
             us("k.first_seen"), " AS first_us, ", us("k.last_seen"),
             " AS last_us, s.content_sha256 FROM quarantine k JOIN source s USING (source_id)"})},
      {"clock", text({"SELECT meter_id, feed, kind, times, ", us("first_at"), " AS first_us, ", us("last_at"),
                      " AS last_us, tolerance_s, last_offset_s, least_offset_s, most_offset_s, ",
                      us("worst_at"), " AS worst_us FROM clock_sign"})},
      {"change",
       text({"SELECT dense_rank() OVER (ORDER BY h.txid::text::bigint), h.entity, h.utility_id, h.meter_id,"
             " CASE WHEN h.channel_id <> 0 THEN c.key || ' ' || c.reading_type END,"
             " ",
             us("coalesce(h.at, h.day::timestamp AT TIME ZONE 'UTC')"),
             " AS at_us, h.interval_s,"
             " CASE WHEN h.entity = 4 THEN 'event_id' ELSE h.version::text END, h.kinds,"
             " CASE WHEN h.entity = 1 THEN h.slots END,"
             " (SELECT coalesce(string_agg(CASE WHEN h.old[3 * n + 1] = -9223372036854775808 AND h.entity < "
             "3 THEN '-'"
             "    ELSE trim_scale(ami_decimal(h.old[3 * n + 1], h.old[3 * n + 2]::int))::text END"
             "    || ' ' || coalesce(q.codes::text, '{}') || ' ' || coalesce(q.vendor_flag, ''), '; ' ORDER "
             "BY n), '')"
             "  FROM generate_series(0, coalesce(cardinality(h.old), 0) / 3 - 1) n"
             "  LEFT JOIN quality_set q ON q.quality_id = h.old[3 * n + 3])"
             " FROM change h LEFT JOIN channel c USING (channel_id)"})}};
}

std::string as_of_query() {
  return text(
      {"WITH said AS ("
       " SELECT 'interval' AS what, v.utility_id, v.meter_id, v.channel, v.reading_type, v.unit, v.start_at "
       "AS at,"
       "  v.length_s, v.value, v.quality, v.vendor_flag, v.source_id FROM interval_value v"
       " UNION ALL SELECT 'interval', ",
       kChannel, ", r.start_at, r.length_s, ami_decimal(r.mantissa, r.exponent), ", kQuality,
       ", r.source_id FROM interval_revision r JOIN channel c USING (channel_id)"
       "  LEFT JOIN quality_set q USING (quality_id)"
       " UNION ALL SELECT 'register', ",
       kChannel, ", r.at, 0, ami_decimal(r.mantissa, r.exponent), ", kQuality,
       ",  r.source_id FROM register_read r JOIN channel c USING (channel_id) LEFT JOIN quality_set q USING "
       "(quality_id)"
       " UNION ALL SELECT 'register', ",
       kChannel, ", r.at, 0, ami_decimal(r.mantissa, r.exponent), ", kQuality,
       ",  r.source_id FROM register_revision r JOIN channel c USING (channel_id)"
       "  LEFT JOIN quality_set q USING (quality_id))"
       " SELECT DISTINCT ON (what, meter_id, channel, reading_type, unit, at, length_s) what, d.utility_id, "
       "meter_id,"
       "  channel, reading_type, unit, ",
       us("at"), " AS at_us, length_s, trim_scale(value), quality, vendor_flag, ", us("s.rank_stamp"),
       " AS stamp_us, s.mapping_version"
       " FROM said d JOIN source s USING (source_id)"
       " CROSS JOIN LATERAL (SELECT coalesce(string_agg((SELECT string_agg(lpad(part, 5, '0'), '.' ORDER BY "
       "n)"
       "   FROM unnest(string_to_array(code, '.')) WITH ORDINALITY p (part, n)), ' ' ORDER BY k), '') "
       "COLLATE \"C\""
       "   FROM unnest(quality) WITH ORDINALITY c (code, k)) ordered (codes)"
       " WHERE s.stored_at <= to_timestamp(0) + $1::bigint * interval '1 microsecond'"
       " ORDER BY what, meter_id, channel, reading_type, unit, at, length_s, (value IS NULL), s.rank_stamp "
       "DESC,"
       "  s.mapping_version DESC, value DESC, codes DESC, vendor_flag COLLATE \"C\" DESC"});
}

Section rows_of(const std::string& section, const pqxx::result& result) {
  Section out{section_columns().at(section), {}};
  if (static_cast<std::size_t>(result.columns()) != out.columns.size()) {
    throw std::logic_error("section " + section + " has other columns");
  }
  for (const auto& row : result) {
    auto& cells = out.rows.emplace_back();
    for (const auto& field : row) {
      const std::string name = field.name();
      if (field.is_null()) {
        cells.emplace_back("-");
      } else if (name.size() > 3 && name.compare(name.size() - 3, 3, "_us") == 0) {
        cells.push_back(to_text(UtcInstant{std::chrono::microseconds{field.as<std::int64_t>()}}));
      } else {
        cells.emplace_back(field.c_str());
      }
    }
  }
  sort_rows(out);
  return out;
}

class PostgresUnderTest final : public StoreUnderTest {
 public:
  explicit PostgresUnderTest(std::size_t lanes)
      : lanes_(lanes),
        conninfo_(testing::PgCluster::shared().create_database_like("contract", prepare)),
        // Compiling a query takes longer than all of its few rows.
        connection_(conninfo_ + " options='-c timezone=UTC -c jit=off'") {
    DatabaseOptions options;
    // What survives a crash is not asked here.
    options.conninfo = conninfo_ + " options='-c synchronous_commit=off'";
    options.connections = 24;  // six writers of three lanes and more
    database_ = std::make_unique<Database>(options);
    restart();
  }

  IngestStore& store() override { return *store_; }
  std::string conninfo() override { return conninfo_; }

  void clear() override {
    pqxx::work tx(connection_);
    tx.exec(
        "SET LOCAL session_replication_role = replica;"
        "DELETE FROM interval_day; DELETE FROM interval_odd; DELETE FROM interval_revision;"
        "DELETE FROM register_read; DELETE FROM register_revision; DELETE FROM event; DELETE FROM change;"
        "DELETE FROM quarantine; DELETE FROM adapter_state; DELETE FROM source; DELETE FROM channel; DELETE "
        "FROM clock_sign;"
        "DELETE FROM quality_set");
    tx.commit();
    restart();
  }
  std::int64_t directory_version() override {
    return one("SELECT version FROM directory_version").as<std::int64_t>();
  }
  void touch_directory() override {
    pqxx::work tx(connection_);
    tx.exec("UPDATE meter SET key = key WHERE meter_id = " + std::to_string(kOtherMeter));
    tx.commit();
  }
  std::int64_t quarantine_id(const std::string& reason) override {
    return one("SELECT quarantine_id FROM quarantine WHERE reason = '" + reason + "'").as<std::int64_t>();
  }
  void reject(std::int64_t quarantine_id) override {
    pqxx::work tx(connection_);
    tx.exec("UPDATE quarantine SET state = 'REJECTED' WHERE quarantine_id = " +
            std::to_string(quarantine_id));
    tx.commit();
  }
  UtcInstant now() override {
    return UtcInstant{std::chrono::microseconds{
        one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").as<std::int64_t>()}};
  }

  Dump dump() override {
    Dump out;
    pqxx::work tx(connection_);
    for (const Query& query : queries()) {
      const std::string& name = query.section;
      auto& part = name == "source" ? out.sources
                   : name == "odd"  ? out.digits
                   : is_truth(name) ? out.truth
                                    : out.history;
      part[name] = rows_of(name, tx.exec(query.sql));
    }
    return out;
  }
  Section as_of(UtcInstant then) override {
    pqxx::work tx(connection_);
    return rows_of("as_of", tx.exec_params(as_of_query(), then.time_since_epoch().count()));
  }

 private:
  // Surrogate ids of the asset data are the same in both stores, so that one unit can be given to both.
  static void prepare(const std::string& empty) {
    if (const auto report = migrate(empty); !report.ok()) throw std::runtime_error(report.error().message);
    pqxx::connection connection(empty);
    pqxx::work tx(connection);
    tx.exec(
        "INSERT INTO utility (utility_id, key, zone) VALUES (1, 'north', 'America/Toronto'),"
        " (2, 'south', 'Pacific/Honolulu');"
        "INSERT INTO meter (meter_id, utility_id, key) VALUES (11, 1, 'm1'), (12, 1, 'm2'), (21, 2, 'm1')");
    tx.commit();
  }

  void restart() {
    store_ = std::make_unique<PostgresIngest>(*database_, lanes_, contract_facts());
  }  // it remembers ids
  pqxx::field one(const std::string& query) {
    pqxx::work tx(connection_);
    return tx.exec1(query)[0];
  }

  std::size_t lanes_;
  std::string conninfo_;
  pqxx::connection connection_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<PostgresIngest> store_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> postgres_store(std::size_t lanes) {
  return std::make_unique<PostgresUnderTest>(lanes);
}

}  // namespace ami::storage::contract
