// What every store of findings promises, and who may see them in PostgreSQL.
#include "storage/contract/switch_findings.h"

#include <gtest/gtest.h>

#include "storage/memory/switch_findings.h"
#include "storage/postgres/switch_findings.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using Kind = SwitchFindingKind;
using std::chrono::days;
using std::chrono::hours;

const UtcInstant kNow = at("2026-01-15T12:00:00Z");

class SwitchFindingsTest : public StoreTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (in_memory()) {
      store = std::make_unique<MemorySwitchFindings>();
      meters = {11, 12};
      north = 1;
      south = 2;
      return;
    }
    StoreTest::SetUp();
    make_logins(conninfo);
    meters = {meter(north, "M1"), meter(north, "M2")};
    login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
    store = std::make_unique<PostgresSwitchFindings>(*login);
  }
  [[nodiscard]] bool in_memory() const { return std::string_view(GetParam()) == "Memory"; }
  SwitchFinding finding(Kind kind, std::size_t index = 0) const {
    SwitchFinding out;
    out.utility = north;
    out.meter_id = meters.at(index);
    out.meter = "M" + std::to_string(index + 1);
    out.usage_point = "UP-1";
    out.kind = kind;
    out.intended = kind == Kind::NotAsked ? "" : "OPEN";
    out.actual = kind == Kind::EnergyWhileOpen ? "ENERGY" : "CLOSED";
    out.actual_source = "EVENT";
    out.actual_at = kNow - hours{1};
    out.words = "meant to be open";
    return out;
  }
  std::vector<SwitchFinding> list(bool open_only = true) {
    return store->list({.utility = north, .open_only = open_only}).value();
  }

  std::vector<MeterId> meters;
  std::unique_ptr<Database> login;
  std::unique_ptr<SwitchFindings> store;
};

INSTANTIATE_TEST_SUITE_P(Stores, SwitchFindingsTest, ::testing::Values("Memory", "Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(SwitchFindingsTest, KeepsAllOfIt) {
  const SwitchFinding said = finding(Kind::Position);
  const auto began = store->record(north, kNow, {said}, {});
  ASSERT_TRUE(began.ok()) << began.refusal().message;
  ASSERT_EQ(began->size(), 1U);
  SwitchFinding expected = said;
  expected.id = began->at(0).id;
  expected.first_seen = expected.last_seen = kNow;
  EXPECT_EQ(began->at(0), expected);
  ASSERT_EQ(list().size(), 1U);
  EXPECT_EQ(list()[0], expected);
}

TEST_P(SwitchFindingsTest, OneOpenOfAMeterAndKind) {
  const auto first = store->record(north, kNow, {finding(Kind::Position), finding(Kind::EnergyWhileOpen)}, {});
  ASSERT_EQ(first->size(), 2U);
  SwitchFinding again = finding(Kind::Position);
  again.actual = "ARMED";
  again.actual_at.reset();
  again.words = "armed now";
  const auto second = store->record(north, kNow + days{1}, {again}, {});
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->empty()) << "it is no new one";
  ASSERT_EQ(list().size(), 2U);
  const SwitchFinding kept = list()[1];
  EXPECT_EQ(kept.id, first->at(0).id);
  EXPECT_EQ(kept.first_seen, kNow);
  EXPECT_EQ(kept.last_seen, kNow + days{1});
  EXPECT_EQ(kept.actual, "ARMED");
  EXPECT_FALSE(kept.actual_at);
  EXPECT_EQ(kept.words, "armed now");
}

TEST_P(SwitchFindingsTest, EndsWhatAgreesAndBeginsAnewLater) {
  ASSERT_TRUE(store->record(north, kNow, {finding(Kind::Position), finding(Kind::Position, 1)}, {}).ok());
  ASSERT_TRUE(store->record(north, kNow + days{1}, {}, {{meters[0], Kind::Position}, {meters[1], Kind::NotAsked}}).ok());
  ASSERT_EQ(list().size(), 1U) << "another kind of the other meter ended";
  EXPECT_EQ(list()[0].meter_id, meters[1]);
  EXPECT_EQ(list(false).at(1).ended_at, kNow + days{1});
  const auto anew = store->record(north, kNow + days{2}, {finding(Kind::Position)}, {});
  ASSERT_EQ(anew->size(), 1U);
  EXPECT_EQ(anew->at(0).first_seen, kNow + days{2});
  EXPECT_EQ(list(false).size(), 3U);
}

