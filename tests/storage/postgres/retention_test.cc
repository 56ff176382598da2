#include "storage/postgres/retention.h"

#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "storage/postgres/maintenance.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

// Runs as the gateway's role: it must be enough.
class RetentionTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    make_logins(conninfo);
    gateway = std::make_unique<Database>(
        DatabaseOptions{.conninfo = as_user(conninfo, "t_ingest"), .answer_timeout = {}});
    n1 = meter(north, "n1");
    n2 = meter(north, "n2");
    s1 = meter(south, "s1");
    plan.retention.general = {{"intervals", 60}, {"registers", 60}};
  }

  // 96 values on the 10th of each of these months, and a register. Tried twice: the first notices that a
  // month was dropped since.
  void store(UtilityId utility, MeterId id, const std::vector<std::string>& months) {
    CommitUnit batch = unit("values of " + std::to_string(id) + months.front());
    batch.utility = utility;
    const auto channel = add_channel(batch, id);
    for (const std::string& month : months) {
      std::vector<std::optional<std::int64_t>> values;
      for (int i = 0; i < 96; ++i) values.emplace_back(id * 1000 + i);
      add_run(batch, {.channel = channel, .start = at((month + "-10T00:00:00Z").c_str()), .values = values});
      add_register(batch, channel, at((month + "-10T00:00:00Z").c_str()), {id, 0});
    }
    const auto first = ingest->commit(batch);
    if (!first.ok()) commit(batch);
  }

  MaintenanceReport run() {
    auto report = Maintenance(*gateway).run(plan, at("2026-01-15T03:00:00Z"), [] { return true; });
    if (!report.ok()) throw std::runtime_error(report.error().message);
    for (const auto& entry : (*report)->entries)
      EXPECT_NE(entry.outcome, MaintenanceEntry::Outcome::Failed) << entry.subject << ": " << entry.detail;
    return **report;
  }

  std::string days_of(MeterId id) const {
    return one(
        "SELECT coalesce(string_agg(to_char(day, 'YYYY-MM'), ' ' ORDER BY day), '') FROM interval_day WHERE"
        " meter_id = " +
        std::to_string(id));
  }

  // h = SHA-256(h, row), row by row, as the certificate's column says.
  std::string chain(const std::vector<std::string>& rows) const {
    pqxx::connection connection(conninfo);
    pqxx::work tx(connection);
    std::string hash = "";
    for (const std::string& row : rows) {
      hash = tx.exec_params1("SELECT encode(sha256(decode($1, 'hex') || convert_to($2, 'UTF8')), 'hex')",
                             hash, row)[0]
                 .as<std::string>();
    }
    return hash;
  }
  std::vector<std::string> lines(const std::string& query) const {
    std::vector<std::string> out;
    for (const auto& row : sql(query)) out.push_back(row[0]);
    return out;
  }

  LegalHold hold(const std::string& meter, const std::string& point, const char* from, const char* to) {
    LegalHold wanted;
    wanted.utility = north;
    wanted.meter = meter;
    wanted.usage_point = point;
    wanted.period = {at(from), at(to)};
    wanted.holder = "Superior Court 17-4432";
    wanted.reason = "disputed bills";
    wanted.set_by = "counsel";
    auto made = Retention(*gateway).set_hold(wanted);
    if (!made.ok()) throw std::runtime_error(made.refusal().message);
    return *made;
  }

  std::unique_ptr<Database> gateway;
  MaintenancePlan plan;
  MeterId n1 = 0, n2 = 0, s1 = 0;
};

