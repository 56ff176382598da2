#include "storage/postgres/migrate.h"

#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <thread>

#include "storage/postgres/database.h"
#include "tests/support/pg_cluster.h"

namespace ami::storage {
namespace {

std::string count(const std::string& conninfo, const std::string& query) {
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  return tx.exec1(query)[0].c_str();
}

class Migrate : public ::testing::Test {
 protected:
  const std::string conninfo = testing::PgCluster::shared().create_database();
};

TEST_F(Migrate, EmptyDatabaseGetsTheNewestSchemaAndTheSecondRunDoesNothing) {
  auto first = migrate(conninfo);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->from, 0);
  EXPECT_EQ(first->to, schema_version());
  auto second = migrate(conninfo);
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->from, schema_version());
  EXPECT_EQ(count(conninfo, "SELECT count(*) FROM schema_version"),
            std::to_string(embedded_migrations().size()));
  Database database({.conninfo = conninfo});
  EXPECT_TRUE(database.ready().ok());
}

TEST_F(Migrate, TwoProcessesAtOnceBothSucceed) {
  std::optional<Result<MigrationReport>> a, b;
  std::thread other([&] { a = migrate(conninfo); });
  b = migrate(conninfo);
  other.join();
  EXPECT_TRUE(a->ok()) << a->error().message;
  EXPECT_TRUE(b->ok()) << b->error().message;
}

// Found by two feeds whose first batches of a month came at once: the session that waited still remembered
// that the partition was missing, and its batch failed for good.
TEST_F(Migrate, TwoWritersWhoNeedTheSameNewMonthBothGetIt) {
  ASSERT_TRUE(migrate(conninfo).ok());
  pqxx::connection first(conninfo), second(conninfo), watcher(conninfo);
  pqxx::work makes(first), waits(second);
  makes.exec("SELECT ami_ensure_month('change', DATE '2031-05-01')");
  const int waiting_pid = second.backendpid();
  std::optional<std::string> failure;
  std::thread other([&] {
    try {
      waits.exec("SELECT ami_ensure_month('change', DATE '2031-05-01')");
      waits.commit();
    } catch (const std::exception& error) {
      failure = error.what();
    }
  });
  // The first commits only once the second is known to wait for it.
  for (bool blocked = false; !blocked;) {
    pqxx::work look(watcher);
    blocked = look.exec1("SELECT cardinality(pg_blocking_pids(" + std::to_string(waiting_pid) + ")) > 0")[0]
                  .as<bool>();
  }
  makes.commit();
  other.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_EQ(count(conninfo,
                  "SELECT count(*) FROM pg_inherits WHERE inhparent = 'change'::regclass AND "
                  "inhrelid::regclass::text = 'change_2031_05'"),
            "1");
}

TEST_F(Migrate, NewerDatabaseIsRefused) {
  ASSERT_TRUE(migrate(conninfo).ok());
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  tx.exec("INSERT INTO schema_version VALUES (9999, '9999_future', 'x')");
  tx.commit();
  auto refused = migrate(conninfo);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_NE(refused.error().message.find("9999_future"), std::string::npos) << refused.error().message;
  Database database({.conninfo = conninfo});
  auto ready = database.ready();
  ASSERT_FALSE(ready.ok());
  EXPECT_EQ(ready.error().fault, Fault::Permanent);
}

TEST_F(Migrate, ChangedMigrationIsRefused) {
  const Migration original[] = {{1, "0001_a", "CREATE TABLE a (x int)"}};
  const Migration edited[] = {{1, "0001_a", "CREATE TABLE a (x bigint)"}};
  ASSERT_TRUE(migrate(conninfo, original).ok());
  auto refused = migrate(conninfo, edited);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("0001_a was changed"), std::string::npos) << refused.error().message;
}

// Columns that a month's table got while it was being rewritten: its copy had none of them, and every night failed.
TEST_F(Migrate, MonthWhoseCopyLacksColumnsIsRewrittenFromTheStart) {
  const auto all = embedded_migrations();
  ASSERT_EQ(all[13].name, "0014_one_source_a_day");
  ASSERT_TRUE(migrate(conninfo, all.first(13)).ok());
  {
    pqxx::connection connection(conninfo);
    pqxx::work tx(connection);
    for (const std::string table : {"interval_day", "register_read"}) {
      tx.exec("SELECT ami_ensure_month('" + table + "', DATE '2024-03-01')");
      tx.exec("SELECT ami_rewrite_begin('" + table + "', DATE '2024-03-01')");
    }
    tx.commit();
  }
  ASSERT_TRUE(migrate(conninfo).ok());
  EXPECT_EQ(count(conninfo, "SELECT string_agg(relation || ' ' || state, ', ') FROM month_rewrite"),
            "register_read COPYING")
      << "whose columns are the same";
  EXPECT_EQ(count(conninfo, "SELECT ami_rewrite_begin('interval_day', DATE '2024-03-01')"), "t");
}

TEST_F(Migrate, FailingMigrationLeavesTheOnesBeforeItAndNothingOfItself) {
  const Migration list[] = {{1, "0001_a", "CREATE TABLE a (x int)"},
                            {2, "0002_b", "CREATE TABLE b (x int); SELECT no_such_function()"}};
  auto failed = migrate(conninfo, list);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("no_such_function"), std::string::npos);
  EXPECT_EQ(count(conninfo, "SELECT max(version) FROM schema_version"), "1");
  EXPECT_EQ(count(conninfo, "SELECT to_regclass('b') IS NULL"), "t");
}

TEST(MigrateWithoutServer, IsTransient) {
  auto away = migrate("host=/nonexistent dbname=x");
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().fault, Fault::Transient);
}

}  // namespace
}  // namespace ami::storage
