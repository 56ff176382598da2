// Import of meters: staged, checked as a set, then stored as a whole or not at all.
#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <pqxx/pqxx>

#include "meter_model/time/zone.h"
#include "storage/postgres/asset_rows.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/binary_copy.h"

namespace ami::storage {
namespace {

constexpr std::size_t kMaxProblems = 1000;

void stage(pqxx::work& tx, Session& session, const std::vector<ImportRow>& rows) {
  tx.exec(
      "CREATE TEMP TABLE import_row (n bigint PRIMARY KEY, meter text, model text, form text, class_a text,"
      " firmware text, elements text, wires int, feed text, usage_point text, zone text, feeder text,"
      " transformer text, commodity text, multiplier_mantissa bigint, multiplier_exponent smallint,"
      " valid_from timestamptz, family text, module text, board text, han text, substation text,"
      " collector text) ON COMMIT DROP;"
      "CREATE TEMP TABLE import_alias (n bigint, kind text, value text) ON COMMIT DROP;"
      "CREATE TEMP TABLE import_problem (n bigint, field text, message text) ON COMMIT DROP");
  CopyRows meters, aliases;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const ImportRow& row = rows[n];
    meters.begin_row(23);
    meters.i8(static_cast<std::int64_t>(n));
    for (const std::string* text : {&row.meter, &row.model, &row.form, &row.class_a, &row.firmware}) {
      meters.text(clean_text(*text));
    }
    meters.text(clean_text(row.elements));
    row.wires ? meters.i4(*row.wires) : meters.null();
    for (const std::string* text :
         {&row.alias_feed, &row.usage_point, &row.zone, &row.feeder, &row.transformer, &row.commodity}) {
      meters.text(clean_text(*text));
    }
    meters.i8(row.multiplier.mantissa);
    meters.i2(static_cast<std::int16_t>(row.multiplier.exponent));
    meters.at(row.valid_from);
    for (const std::string* text :
         {&row.module_key, &row.module_type, &row.board, &row.han, &row.substation, &row.collector}) {
      meters.text(clean_text(*text));
    }
    for (const auto& [kind, value] :
         {std::pair{"BADGE", &row.badge}, std::pair{"MANUFACTURER_SERIAL", &row.manufacturer_serial},
          std::pair{"MODULE", &row.module}, std::pair{"VENDOR_CONTROL", &row.vendor_control},
          std::pair{"MAC", &row.mac}, std::pair{"CIS", &row.cis}}) {
      if (value->empty()) continue;
      aliases.begin_row(3);
      aliases.i8(static_cast<std::int64_t>(n));
      aliases.text(kind);
      aliases.text(clean_text(*value));
    }
  }
  meters.send(session.raw(), "import_row");
  aliases.send(session.raw(), "import_alias");
  // These statements join whole sets. A nested loop, which the planner likes while tables are young, would
  // look into an index that the same statement is filling: quadratic.
  tx.exec("ANALYZE import_row; ANALYZE import_alias; SET LOCAL enable_nestloop = off");
}

// Period of a row as text for people, in SQL.
#define AMI_SAY_PERIOD(column)                                             \
  "coalesce('from ' || to_char(lower(" column                              \
  ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'since ever')" \
  " || coalesce(' to ' || to_char(upper(" column                           \
  ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), ' on')"

void find_problems(pqxx::work& tx, UtilityId utility, bool install) {
  tx.exec(
      "INSERT INTO import_problem SELECT n, 'meter', 'a row needs a meter key' FROM import_row WHERE meter = "
      "'';"
      "INSERT INTO import_problem SELECT n, 'multiplier', 'a multiplier must be above zero' FROM import_row"
      " WHERE multiplier_mantissa <= 0;"
      "INSERT INTO import_problem SELECT n, 'meter', 'the same meter key is in row ' || first_n + 1 FROM"
      " (SELECT n, meter, min(n) OVER (PARTITION BY meter) AS first_n FROM import_row WHERE meter <> '') r"
      " WHERE n <> first_n;"
      "INSERT INTO import_problem SELECT n, lower(kind), kind || ' ''' || value || ''' is in row ' || "
      "first_n + 1"
      " || ' too' FROM (SELECT n, kind, value, min(n) OVER (PARTITION BY feed, kind, value) AS first_n FROM"
      " import_alias JOIN import_row USING (n)) r WHERE n <> first_n");
  const std::string mine = std::to_string(utility);
  tx.exec(
      "INSERT INTO import_problem SELECT r.n, 'meter', 'meter ''' || r.meter || ''' is known only at other "
      "times'"
      " FROM import_row r JOIN meter m ON m.utility_id = " +
      mine +
      " AND m.key = r.meter WHERE NOT EXISTS"
      " (SELECT FROM meter_detail d WHERE d.meter_id = m.meter_id AND d.valid @> r.valid_from)");
  tx.exec(
      "INSERT INTO import_problem SELECT r.n, x.field, 'meter ''' || r.meter || ''' has ' || x.field || ' "
      "''' ||"
      " coalesce(x.known, '') || ''' already, not ''' || x.said || ''': update it instead' FROM import_row r"
      " JOIN meter m ON m.utility_id = " +
      mine +
      " AND m.key = r.meter"
      " JOIN meter_detail d ON d.meter_id = m.meter_id AND d.valid @> r.valid_from"
      " CROSS JOIN LATERAL (VALUES ('model', d.model, r.model), ('form', d.form, r.form),"
      " ('class_a', d.class_a, r.class_a), ('firmware', d.firmware, r.firmware),"
      " ('elements', trim_scale(d.elements)::text, trim_scale(nullif(r.elements, '')::numeric)::text), "
      "('wires', d.wires::text, r.wires::text))"
      " AS x (field, known, said) WHERE coalesce(x.said, '') <> '' AND x.said IS DISTINCT FROM x.known");
  tx.exec("INSERT INTO import_problem SELECT r.n, lower(a.kind), a.kind || ' ''' || a.value || ''' names meter ''' ||"
          " m.key || ''' ' || " AMI_SAY_PERIOD("d.valid") " FROM import_alias a JOIN import_row r USING (n)"
          " JOIN device_alias d ON d.utility_id = " + mine + " AND d.feed = r.feed AND d.kind = a.kind"
          " AND d.value = a.value AND d.valid && tstzrange(r.valid_from, NULL) JOIN meter m USING (meter_id)"
          " WHERE m.key <> r.meter OR NOT d.valid @> r.valid_from");
  tx.exec("INSERT INTO import_problem SELECT n, 'board', 'a board needs a module beside it' FROM import_row"
          " WHERE board <> '' AND module = '';"
          "INSERT INTO import_problem SELECT DISTINCT ON (r.n) r.n, 'module_type', 'meter ''' || r.meter || ''' has module ''' ||"
          " e.module || ''' ' || CASE WHEN e.board = '' THEN '' ELSE 'with ' || e.board || ' ' END || "
          AMI_SAY_PERIOD("e.valid") " || ': update it instead' FROM import_row r"
          " JOIN meter m ON m.utility_id = " + mine + " AND m.key = r.meter JOIN endpoint e USING (meter_id)"
          " WHERE r.module <> '' AND e.valid && tstzrange(r.valid_from, NULL) AND NOT"
          " (e.module = r.module AND e.board = r.board AND e.valid @> r.valid_from) ORDER BY r.n, e.valid");
  tx.exec("INSERT INTO import_problem SELECT n, 'han', 'a home area network radio is the module''s: it needs one'"
          " FROM import_row WHERE han <> '' AND module = '';"
          "INSERT INTO import_problem SELECT r.n, 'han', 'the module of meter ''' || r.meter || ''' has ' || e.han ||"
          " ': update it instead' FROM import_row r JOIN meter m ON m.utility_id = " + mine + " AND m.key = r.meter"
          " JOIN endpoint e ON e.meter_id = m.meter_id AND e.module = r.module AND e.valid @> r.valid_from"
          " WHERE r.han <> '' AND e.han NOT IN ('', r.han)");
  if (!install) return;
  tx.exec(
      "INSERT INTO import_problem SELECT n, 'usage_point', 'usage point ''' || usage_point || ''' is in row "
      "' ||"
      " first_n + 1 || ' too' FROM (SELECT n, usage_point, min(n) OVER (PARTITION BY usage_point) AS first_n "
      "FROM"
      " import_row WHERE usage_point <> '') r WHERE n <> first_n");
  // Two joins by equality rather than one with OR, which could only be a nested loop.
  tx.exec("INSERT INTO import_problem SELECT DISTINCT ON (r.n) r.n, 'usage_point', 'meter ''' || m.key ||"
          " ''' is at usage point ''' || p.key || ''' ' || " AMI_SAY_PERIOD("i.valid") " FROM ("
          "SELECT r.*, i.installation_id FROM import_row r JOIN meter m ON m.utility_id = " + mine +
          " AND m.key = r.meter JOIN installation i USING (meter_id) UNION "
          "SELECT r.*, i.installation_id FROM import_row r JOIN usage_point p ON p.utility_id = " + mine +
          " AND p.key = r.usage_point JOIN installation i USING (usage_point_id)) r"
          " JOIN installation i USING (installation_id) JOIN meter m USING (meter_id)"
          " JOIN usage_point p USING (usage_point_id) WHERE r.usage_point <> '' AND i.valid && tstzrange(r.valid_from,"
          " NULL) AND NOT (m.key = r.meter AND p.key = r.usage_point AND i.valid @> r.valid_from)"
          " ORDER BY r.n, i.installation_id");
}

void store(pqxx::work& tx, UtilityId utility, bool install, ImportReport& report) {
  const std::string mine = std::to_string(utility);
  report.created = tx.exec("INSERT INTO meter (utility_id, key) SELECT " + mine +
                           ", meter FROM import_row"
                           " ORDER BY n ON CONFLICT DO NOTHING")
                       .affected_rows();
  tx.exec(
      "INSERT INTO meter_detail (meter_id, utility_id, valid, model, form, elements, wires, class_a, "
      "firmware,"
      " firmware_source) SELECT m.meter_id, " +
      mine +
      ", tstzrange(r.valid_from, NULL), r.model, r.form,"
      " nullif(r.elements, '')::numeric, r.wires, r.class_a, r.firmware, CASE WHEN r.firmware = '' THEN '' "
      "ELSE 'import' END"
      " FROM import_row r JOIN meter m ON m.utility_id = " +
      mine +
      " AND m.key = r.meter"
      " WHERE NOT EXISTS (SELECT FROM meter_detail d WHERE d.meter_id = m.meter_id)");
  const auto named = tx.exec(
      "WITH made AS (INSERT INTO device_alias (utility_id, feed, kind, value, meter_id, valid)"
      " SELECT " +
      mine +
      ", r.feed, a.kind, a.value, m.meter_id, tstzrange(r.valid_from, NULL) FROM import_alias a"
      " JOIN import_row r USING (n) JOIN meter m ON m.utility_id = " +
      mine +
      " AND m.key = r.meter"
      " WHERE NOT EXISTS (SELECT FROM device_alias d WHERE d.utility_id = " +
      mine +
      " AND d.feed = r.feed"
      " AND d.kind = a.kind AND d.value = a.value AND d.meter_id = m.meter_id AND d.valid @> r.valid_from)"
      " RETURNING meter_id) SELECT count(DISTINCT m.meter_id) FROM made JOIN meter m USING (meter_id)");
  const auto newly_named = named[0][0].as<std::size_t>();
  const std::size_t newly_fitted =
      tx.exec("INSERT INTO endpoint (utility_id, meter_id, family, module, board, han, valid) SELECT " + mine +
              ", m.meter_id, r.family, r.module, r.board, r.han, tstzrange(r.valid_from, NULL) FROM import_row r"
              " JOIN meter m ON m.utility_id = " +
              mine +
              " AND m.key = r.meter WHERE r.module <> '' AND NOT EXISTS (SELECT FROM endpoint e WHERE"
              " e.meter_id = m.meter_id AND e.valid @> r.valid_from)")
          .affected_rows();
  const std::size_t radios_told =
      tx.exec("UPDATE endpoint e SET han = r.han FROM import_row r JOIN meter m ON m.utility_id = " + mine +
              " AND m.key = r.meter WHERE e.meter_id = m.meter_id AND e.module = r.module AND e.valid @> r.valid_from"
              " AND r.han <> '' AND e.han = ''")
          .affected_rows();
  if (install) {
    tx.exec("INSERT INTO usage_point (utility_id, key) SELECT " + mine +
            ", usage_point FROM import_row"
            " WHERE usage_point <> '' ORDER BY n ON CONFLICT DO NOTHING;"
            "INSERT INTO usage_point_detail (usage_point_id, utility_id, valid, zone, feeder, transformer, "
            "commodity, substation, collector)"
            " SELECT p.usage_point_id, " +
            mine +
            ", tstzrange(r.valid_from, NULL), r.zone, r.feeder, r.transformer,"
            " r.commodity, r.substation, r.collector FROM import_row r JOIN usage_point p ON p.utility_id = " +
            mine +
            " AND p.key ="
            " r.usage_point WHERE NOT EXISTS (SELECT FROM usage_point_detail d WHERE d.usage_point_id ="
            " p.usage_point_id)");
    report.installed =
        tx.exec(
              "INSERT INTO installation (utility_id, meter_id, usage_point_id, valid, multiplier_mantissa,"
              " multiplier_exponent) SELECT " +
              mine +
              ", m.meter_id, p.usage_point_id,"
              " tstzrange(r.valid_from, NULL), r.multiplier_mantissa, r.multiplier_exponent FROM import_row r"
              " JOIN meter m ON m.utility_id = " +
              mine + " AND m.key = r.meter JOIN usage_point p ON p.utility_id = " + mine +
              " AND p.key = r.usage_point WHERE NOT EXISTS (SELECT FROM installation i WHERE i.meter_id ="
              " m.meter_id AND i.usage_point_id = p.usage_point_id AND i.valid @> r.valid_from)")
            .affected_rows();
  }
  const auto rows = tx.exec("SELECT count(*) FROM import_row")[0][0].as<std::size_t>();
  // A row that names or installs a known meter anew is neither created nor unchanged.
  // Of which radio was told was there, module and all.
  const std::size_t touched = std::max(
      {std::max(report.created, newly_fitted) + radios_told, report.installed, newly_named});
  report.unchanged = rows - std::min(rows, touched);
}

// Rows whose outcome the check excludes. Each combination and date is judged once, however many rows have it.
struct ExcludedRows {
  std::size_t count = 0;
  std::vector<ImportProblem> problems;  // by row, as many as are listed
};
ExcludedRows find_excluded(pqxx::work& tx, UtilityId utility, const FittedCheck& check) {
  tx.exec(
      "CREATE TEMP TABLE import_fitted ON COMMIT DROP AS SELECT r.n, dense_rank() OVER (ORDER BY d.model, "
      "d.form,"
      " d.elements, d.wires, d.class_a, e.family, e.module, e.board, r.valid_from) AS kind, d.model, d.form,"
      " coalesce(trim_scale(d.elements)::text, '') AS elements, d.wires, d.class_a, coalesce(e.family, '') "
      "AS family,"
      " coalesce(e.module, '') AS module, coalesce(e.board, '') AS board, r.valid_from FROM import_row r"
      " JOIN meter m ON m.utility_id = " +
      std::to_string(utility) +
      " AND m.key = r.meter JOIN meter_detail d ON d.meter_id = m.meter_id AND d.valid @> r.valid_from"
      " LEFT JOIN endpoint e ON e.meter_id = m.meter_id AND e.valid @> r.valid_from");
  std::map<std::int64_t, Exclusion> excluded;  // by kind
  std::vector<std::int64_t> kinds;
  for (const auto& row :
       tx.exec("SELECT DISTINCT ON (kind) kind, model, form, elements, wires, class_a, family,"
               " module, board, (extract(epoch FROM valid_from) * 1000000)::bigint"
               " FROM import_fitted ORDER BY kind")) {
    Fitted fitted;
    fitted.detail.model = row[1].as<std::string>();
    fitted.detail.form = row[2].as<std::string>();
    fitted.detail.elements = row[3].as<std::string>();
    if (!row[4].is_null()) fitted.detail.wires = row[4].as<int>();
    fitted.detail.class_a = row[5].as<std::string>();
    fitted.module.key = row[6].as<std::string>();
    fitted.module.module = row[7].as<std::string>();
    fitted.module.board = row[8].as<std::string>();
    if (auto why = check(fitted, instant_of(row[9]).value_or(UtcInstant{}))) {
      kinds.push_back(row[0].as<std::int64_t>());
      excluded.emplace(kinds.back(), *std::move(why));
    }
  }
  ExcludedRows out;
  if (kinds.empty()) return out;
  const std::string of_these = " FROM import_fitted WHERE kind = ANY ('" + array_text(kinds) + "'::bigint[])";
  out.count = tx.exec1("SELECT count(*)" + of_these)[0].as<std::size_t>();
  for (const auto& row :
       tx.exec("SELECT n, kind" + of_these + " ORDER BY n LIMIT " + std::to_string(kMaxProblems))) {
    const Exclusion& why = excluded.at(row[1].as<std::int64_t>());
    out.problems.push_back({row[0].as<std::size_t>(), "", why.message, why.rule.name});
  }
  return out;
}

}  // namespace

Answer<ImportReport> Assets::import_meters(UtilityId utility, const std::vector<ImportRow>& rows,
                                           bool install, bool dry_run, const FittedCheck& check) {
  return database_.impl().answer([&](Session& session) {
    ImportReport report;
    std::map<std::string, std::string> bad_zones;  // zone -> why; empty = good
    const auto problem = [&](std::size_t row, const char* field, std::string message) {
      ++report.problem_count;
      report.problems.push_back({row, field, std::move(message)});
    };
    constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1900} / 1 / 1}};
    constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
    std::vector<ImportRow> sound = rows;  // times outside PostgreSQL's range must not reach it
    for (std::size_t n = 0; n < rows.size(); ++n) {
      if (rows[n].valid_from < kFirst || rows[n].valid_from >= kEnd) {
        problem(n, "valid_from", "must lie between the years 1900 and 2199");
        sound[n].valid_from = kFirst;
      }
      if (rows[n].multiplier.exponent < -18 || rows[n].multiplier.exponent > 18) {
        problem(n, "multiplier", "exponent out of range");
        sound[n].multiplier = {1, 0};
      }
      if (const auto count = Decimal::parse(rows[n].elements);
          !rows[n].elements.empty() && (!count.ok() || count->mantissa <= 0)) {
        problem(n, "elements", "'" + rows[n].elements + "' is no count of elements, such as 1, 1.5 or 2");
        sound[n].elements.clear();
      }
      if (!install || rows[n].zone.empty()) continue;
      const auto [known, fresh] = bad_zones.try_emplace(rows[n].zone);
      if (fresh) {
        if (auto zone = Zone::load(rows[n].zone); !zone.ok()) known->second = zone.error().message;
      }
      if (!known->second.empty()) problem(n, "zone", known->second);
    }

    pqxx::work tx(session);
    lock_assets(tx, true);
    if (tx.exec_params("SELECT 1 FROM utility WHERE utility_id = $1", utility).empty()) {
      refuse(Refusal::Kind::NotFound, "no utility with id " + std::to_string(utility), "utility");
    }
    stage(tx, session, sound);
    find_problems(tx, utility, install);
    for (const auto& row :
         tx.exec("SELECT n, field, message FROM import_problem ORDER BY n, field, message LIMIT " +
                 std::to_string(kMaxProblems))) {
      report.problems.push_back(
          {row[0].as<std::size_t>(), row[1].as<std::string>(), row[2].as<std::string>()});
    }
    report.problem_count += tx.exec1("SELECT count(*) FROM import_problem")[0].as<std::size_t>();
    std::stable_sort(report.problems.begin(), report.problems.end(),
                     [](const ImportProblem& a, const ImportProblem& b) { return a.row < b.row; });
    if (report.problems.size() > kMaxProblems) report.problems.resize(kMaxProblems);
    if (report.problem_count > 0) return report;
    store(tx, utility, install, report);  // on a dry run too: it counts, and constraints speak
    if (check) {
      ExcludedRows excluded = find_excluded(tx, utility, check);
      if (!install && excluded.count > 0) {
        ImportReport refused;
        refused.problems = std::move(excluded.problems);
        refused.problem_count = excluded.count;
        return refused;
      }
      report.excluded = excluded.count;
    }
    if (dry_run) return report;
    audit(tx, actor_, utility, "import", "meters",
          std::to_string(report.created) + " created, " + std::to_string(report.installed) + " installed" +
              (report.excluded == 0 ? ""
                                    : ", " + std::to_string(report.excluded) + " that the notice excludes"));
    tx.commit();
    report.stored = true;
    return report;
  });
}

}  // namespace ami::storage