TEST_F(RetentionTest, MonthWhoseTimeIsOverForEveryoneGoesWholeAndLeavesACertificateForEachUtility) {
  store(north, n2, {"2019-05", "2020-12", "2021-01", "2025-11"});
  store(north, n1, {"2019-05"});
  store(south, s1, {"2019-05"});
  const auto rows = lines("SELECT d::text FROM interval_day d WHERE day < '2020-01-01' AND utility_id = " +
                          std::to_string(north) + " ORDER BY meter_id, channel_id, day, interval_s");
  ASSERT_EQ(rows.size(), 2U);
  run();
  // 60 months before 2026-01-01 is 2021-01-01: December 2020 had ended by then, January 2021 had not.
  EXPECT_EQ(days_of(n1), "");
  EXPECT_EQ(days_of(n2), "2021-01 2025-11");
  EXPECT_EQ(days_of(s1), "");
  EXPECT_EQ(one("SELECT to_regclass('interval_day_2019_05') IS NULL"), "t");
  EXPECT_EQ(one("SELECT count(*) FROM retention_drop"), "0");

  const auto page = Retention(*gateway).certificates(north, "intervals", {});
  ASSERT_TRUE(page.ok()) << page.refusal().message;
  ASSERT_EQ(page->items.size(), 2U);
  const RetentionCertificate& may = page->items[0];
  EXPECT_EQ(may.relation, "interval_day");
  EXPECT_EQ(may.month, "2019-05");
  EXPECT_EQ(may.rows, 2U);
  EXPECT_TRUE(may.whole_month);
  EXPECT_EQ(may.first_at, at("2019-05-10T00:00:00Z"));
  EXPECT_EQ(may.sha256, chain(rows));
  EXPECT_EQ(may.rule, "retention.intervals: 60 months");
  EXPECT_EQ(Retention(*gateway).certificates(south, "", {}).value().items.size(), 2U);
  EXPECT_EQ(Retention(*gateway).certificates(north, "registers", {}).value().items.size(), 2U);
  EXPECT_TRUE(run().entries.empty()) << "a second run finds nothing to do";

  // Late data of a dropped month find a place, and go at the next run with a certificate of their own.
  store(north, n1, {"2019-05"});
  EXPECT_EQ(days_of(n1), "2019-05");
  run();
  EXPECT_EQ(days_of(n1), "");
}

TEST_F(RetentionTest, UtilityThatKeepsLongerKeepsItsRowsOfASharedMonth) {
  store(north, n1, {"2019-05"});
  store(south, s1, {"2019-05"});
  plan.retention.of_utility["south"] = {{"intervals", 0}};
  const auto rows = lines("SELECT d::text FROM interval_day d WHERE meter_id = " + std::to_string(n1));
  run();
  EXPECT_EQ(days_of(n1), "");
  EXPECT_EQ(days_of(s1), "2019-05");
  const auto page = Retention(*gateway).certificates(north, "intervals", {});
  ASSERT_EQ(page.value().items.size(), 1U);
  EXPECT_FALSE(page.value().items[0].whole_month);
  EXPECT_EQ(page.value().items[0].sha256, chain(rows));
  EXPECT_EQ(Retention(*gateway).certificates(south, "intervals", {}).value().items.size(), 0U);
  // Registers had no such exception.
  EXPECT_EQ(one("SELECT count(*) FROM register_read"), "0");
}

TEST_F(RetentionTest, DeleteInBatchesGivesTheSameCertificateAsInOne) {
  for (int i = 0; i < 7; ++i) store(north, meter(north, "b" + std::to_string(i)), {"2019-05"});
  store(south, s1, {"2019-05"});
  plan.retention.of_utility["south"] = {{"intervals", 120}, {"registers", 120}};
  plan.batch_rows = 3;
  const auto rows = lines("SELECT d::text FROM interval_day d WHERE utility_id = " + std::to_string(north) +
                          " ORDER BY meter_id, channel_id, day, interval_s");
  run();
  const auto page = Retention(*gateway).certificates(north, "intervals", {});
  ASSERT_EQ(page.value().items.size(), 1U);
  EXPECT_EQ(page.value().items[0].rows, 7U);
  EXPECT_EQ(page.value().items[0].sha256, chain(rows));
  EXPECT_EQ(days_of(s1), "2019-05");
}

