#include "storage/postgres/maintenance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <pqxx/pqxx>
#include <thread>

#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using Outcome = MaintenanceEntry::Outcome;

class MaintenanceTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    make_logins(conninfo);
    gateway = std::make_unique<Database>(
        DatabaseOptions{.conninfo = as_user(conninfo, "t_ingest"), .answer_timeout = {}});
    for (int i = 0; i < kMeters; ++i) ids.push_back(meter(north, "m" + std::to_string(i)));
  }

  // Four values an hour of every meter; values tell meter, day and slot.
  CommitUnit hour(int day, int hour, int hours = 1) {
    CommitUnit batch = unit("hour " + std::to_string(day) + "." + std::to_string(hour));
    for (const MeterId id : ids) {
      const auto channel = add_channel(batch, id);
      const UtcInstant start =
          at("2024-03-01T00:00:00Z") + std::chrono::days{day - 1} + std::chrono::hours{hour};
      std::vector<std::optional<std::int64_t>> values;
      for (int i = 0; i < 4 * hours; ++i) values.emplace_back(id * 100'000 + day * 1000 + hour * 4 + i);
      add_run(batch, {.channel = channel, .start = start, .values = values});
      if (hour == 0) add_register(batch, channel, start, {id * 100 + day, 0});
    }
    return batch;
  }
  // Two deliveries a day.
  void fill(int days) {
    for (int day = 1; day <= days; ++day)
      for (int h = 0; h < 24; h += 12) commit(hour(day, h, 12));
  }

  MaintenanceReport run(const std::function<bool()>& go_on = [] { return true; }) {
    auto report = Maintenance(*gateway).run(plan, at("2024-06-15T03:00:00Z"), go_on);
    if (!report.ok()) throw std::runtime_error(report.error().message);
    return **report;
  }

  // Rows and key; without the few pages that a table of any size has.
  double bytes_a_slot() const {
    return std::stod(
        one("SELECT (pg_relation_size('interval_day_2024_03') + pg_relation_size((SELECT indexrelid FROM"
            " pg_index WHERE indrelid = 'interval_day_2024_03'::regclass)))::float8 /"
            " (SELECT sum(86400 / interval_s) FROM interval_day_2024_03)"));
  }

  std::string step(const std::string& call) {
    const SqlEnd end = run_sql(as_user(conninfo, "t_ingest"), "SELECT " + call);
    EXPECT_EQ(end.state, "") << call << ": " << end.message;
    return end.cell;
  }

  static constexpr int kMeters = 60;
  std::vector<MeterId> ids;
  std::unique_ptr<Database> gateway;
  MaintenancePlan plan;
};

TEST_F(MaintenanceTest, PartitionsAreMadeAheadForEveryTableThatHasMonths) {
  run();
  const auto tables =
      sql("SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace");
  EXPECT_GE(tables.size(), 8U);
  for (const auto& row : tables) {
    for (const char* month : {"2024_06", "2024_07", "2024_08"})
      EXPECT_EQ(one("SELECT to_regclass('" + row[0] + "_" + month + "') IS NOT NULL"), "t")
          << row[0] << month;
    EXPECT_EQ(one("SELECT to_regclass('" + row[0] + "_2024_09') IS NULL"), "t") << row[0];
  }
  EXPECT_TRUE(run().entries.empty());
  const auto noted = Maintenance(*gateway).list({});
  ASSERT_TRUE(noted.ok()) << noted.refusal().message;
  EXPECT_EQ(noted->items.size(), tables.size() * 3);
  EXPECT_EQ(noted->items[0].task, "make partition");
}