TEST_P(SwitchFindingsTest, ComparisonCountsWhatIsOpen) {
  EXPECT_FALSE(store->last(north)->has_value());
  ASSERT_TRUE(store->record(north, kNow, {finding(Kind::Position), finding(Kind::Position, 1)}, {}).ok());
  const auto done = store->finished({north, kNow, 100, 3, 0});
  ASSERT_TRUE(done.ok()) << done.refusal().message;
  EXPECT_EQ(*done, (SwitchComparison{north, kNow, 100, 3, 2}));
  ASSERT_TRUE(store->finished({north, kNow + days{1}, 101, 0, 0}).ok());
  EXPECT_EQ(store->last(north).value(), (SwitchComparison{north, kNow + days{1}, 101, 0, 2}));
  EXPECT_FALSE(store->last(south)->has_value());
}

TEST_P(SwitchFindingsTest, PagesNewestFirstOfItsUtility) {
  ASSERT_TRUE(store->record(north, kNow, {finding(Kind::Position), finding(Kind::EnergyWhileOpen), finding(Kind::NotAsked)}, {}).ok());
  const auto page = store->list({.utility = north, .limit = 2});
  ASSERT_EQ(page->size(), 2U);
  EXPECT_EQ(page->at(0).kind, Kind::NotAsked);
  const auto rest = store->list({.utility = north, .before = page->at(1).id, .limit = 2});
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->at(0).kind, Kind::Position);
  EXPECT_TRUE(store->list({.utility = south})->empty());
}

class SwitchFindingsInPostgres : public SwitchFindingsTest {};
INSTANTIATE_TEST_SUITE_P(Postgres, SwitchFindingsInPostgres, ::testing::Values("Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(SwitchFindingsInPostgres, ReadersSeeTheirUtilityAndChangeNothing) {
  ASSERT_TRUE(store->record(north, kNow, {finding(Kind::Position)}, {}).ok());
  const std::string reader = as_user(conninfo, "t_reader");
  const std::string south_only = "SET ami.utilities = '" + one("SELECT key FROM utility WHERE utility_id = " + std::to_string(south)) + "'; ";
  const std::string north_only = "SET ami.utilities = '" + one("SELECT key FROM utility WHERE utility_id = " + std::to_string(north)) + "'; ";
  EXPECT_EQ(run_sql(reader, north_only + "SELECT count(*) FROM switch_finding").cell, "1");
  EXPECT_EQ(run_sql(reader, south_only + "SELECT count(*) FROM switch_finding").cell, "0");
  EXPECT_EQ(run_sql(reader, north_only + "UPDATE switch_finding SET words = ''").state, "42501");
  EXPECT_EQ(run_sql(as_user(conninfo, "t_ingest"), "SELECT FROM switch_finding").state, "42501");
  EXPECT_EQ(run_sql(as_user(conninfo, "t_switch"), "DELETE FROM switch_finding").state, "42501");
}

TEST_P(SwitchFindingsInPostgres, NobodyStoresTwoOpenOnes) {
  ASSERT_TRUE(store->record(north, kNow, {finding(Kind::Position)}, {}).ok());
  const auto end = run_sql(as_user(conninfo, "t_switch"),
                           "INSERT INTO switch_finding (utility_id, meter_id, meter, usage_point, kind, intended,"
                           " actual, actual_source, words, first_seen, last_seen) SELECT utility_id, meter_id, meter,"
                           " usage_point, kind, intended, actual, actual_source, words, now(), now() FROM switch_finding");
  EXPECT_EQ(end.state, "23505");
}

}  // namespace
}  // namespace ami::storage