TEST_F(RetentionTest, HoldBeatsEveryDropUntilItIsLifted) {
  UsagePointDetail place;
  place.valid.from = at("2015-01-01T00:00:00Z");
  ASSERT_TRUE(assets->create_usage_point(north, "up1", place).ok());
  InstallRequest install;
  install.utility = north;
  install.meter = "n2";
  install.usage_point = "up1";
  install.at = place.valid.from;
  ASSERT_TRUE(assets->install(install).ok());
  const MeterId n3 = meter(north, "n3");
  store(north, n1, {"2019-05", "2019-07"});
  store(north, n2, {"2019-05", "2019-07"});
  store(north, n3, {"2019-05", "2019-07"});
  const LegalHold of_meter = hold("n1", "", "2019-05-31T00:00:00Z", "2019-06-01T00:00:00Z");
  const LegalHold of_point = hold("", "up1", "2019-01-01T00:00:00Z", "2019-06-01T00:00:00Z");
  EXPECT_EQ(of_meter.meter, "n1");
  EXPECT_EQ(of_point.usage_point, "up1");
  EXPECT_EQ(one("SELECT count(*) FROM asset_audit WHERE action = 'set_hold' AND actor = 'counsel'"), "2");

  run();
  EXPECT_EQ(days_of(n1), "2019-05") << "held on the meter; July is not held";
  EXPECT_EQ(days_of(n2), "2019-05") << "held as the meter of the usage point";
  EXPECT_EQ(days_of(n3), "");
  EXPECT_EQ(one("SELECT count(*) FROM register_read WHERE at < '2019-06-01'"), "2");

  // A meter's hold does not keep another's, and nothing of it is dropped by asking the functions themselves.
  const SqlEnd direct =
      run_sql(as_user(conninfo, "t_ingest"), "SELECT ami_retention_delete('interval_day', '2019-05-01', " +
                                                 std::to_string(north) + ", 'by hand', 1000)");
  EXPECT_EQ(direct.cell, "0") << direct.message;
  // A table of the caller's own in the way of ours changes nothing.
  const SqlEnd fooled =
      run_sql(as_user(conninfo, "t_ingest"),
              "CREATE TEMP TABLE legal_hold (LIKE public.legal_hold); SET search_path = pg_temp, public;"
              "SELECT ami_retention_delete('interval_day', '2019-05-01', " +
                  std::to_string(north) + ", 'by hand', 1000)");
  EXPECT_EQ(fooled.cell, "0") << fooled.message;
  EXPECT_EQ(run_sql(as_user(conninfo, "t_ingest"),
                    "SELECT ami_retention_detach('interval_day', '2019-05-01', ARRAY(SELECT utility_id FROM "
                    "utility), 'x')")
                .cell,
            "f");
  EXPECT_EQ(days_of(n1), "2019-05");

  Retention retention(*gateway);
  const auto lifted = retention.lift_hold(north, of_meter.id, "counsel", "settled");
  ASSERT_TRUE(lifted.ok()) << lifted.refusal().message;
  EXPECT_EQ(lifted->lifted_by, "counsel");
  run();
  EXPECT_EQ(days_of(n1), "") << "lifted: looked at again at the next run";
  EXPECT_EQ(days_of(n2), "2019-05");

  const auto page = retention.holds(north, true, {});
  ASSERT_EQ(page.value().items.size(), 2U);
  EXPECT_TRUE(page.value().items[0].lifted_at);
  EXPECT_EQ(retention.holds(north, false, {}).value().items.size(), 1U);
  EXPECT_EQ(retention.holds(south, true, {}).value().items.size(), 0U);
}

TEST_F(RetentionTest, HoldOnEverythingKeepsTheWholeUtilityAndNotItsNeighbour) {
  store(north, n1, {"2019-05"});
  store(south, s1, {"2019-05"});
  hold("", "", "2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z");
  run();
  EXPECT_EQ(days_of(n1), "2019-05");
  EXPECT_EQ(days_of(s1), "");
}

