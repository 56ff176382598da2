// A large unit in lanes keeps the contract of a unit: whole or not at all, and not with old names.
#include <pqxx/pqxx>
#include <thread>

#include "tests/storage/contract/random_input.h"

namespace ami::storage {
namespace {
using namespace contract;

class Lanes : public ::testing::Test {
 protected:
  // Values of both meters of north, so many that they are written in lanes.
  CommitUnit large(const std::string& content) {
    CommitUnit unit = unit_of(content, store_->directory_version());
    for (int day = 1; day <= 20; ++day) {
      for (const MeterId meter : {kMeter, kOtherMeter}) {
        add(unit, Block{.start = at("2024-03-01T00:00:00Z") + std::chrono::days{day},
                        .values = {day},
                        .meter = meter});
      }
    }
    return padded(std::move(unit));
  }
  // Nothing of a unit that was refused.
  void expect_nothing() {
    const Dump dump = store_->dump();
    for (const auto& [name, section] : dump.truth) EXPECT_EQ(section.rows.size(), 0U) << name;
    EXPECT_EQ(dump.pick("source", "content"), Lines{});
    EXPECT_EQ(dump.pick("change", "entity"), Lines{});
  }

  void SetUp() override { store_->clear(); }

  StoreUnderTest* store_ = &shared_store(kPostgresInLanes);
};

TEST_F(Lanes, LargeUnitIsStoredWhole) {
  CommitUnit unit = large("a");
  unit.state = {{"position", "1"}};
  add_event(unit, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  add_event(unit, kOtherMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  const auto counts = store_->store().commit(unit);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->interval_values, unit.batch.intervals.size());
  EXPECT_EQ(counts->events, 2U);
  const Dump dump = store_->dump();
  EXPECT_EQ(dump.pick("slot", "start").size(), 40U);
  EXPECT_EQ(dump.pick("event", "meter"), (Lines{"11", "12"}));
  EXPECT_EQ(dump.pick("state", "feed"), Lines{"feed-1"});
}

TEST_F(Lanes, RefusalLeavesNothingBehind) {
  for (const MeterId foreign : {kSouthMeter, kNoMeter}) {
    CommitUnit unit = large("a");
    unit.state = {{"position", "1"}};
    add_event(unit, foreign, "2024-03-05T06:00:00Z", "OUTAGE", "X");
    const auto refused = store_->store().commit(unit);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().fault, Fault::Permanent);
    expect_nothing();
    store_->clear();
  }
}

// One lane has to wait for a row; before it may go on, somebody gives the meters other names. Values that
// were resolved with the old ones may not stay.
TEST_F(Lanes, NamesThatChangeInTheMiddleLeaveNothingBehind) {
  const CommitUnit before = large("before");
  ASSERT_TRUE(store_->store().commit(before).ok());
  CommitUnit unit = large("a");
  for (IntervalRun& run : unit.batch.intervals) run.rank = at("2025-01-01T00:00:00Z");
  const Dump known = store_->dump();

  pqxx::connection holder(store_->conninfo()), watcher(store_->conninfo());
  const auto waiting = [&](const std::string& condition) {  // false: nobody waits, and nobody will
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (std::chrono::steady_clock::now() < deadline) {
      pqxx::nontransaction tx(watcher);
      const auto rows =
          tx.exec("SELECT FROM pg_stat_activity WHERE datname = current_database() AND " + condition);
      if (!rows.empty()) return true;
    }
    return false;
  };
  auto held = std::make_unique<pqxx::work>(holder);
  held->exec("SELECT FROM interval_day WHERE meter_id = " + std::to_string(kMeter) + " FOR UPDATE");
  std::optional<Result<CommitCounts>> counts;
  std::thread writer([&] { counts = store_->store().commit(unit); });
  EXPECT_TRUE(waiting("wait_event_type = 'Lock' AND query LIKE '%interval_day%'"));
  std::thread renamer([&] { store_->touch_directory(); });
  EXPECT_TRUE(waiting("wait_event_type = 'Lock' AND query LIKE 'UPDATE meter%'"));
  held.reset();
  writer.join();
  renamer.join();

  ASSERT_TRUE(counts.has_value() && counts->ok());
  const Dump after = store_->dump();
  if ((*counts)->directory_changed) {
    EXPECT_EQ(difference(known.truth, after.truth), "") << "answered as not stored";
  } else {
    EXPECT_EQ(after.pick("revision", "value").size(), 40U) << "answered as stored";
  }
}

}  // namespace
}  // namespace ami::storage