TEST_F(MaintenanceTest, ClosedMonthBecomesDenseAndSaysTheSame) {
  fill(10);
  const std::string before = canonical_dump();
  const double open = bytes_a_slot();
  const auto report = run();
  const double closed = bytes_a_slot();
  std::cout << "[ MEASURED ] bytes a slot: " << open << " open, " << closed << " rewritten\n";
  RecordProperty("bytes_a_slot_open", std::to_string(open));
  RecordProperty("bytes_a_slot_closed", std::to_string(closed));
  // A row of 96 values from two sources: 32 header + 40 fixed columns + 24 + 384 values + 53 sources = 533,
  // with its line pointer 540 of the 8168 of a page: 15 a page, 40 pages for 600. Their keys: 36 each, 203 a
  // page that is nine tenths full: 3, with root and first page 5.
  EXPECT_LE(closed, 45 * 8192 / (600 * 96.0) + 0.001);
  EXPECT_LT(closed, open * 0.55);
  EXPECT_EQ(canonical_dump(), before);

  const auto rewritten =
      std::count_if(report.entries.begin(), report.entries.end(), [](const MaintenanceEntry& entry) {
        return entry.task == "rewrite month" && entry.outcome == Outcome::Done && entry.bytes_after &&
               entry.bytes_before;
      });
  EXPECT_EQ(rewritten, 2) << "interval_day and register_read of March";
  EXPECT_EQ(one("SELECT string_agg(relation || ' ' || state, ', ' ORDER BY relation) FROM month_rewrite"),
            "interval_day DONE, register_read DONE");
  EXPECT_EQ(
      one("SELECT string_agg(reloptions::text, '') FROM pg_class WHERE relname = 'interval_day_2024_03'"),
      "{fillfactor=100}");
  // In order of meter on disk, and nothing is left over.
  EXPECT_EQ(one("SELECT count(*) FROM (SELECT meter_id, lag(meter_id) OVER (ORDER BY ctid) AS p FROM"
                " interval_day_2024_03) k WHERE p > meter_id"),
            "0");
  EXPECT_EQ(one("SELECT count(*) FROM pg_class WHERE relname ~ '_(new|touched|expired)'"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM pg_trigger WHERE tgname = 'ami_touched'"), "0");
  EXPECT_EQ(one("SELECT relrowsecurity FROM pg_class WHERE relname = 'interval_day_2024_03'"), "t");

  // Late data merge into it as into any other, as the gateway's role.
  PostgresIngest as_gateway(*gateway);
  ASSERT_TRUE(as_gateway.commit(hour(10, 12, 12)).ok());
  EXPECT_EQ(canonical_dump(), before) << "the same half day again changes nothing";
  ASSERT_TRUE(as_gateway.commit(hour(11, 0)).ok());
  EXPECT_EQ(one("SELECT count(*) FROM interval_day_2024_03"), std::to_string(kMeters * 11));
  EXPECT_TRUE(run().entries.empty()) << "a month is rewritten once";
}

TEST_F(MaintenanceTest, WriteAtAnyStepOfARewritingIsKept) {
  fill(2);
  const std::string month = "'interval_day', '2024-03-01'";
  commit(hour(3, 0));
  ASSERT_EQ(step("ami_rewrite_begin(" + month + ")"), "t");
  commit(hour(3, 1));
  ASSERT_NE(step("ami_rewrite_copy(" + month + ", 50)"), "0");
  commit(hour(3, 2));  // of meters that were copied and of others that were not
  while (step("ami_rewrite_copy(" + month + ", 50)") != "0") {
  }
  commit(hour(4, 0));
  EXPECT_NE(step("ami_rewrite_catch_up(" + month + ", 100)"), "0");
  commit(hour(3, 3));
  sql("DELETE FROM interval_day WHERE day = '2024-03-02' AND meter_id = " + std::to_string(ids[7]));
  const std::string before = canonical_dump();
  ASSERT_EQ(step("ami_rewrite_swap(" + month + ")"), "t");
  EXPECT_EQ(canonical_dump(), before);
  EXPECT_EQ(one("SELECT state FROM month_rewrite WHERE relation = 'interval_day'"), "DONE");
}

TEST_F(MaintenanceTest, WriterWhoNeverPausesLosesNothing) {
  fill(1);
  std::atomic<bool> done{false};
  std::atomic<int> stored{0};
  std::vector<CommitUnit> late;
  for (int day = 2; day <= 9; ++day)
    for (int h = 0; h < 24; ++h) late.push_back(hour(day, h));
  std::optional<std::string> failure;
  std::thread writer([&] {
    Database login({.conninfo = as_user(conninfo, "t_ingest")});
    PostgresIngest as_gateway(login);
    for (std::size_t i = 0; i < late.size() && !(done && i > 24); ++i) {
      auto counts = as_gateway.commit(late[i]);
      while (!counts.ok() && counts.error().fault == Fault::Transient) counts = as_gateway.commit(late[i]);
      if (!counts.ok()) {
        failure = counts.error().message;
        return;
      }
      ++stored;
    }
  });
  // A reader must never find the month missing.
  std::atomic<int> looked{0};
  std::atomic<bool> missed{false};
  std::thread reader([&] {
    pqxx::connection connection(conninfo);
    while (!done) {
      pqxx::work tx(connection);
      if (tx.exec1("SELECT count(*) FROM interval_day WHERE day = '2024-03-01'")[0].as<int>() != kMeters)
        missed = true;
      ++looked;
    }
  });
  plan.batch_rows = 20;
  for (int i = 0; i < 30 && one("SELECT count(*) FROM month_rewrite WHERE state = 'DONE'") != "2"; ++i) run();
  done = true;
  writer.join();
  reader.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_FALSE(missed);
  EXPECT_GT(looked, 0);
  EXPECT_EQ(one("SELECT count(*) FROM month_rewrite WHERE state = 'DONE'"), "2");
  // Every value that was acknowledged is there: value = id * 100000 + day * 1000 + slot.
  const int hours = stored;
  EXPECT_EQ(one("SELECT count(*) FROM interval_value"), std::to_string((24 + hours) * 4 * kMeters));
  EXPECT_EQ(one("SELECT count(*) FROM interval_value WHERE value <> meter_id * 100000 + extract(day FROM "
                "start_at) * 1000 +"
                " extract(hour FROM start_at) * 4 + extract(minute FROM start_at) / 15"),
            "0");
}

TEST_F(MaintenanceTest, StopsBetweenTwoTransactionsAndGoesOnNextTime) {
  fill(3);
  const std::string before = canonical_dump();
  plan.batch_rows = 10;
  int left = 12;
  const auto first = run([&] { return --left > 0; });
  EXPECT_FALSE(first.finished);
  EXPECT_EQ(one("SELECT state FROM month_rewrite WHERE relation = 'interval_day'"), "COPYING");
  EXPECT_NE(one("SELECT next_meter FROM month_rewrite WHERE relation = 'interval_day'"), "0");
  EXPECT_TRUE(run().finished);
  EXPECT_EQ(one("SELECT count(*) FROM month_rewrite WHERE state = 'DONE'"), "2");
  EXPECT_EQ(canonical_dump(), before);
}

TEST_F(MaintenanceTest, LongReaderPostponesTheSwapAndIsNotKeptWaiting) {
  fill(1);
  const std::string before = canonical_dump();
  pqxx::connection connection(conninfo);
  {
    pqxx::work report(connection);
    report.exec("SELECT count(*) FROM interval_day, register_read");
    const auto held_up = run();
    EXPECT_FALSE(held_up.finished);
    EXPECT_EQ(
        std::count_if(held_up.entries.begin(), held_up.entries.end(),
                      [](const MaintenanceEntry& entry) { return entry.outcome == Outcome::Postponed; }),
        2);
    EXPECT_EQ(report.exec1("SELECT count(*) FROM interval_day")[0].as<int>(), kMeters);
  }
  EXPECT_TRUE(run().finished);
  EXPECT_EQ(canonical_dump(), before);
}

TEST_F(MaintenanceTest, OnlyOneGatewayIsAtIt) {
  pqxx::connection other(conninfo);
  pqxx::nontransaction(other).exec("SELECT pg_advisory_lock(7165289, 80)");
  Maintenance maintenance(*gateway);
  const auto refused = maintenance.run(plan, at("2024-06-15T03:00:00Z"), [] { return true; });
  ASSERT_TRUE(refused.ok());
  EXPECT_FALSE(refused->has_value());
  other.disconnect();
  // The lock goes with its connection; the server may take a moment to notice.
  std::optional<MaintenanceReport> report;
  for (int i = 0; i < 1000 && !report; ++i)
    report = maintenance.run(plan, at("2024-06-15T03:00:00Z"), [] { return true; }).value();
  ASSERT_TRUE(report);
  // And it was let go of.
  EXPECT_EQ(
      one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7165289 AND objid = 80"),
      "0");
}

TEST(MaintenanceWithoutServer, IsTransient) {
  Database nowhere({.conninfo = "host=/nonexistent dbname=x"});
  const auto away = Maintenance(nowhere).run({}, at("2024-06-15T03:00:00Z"), [] { return true; });
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().fault, Fault::Transient);
}

}  // namespace
}  // namespace ami::storage