// The worst moment: the partition is out, its rows are not yet hashed, and the court calls.
TEST_F(RetentionTest, HoldThatComesBetweenTakingOutAndDroppingGivesTheRowsBack) {
  store(north, n1, {"2019-05"});
  store(north, n2, {"2019-05"});
  store(south, s1, {"2019-05"});
  ASSERT_EQ(run_sql(as_user(conninfo, "t_ingest"),
                    "SELECT ami_retention_detach('interval_day', '2019-05-01',"
                    " ARRAY(SELECT utility_id FROM utility), 'rule')")
                .cell,
            "t");
  EXPECT_EQ(days_of(n1), "");
  hold("n1", "", "2019-05-01T00:00:00Z", "2019-06-01T00:00:00Z");
  run();
  EXPECT_EQ(days_of(n1), "2019-05");
  EXPECT_EQ(days_of(n2), "");
  const auto page = Retention(*gateway).certificates(north, "intervals", {});
  ASSERT_EQ(page.value().items.size(), 1U);
  EXPECT_EQ(page.value().items[0].rows, 1U) << "n2's; n1's is not certified as gone";
}

TEST_F(RetentionTest, ChangesAndAccessLogAndQuarantineGoByTheirOwnRules) {
  store(north, n1, {"2025-11"});
  sql("SELECT ami_ensure_month('change', '2024-02-01'), ami_ensure_month('access_log', '2020-02-01');"
      "INSERT INTO change (changed_at, utility_id, meter_id, channel_id, day, interval_s, version, entity)"
      " VALUES ('2024-02-03', 1, 1, 1, '2024-02-03', 900, 1, 1);"
      "INSERT INTO access_log (at, call_id, utility_id, caller, certificate, on_behalf_of, purpose, rpc, "
      "usage_point,"
      " meter, period) VALUES ('2020-02-03', 1, 1, 'c', '', '', 'p', 'r', 'u', 'm', '(,)');"
      "INSERT INTO quarantine (utility_id, feed, reason, detail, meter, raw, byte_offset, source_id, "
      "first_seen,"
      " last_seen) SELECT 1, 'f', 'r', '', '', k::text::bytea, 0, (SELECT min(source_id) FROM source), t, t "
      "FROM"
      " (VALUES (1, '2019-02-03'::timestamptz), (2, now())) AS v (k, t)");
  run();
  EXPECT_EQ(one("SELECT count(*) FROM change WHERE changed_at < '2025-01-01'"), "0")
      << "35 days, unless told otherwise";
  EXPECT_EQ(one("SELECT count(*) FROM access_log"), "1") << "no rule: for ever";
  EXPECT_EQ(one("SELECT count(*) FROM quarantine"), "2");
  plan.retention.general = {{"access_log", 24}, {"quarantine", 12}};
  run();
  EXPECT_EQ(one("SELECT count(*) FROM access_log"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM quarantine"), "1");
  EXPECT_EQ(lines("SELECT class FROM retention_certificate ORDER BY 1"),
            (std::vector<std::string>{"access_log", "changes", "quarantine"}));
}

TEST_F(RetentionTest, RawContentIsHeldAndItsDropCertified) {
  sql("INSERT INTO raw_content (content_sha256, utility_id, feed, name, bytes, compressed_bytes, "
      "received_at) VALUES"
      " (repeat('a', 64), 1, 'f', 'n', 1, 1, '2019-05-03'), (repeat('b', 64), 1, 'f', 'n', 1, 1, "
      "'2019-06-03')");
  hold("", "", "2019-06-01T00:00:00Z", "2019-06-02T00:00:00Z");
  EXPECT_EQ(
      lines("SELECT ami_raw_held(1, 'f', content_sha256, received_at)::text FROM raw_content ORDER BY 1"),
      (std::vector<std::string>{"false", "true"}));
  const SqlEnd end = run_sql(as_user(conninfo, "t_ingest"),
                             "UPDATE raw_content SET dropped_at = now() WHERE NOT ami_raw_held(1, feed, "
                             "content_sha256, received_at)");
  EXPECT_EQ(end.state, "") << end.message;
  EXPECT_EQ(one("SELECT class || ' ' || rows || ' ' || to_char(month, 'YYYY-MM') FROM retention_certificate"),
            "raw_content 1 2019-05");
}

TEST_F(RetentionTest, BadInputIsRefused) {
  Retention retention(*gateway);
  LegalHold bad;
  bad.utility = north;
  bad.holder = bad.reason = bad.set_by = "x";
  bad.meter = "nope";
  EXPECT_EQ(retention.set_hold(bad).refusal().kind, Refusal::Kind::NotFound);
  bad.meter = "s1";
  EXPECT_EQ(retention.set_hold(bad).refusal().kind, Refusal::Kind::NotFound) << "another utility's meter";
  bad.meter.clear();
  bad.holder.clear();
  EXPECT_EQ(retention.set_hold(bad).refusal().field, "holder");
  bad.holder = "x";
  bad.reason.clear();
  EXPECT_EQ(retention.set_hold(bad).refusal().field, "reason");
  bad.reason = "x";
  bad.period = {at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:00Z")};
  EXPECT_EQ(retention.set_hold(bad).refusal().field, "period");
  const LegalHold good = hold("n1", "", "2019-05-01T00:00:00Z", "2019-06-01T00:00:00Z");
  EXPECT_EQ(retention.lift_hold(south, good.id, "me", "why").refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(retention.lift_hold(north, good.id, "me", "").refusal().field, "reason");
  ASSERT_TRUE(retention.lift_hold(north, good.id, "me", "why").ok());
  EXPECT_EQ(retention.lift_hold(north, good.id, "me", "why").refusal().kind, Refusal::Kind::Invalid);

  // What the gateway's role may not have the owner do, whatever rule it claims.
  for (const char* call :
       {"ami_retention_delete('meter', '2019-05-01', 1, 'x', 10)",
        "ami_retention_delete('legal_hold', '2019-05-01', 1, 'x', 10)",
        "ami_retention_delete('interval_day', '2019-05-02', 1, 'x', 10)",
        "ami_retention_delete('interval_day', NULL, 1, 'x', 10)",
        "ami_retention_delete('interval_day', date_trunc('month', now())::date, 1, 'x', 10)",
        "ami_retention_detach('interval_day', (date_trunc('month', now()) + interval '1 month')::date, "
        "'{1,2}', 'x')",
        "ami_retention_drop('meter')", "ami_rewrite_begin('event', '2019-05-01')",
        "ami_rewrite_begin('interval_day', date_trunc('month', now())::date)",
        "ami_rewrite_copy('interval_day', '2019-05-01', 1)",
        "ami_rewrite_swap('interval_day', '2019-05-01')"}) {
    sql("SELECT ami_ensure_month('interval_day', (now() + interval '1 month')::date)");
    const SqlEnd end = run_sql(as_user(conninfo, "t_ingest"), std::string("SELECT ") + call);
    EXPECT_EQ(end.state, "P0001") << call << end.message;
  }
}

TEST_F(RetentionTest, UtilitysOwnMonthsBeatTheGeneralOnes) {
  RetentionRules rules;
  rules.general = {{"intervals", 84}, {"events", 12}};
  rules.of_utility["south"] = {{"intervals", 0}};
  EXPECT_EQ(rules.months("north", "intervals"), 84);
  EXPECT_EQ(rules.months("south", "intervals"), 0);
  EXPECT_EQ(rules.months("south", "events"), 12);
  EXPECT_EQ(rules.months("south", "registers"), 0);
}

}  // namespace
}  // namespace ami::storage
