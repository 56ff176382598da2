// PostgreSQL away, restarted, crashed: Transient, then works again by itself, and nothing is lost or doubled.
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class FaultsTest : public StoreTest {
 protected:
  void TearDown() override { testing::PgCluster::shared().start(); }
  CommitUnit some(const std::string& content, int hour) {
    CommitUnit u = unit(content);
    add_run(u, {.channel = add_channel(u, m_),
                .start = at("2024-03-05T00:00:00Z") + std::chrono::hours{hour},
                .values = {hour}});
    return u;
  }
  MeterId m_ = 0;
};

TEST_F(FaultsTest, AwayAtStartThenThere) {
  testing::PgCluster& cluster = testing::PgCluster::shared();
  m_ = meter(north, "m1");
  const CommitUnit u = some("a", 1);
  cluster.stop();
  Database late({.conninfo = conninfo});
  PostgresIngest late_ingest(late);
  EXPECT_EQ(late.ready().error().fault, Fault::Transient);
  EXPECT_EQ(late_ingest.commit(u).error().fault, Fault::Transient);
  EXPECT_EQ(late_ingest.load_state("f", "k").error().fault, Fault::Transient);
  Assets late_assets(late);
  EXPECT_EQ(late_assets.list_utilities().refusal().kind, Refusal::Kind::Unavailable);
  cluster.start();
  EXPECT_TRUE(late.ready().ok());
  EXPECT_TRUE(late_ingest.commit(u).ok());
  EXPECT_EQ(one("SELECT value FROM interval_value"), "1");
}

TEST_F(FaultsTest, RestartInTheMiddleNeedsNobodysHelp) {
  testing::PgCluster& cluster = testing::PgCluster::shared();
  m_ = meter(north, "m1");
  const CommitUnit first = some("a", 1), second = some("b", 2), third = some("c", 3);
  commit(first);
  cluster.stop();
  EXPECT_EQ(ingest->commit(second).error().fault, Fault::Transient);
  EXPECT_EQ(ingest->commit(second).error().fault, Fault::Transient)
      << "connections that failed are given back";
  cluster.start();
  EXPECT_TRUE(ingest->commit(second).ok());
  cluster.restart();
  EXPECT_TRUE(ingest->commit(third).ok()) << "a pooled connection that died in between is replaced";
  cluster.crash();
  cluster.start();
  EXPECT_TRUE(ingest->commit(first).ok());
  EXPECT_EQ(sql("SELECT value FROM interval_value ORDER BY 1"), (Table{{"1"}, {"2"}, {"3"}}))
      << "what was answered before the crash is there after it, once";
}

TEST_F(FaultsTest, PoolThatIsExhaustedIsTransient) {
  Database narrow({.conninfo = conninfo, .connections = 0, .acquire_timeout = std::chrono::milliseconds{1}});
  EXPECT_EQ(narrow.ready().error().fault, Fault::Transient);
}

TEST_F(FaultsTest, PermissionLostIsTransientBecauseAPersonMendsIt) {
  m_ = meter(north, "m1");
  const CommitUnit u = some("a", 1);
  sql("CREATE ROLE nobody_much LOGIN");
  std::string other = conninfo;
  other.replace(other.find("user=ami"), 8, "user=nobody_much");
  Database denied({.conninfo = other});
  PostgresIngest denied_ingest(denied);
  const auto refused = denied_ingest.commit(u);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Transient) << refused.error().message;
  EXPECT_EQ(one("SELECT count(*) FROM source"), "0");
}

TEST_F(FaultsTest, WrongConninfoNamesTheProblem) {
  Database wrong({.conninfo = "host=/nonexistent nonsense=1"});
  const auto ready = wrong.ready();
  ASSERT_FALSE(ready.ok());
  EXPECT_NE(ready.error().message.find("nonsense"), std::string::npos) << ready.error().message;
}

}  // namespace
}  // namespace ami::storage
