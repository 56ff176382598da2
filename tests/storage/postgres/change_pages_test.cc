// What a page of the change feed costs: it reads its own changes, however many lie behind the cursor.
#include <pqxx/pqxx>

#include "storage/postgres/changes.h"
#include "storage/postgres/session.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

constexpr int kWaiting = 30'000;
constexpr std::int64_t kPage = 100;

TEST_F(StoreTest, APageOfTheChangeFeedReadsNoMoreThanItselfHoweverMuchWaits) {
  const MeterId who = meter(north, "M1");
  sql("SELECT ami_ensure_month('change', now()::date)");
  // In many transactions, as changes come: the end of a page lies between two of them.
  for (int part = 0; part < 30; ++part) {
    sql("INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity) SELECT " +
        std::to_string(north) + ", " + std::to_string(who) + ", 1, '2024-03-05', 900, g, 1 FROM generate_series(1, " +
        std::to_string(kWaiting / 30) + ") g");
  }
  sql("ANALYZE change");

  DatabaseOptions options;
  options.conninfo = conninfo;
  options.connections = 1;  // so that the counters below are those of the session that read
  Database alone(options);
  Changes changes(alone);
  const auto fetched = [&] {
    auto count = alone.impl().run([](Session& session) {
      pqxx::nontransaction tx(session);
      tx.exec("SELECT pg_stat_force_next_flush()");
      tx.exec("SELECT 1");  // at the end of which they are flushed
      return tx.exec1(
                   "SELECT coalesce(sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0)), 0)::bigint"
                   " FROM pg_stat_all_tables s JOIN pg_inherits i ON i.inhrelid = s.relid"
                   " WHERE i.inhparent = 'change'::regclass")[0]
          .as<std::int64_t>();
    });
    EXPECT_TRUE(count.ok()) << (count.ok() ? "" : count.error().message);
    return count.ok() ? *count : -1;
  };
  const ChangeCursor oldest = changes.bounds(north).value().oldest;
  const auto read = [&](const ChangeCursor& from) {
    return changes.page({.utility = north, .size = kPage, .scan = kPage}, from);
  };
  auto page = read(oldest);  // what a first call looks up besides
  for (int wait = 0; wait < 2000 && page.ok() && page->rows.empty(); ++wait) page = read(oldest);  // held back
  ASSERT_TRUE(page.ok()) << page.refusal().message;
  ASSERT_EQ(page->rows.size(), static_cast<std::size_t>(kPage));

  const std::int64_t before = fetched();
  const auto next = read(page->next);
  const std::int64_t after = fetched();
  ASSERT_TRUE(next.ok()) << next.refusal().message;
  ASSERT_EQ(next->rows.size(), static_cast<std::size_t>(kPage));
  EXPECT_GE(after - before, kPage) << "the counters count";
  EXPECT_LT(after - before, 10 * kPage) << "of " << kWaiting << " that wait";
}

}  // namespace
}  // namespace ami::storage
