// Large units in lanes: the same tables as in one transaction, and nothing half done that the same unit again
// does not put right. Change rows: what they say of a slot that is new, corrected or only said again.
#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>

#include "meter_model/failpoint.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

constexpr int kMeters = 140;  // two series each: enough for lanes
constexpr int kHours = 6;

class IngestLanesTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    std::vector<MeterId> meters;
    for (int m = 0; m < kMeters; ++m) meters_.push_back(meter(north, "M" + std::to_string(m)));
    in_lanes_ = std::make_unique<PostgresIngest>(*database, 3);
  }
  void TearDown() override { failpoint_handler = nullptr; }

  // Some hours of a day, a dial and an event of each meter.
  CommitUnit day(const std::string& content, const char* midnight, std::int64_t base,
                 UtcInstant rank = {}) const {
    CommitUnit out = unit(content);
    for (int m = 0; m < kMeters; ++m) {
      const auto channel = add_channel(out, meters_[static_cast<std::size_t>(m)]);
      RunSpec run{channel, at(midnight), {}, 3600, 0, rank, 0};
      for (int hour = 0; hour < kHours; ++hour) run.values.emplace_back(base + m * 100 + hour);
      add_run(out, run);
      add_register(out, channel, at(midnight), {base + m, 3}, rank);
      EventReading event;
      event.meter = meters_[static_cast<std::size_t>(m)];
      event.at = at(midnight);
      event.kind = "OUTAGE";
      event.vendor = "v";
      event.raw_code = "7";
      out.batch.events.push_back(event);
    }
    out.batch.quarantined.push_back({"bad_number", "x", "B9", "raw " + content, 5});
    out.state.push_back({"position", content});
    return out;
  }

  CommitCounts commit_in_lanes(const CommitUnit& unit) {
    auto counts = in_lanes_->commit(unit);
    EXPECT_TRUE(counts.ok()) << (counts.ok() ? "" : counts.error().message);
    return counts.ok() ? *counts : CommitCounts{};
  }

  std::vector<MeterId> meters_;
  std::unique_ptr<PostgresIngest> in_lanes_;
};

TEST_F(IngestLanesTest, LanesGiveTheTablesOfOneTransaction) {
  const auto counts = commit_in_lanes(day("a", "2024-03-05T00:00:00Z", 1000));
  EXPECT_EQ(counts.interval_values, std::uint64_t{kHours} * kMeters);
  EXPECT_EQ(counts.registers, 1U * kMeters);
  EXPECT_EQ(counts.events, 1U * kMeters);
  EXPECT_EQ(counts.quarantined, 1U);
  // sum over m and hour of 1000 + 100 m + hour
  std::int64_t sum = 0;
  for (int m = 0; m < kMeters; ++m) sum += kHours * (1000 + 100 * m) + (kHours - 1) * kHours / 2;
  EXPECT_EQ(one("SELECT sum(v) FROM interval_day, unnest(values) v WHERE v <> -2147483648"),
            std::to_string(sum));
  EXPECT_EQ(one("SELECT registers || ' ' || interval_values || ' ' || events || ' ' || (stored_at < "
                "'9999-01-01') FROM"
                " source"),
            "140 840 140 true");
  EXPECT_EQ(in_lanes_->load_state("feed-1", "position").value(), "a");
  const std::string dump = canonical_dump();
  commit(day("a", "2024-03-05T00:00:00Z", 1000));
  EXPECT_EQ(canonical_dump(), dump);
}

// The handler is a plain function, so what it waits for stands beside it.
const char* throw_at = nullptr;
std::atomic<int> throw_after{0};
void throw_there(const char* name) {
  if (std::strcmp(name, throw_at) == 0 && --throw_after == 0) throw std::runtime_error("power failed");
}

TEST_F(IngestLanesTest, WhereverALaneFailsNoStateIsAheadAndTheSameUnitAgainMends) {
  commit_in_lanes(day("first", "2024-03-05T00:00:00Z", 1000));
  CommitUnit second = day("second", "2024-03-05T03:00:00Z", 2000, at("2024-03-06T00:00:00Z"));
  commit_in_lanes(second);
  const std::string wanted = canonical_dump();

  // Ids, three lanes, state: five transactions; each ends before or after its COMMIT.
  int tried = 0;
  std::vector<std::pair<const char*, int>> cases{{"ingest.before_copy", 2}, {"ingest.after_copy", 2}};
  for (int nth = 1; nth <= 5; ++nth) {
    cases.emplace_back("ingest.before_commit", nth);
    cases.emplace_back("ingest.after_commit", nth);
  }
  for (const auto& [point, nth] : cases) {
    sql("TRUNCATE interval_day, interval_odd, interval_revision, register_read, register_revision, event, "
        "change,"
        " quarantine, source, withdrawal, adapter_state CASCADE");
    in_lanes_ = std::make_unique<PostgresIngest>(*database, 3);
    commit_in_lanes(day("first", "2024-03-05T00:00:00Z", 1000));
    throw_at = point;
    throw_after = nth;
    failpoint_handler = throw_there;
    const bool failed = !in_lanes_->commit(second).ok();
    failpoint_handler = nullptr;
    const bool last_commit_was_sent = std::strcmp(point, "ingest.after_commit") == 0 && nth == 5;
    if (failed) {
      ++tried;
      EXPECT_EQ(in_lanes_->load_state("feed-1", "position").value(),
                last_commit_was_sent ? "second" : "first")
          << point << " " << nth;
      EXPECT_EQ(one("SELECT count(*) FROM source WHERE name = 'second.txt' AND stored_at < '9999-01-01'"),
                last_commit_was_sent ? "2" : "0")
          << point << " " << nth;
    }
    commit_in_lanes(second);
    EXPECT_EQ(canonical_dump(), wanted) << point << " " << nth;
    EXPECT_EQ(one("SELECT count(*) FROM source WHERE stored_at > '9999-01-01'"), "0") << point << " " << nth;
  }
  EXPECT_EQ(tried, 12);
}

TEST_F(IngestLanesTest, WritersThatMeetAtTheSameRowsLoseNothing) {
  std::vector<std::thread> writers;
  DatabaseOptions options;  // another gateway: its own pool, on which its batches bound themselves
  options.conninfo = conninfo;
  Database its_own(options);
  PostgresIngest other(its_own, 2);
  std::vector<CommitUnit> units;
  for (int n = 0; n < 4; ++n) {
    units.push_back(day("u" + std::to_string(n), "2024-03-05T00:00:00Z", 1000 * (n + 1),
                        at("2024-03-06T00:00:00Z") + std::chrono::hours{n % 3}));
  }
  std::atomic<int> failed = 0;
  const auto store = [&](PostgresIngest& where, std::size_t n) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      auto counts = where.commit(units[n]);
      if (counts.ok()) return;
      if (counts.error().fault == Fault::Permanent) break;
    }
    ++failed;
  };
  for (std::size_t n = 0; n < units.size(); ++n) {
    writers.emplace_back([&, n] { store(n % 2 == 0 ? *in_lanes_ : other, n); });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  // Units 0 and 3 share a rank, so unit 2 (base 3000), alone with rank +2 h.
  EXPECT_EQ(one("SELECT min(values[1]) FROM interval_day"), "3000");
  EXPECT_EQ(one("SELECT count(*) FROM interval_revision"), std::to_string(3 * kHours * kMeters));
  EXPECT_EQ(one("SELECT count(*) FROM register_revision"), std::to_string(3 * kMeters));
}

class ChangeRowsTest : public StoreTest {};

TEST_F(ChangeRowsTest, ADaySaysWhichSlotsAreNewCorrectedOrSaidAgainAndWhatWasThere) {
  const MeterId m = meter(north, "M1");
  auto first = unit("first");
  add_run(first,
          {add_channel(first, m), at("2024-03-05T00:00:00Z"), {10, 20, std::nullopt, 40}, 900, -1, {}, 0});
  commit(first);
  EXPECT_EQ(sql("SELECT entity, kinds, slots, old, at, version, interval_s FROM change"),
            (Table{{"1", "1", "{0,2,1,3,1,1}", "-", "-", "1", "900"}}));

  auto second = unit("second");
  const auto flagged = add_quality(second, "2.8.0", "R9");
  const auto channel = add_channel(second, m);
  const UtcInstant later = at("2024-03-06T00:00:00Z");
  add_run(second, {channel, at("2024-03-05T00:00:00Z"), {10}, 900, -1, later, 0});        // said again
  add_run(second, {channel, at("2024-03-05T00:15:00Z"), {25}, 900, -1, later, 0});        // corrected
  add_run(second, {channel, at("2024-03-05T00:30:00Z"), {30}, 900, -1, later, 0});        // was never said
  add_run(second, {channel, at("2024-03-05T00:45:00Z"), {40}, 900, -1, later, flagged});  // quality
  commit(second);
  EXPECT_EQ(sql("SELECT kinds, slots, old, version FROM change WHERE version = 2"),
            (Table{{"15", "{0,1,8,1,1,2,2,1,1,3,1,4}", "{20,-1,0,40,-1,0}", "2"}}));

  commit(first);
  EXPECT_EQ(one("SELECT count(*) FROM change"), "2") << "what is known already is no change";
}

TEST_F(ChangeRowsTest, RegistersOddIntervalsAndEventsHaveARowEach) {
  const MeterId m = meter(north, "M1");
  auto first = unit("first");
  const auto channel = add_channel(first, m);
  add_register(first, channel, at("2024-03-05T00:00:00Z"), {100, 0});
  add_register(first, channel, at("2024-03-05T01:00:00Z"), {101, 0});
  add_run(first, {channel, at("2024-03-05T00:07:00Z"), {5}, 900, 0, {}, 0});
  EventReading event;
  event.meter = m;
  event.at = at("2024-03-05T02:00:00Z");
  event.kind = "UNMAPPED";
  event.vendor = "v";
  event.raw_code = "7";
  first.batch.events.push_back(event);
  commit(first);
  EXPECT_EQ(sql("SELECT entity, kinds, at FROM change ORDER BY entity, at"),
            (Table{{"2", "1", "2024-03-05 00:07:00+00"},
                   {"3", "1", "2024-03-05 00:00:00+00"},
                   {"3", "1", "2024-03-05 01:00:00+00"},
                   {"4", "1", "2024-03-05 02:00:00+00"}}));

  auto second = unit("second");
  second.source.mapping_version = 2;
  const auto same = add_channel(second, m);
  add_register(second, same, at("2024-03-05T01:00:00Z"), {1015, -1}, at("2024-03-06T00:00:00Z"));
  add_run(second, {same, at("2024-03-05T00:07:00Z"), {6}, 900, 0, at("2024-03-06T00:00:00Z"), 0});
  event.kind = "OUTAGE";
  second.batch.events.push_back(event);
  commit(second);
  EXPECT_EQ(sql("SELECT entity, kinds, old FROM change WHERE kinds <> 1 ORDER BY entity"),
            (Table{{"2", "2", "{5,0,0}"}, {"3", "2", "{101,0,0}"}, {"4", "2", "-"}}));
  EXPECT_EQ(one("SELECT count(DISTINCT version) FROM change WHERE entity = 4"), "1")
      << "the event's own number";
}

}  // namespace
}  // namespace ami::storage
