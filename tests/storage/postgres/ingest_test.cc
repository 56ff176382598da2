#include "storage/ingest.h"

#include <thread>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class IngestTest : public StoreTest {};

TEST_F(IngestTest, ValuesComeBackAsTheyWereSaid) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  const auto c = add_channel(u, m);
  const auto q = add_quality(u, "2.8.0", "E");
  add_run(u, {.channel = c,
              .start = at("2024-03-05T00:00:00Z"),
              .values = {1815, std::nullopt, 250},
              .exponent = -1});
  add_run(u, {.channel = c, .start = at("2024-03-05T01:00:00Z"), .values = {7}, .quality = q});
  add_register(u, c, at("2024-03-05T05:00:00Z"), {123450, -2});
  const auto counts = commit(u);
  EXPECT_EQ(counts.interval_values, 3U);
  EXPECT_EQ(counts.registers, 1U);
  EXPECT_EQ(sql("SELECT start_at, end_at, value, quality, vendor_flag FROM interval_value ORDER BY 1"),
            (Table{{"2024-03-05 00:00:00+00", "2024-03-05 00:15:00+00", "181.5", "{}", ""},
                   {"2024-03-05 00:30:00+00", "2024-03-05 00:45:00+00", "25.0", "{}", ""},
                   {"2024-03-05 01:00:00+00", "2024-03-05 01:15:00+00", "7.0", "{2.8.0}", "E"}}));
  EXPECT_EQ(sql("SELECT at, value FROM register_value"), (Table{{"2024-03-05 05:00:00+00", "1234.50"}}));
}

TEST_F(IngestTest, LastIntervalOfADayBelongsToTheDayOfItsStart) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  add_run(u, {.channel = add_channel(u, m), .start = at("2024-02-29T23:30:00Z"), .values = {1, 2, 3}});
  commit(u);
  EXPECT_EQ(
      sql("SELECT day, values[95], values[96], values[1] FROM interval_day ORDER BY day"),
      (Table{{"2024-02-29", "1", "2", "-2147483648"}, {"2024-03-01", "-2147483648", "-2147483648", "3"}}));
}

TEST_F(IngestTest, SameUnitAgainChangesNoRow) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  const auto c = add_channel(u, m);
  add_run(u, {.channel = c, .start = at("2024-03-05T00:00:00Z"), .values = {1, 2, std::nullopt, 4}});
  add_run(u, {.channel = c, .start = at("2024-03-05T00:07:00Z"), .values = {9}});
  add_register(u, c, at("2024-03-05T05:00:00Z"), {10, 0});
  u.batch.events.push_back({m, at("2024-03-05T06:00:00Z"), "OUTAGE", "3.26.0.47", "ssn", "X", "power lost",
                            TimeSource::Device, 0});
  commit(u);
  const char* rows =
      "SELECT xmin, version::text, 'd' FROM interval_day UNION ALL SELECT xmin, version::text, 'o' FROM "
      "interval_odd"
      " UNION ALL SELECT xmin, version::text, 'r' FROM register_read UNION ALL SELECT xmin, kind, 'e' FROM "
      "event"
      " UNION ALL SELECT xmin, '', 's' FROM source ORDER BY 3";
  const Table before = sql(rows);
  ASSERT_EQ(before.size(), 5U);
  const std::string changes = one("SELECT count(*) FROM change");
  commit(u);
  CommitUnit renamed = u;  // re-sent under another name
  renamed.source.name = "other.txt";
  renamed.source.received_at = at("2024-04-01T00:00:00Z");
  commit(renamed);
  EXPECT_EQ(sql(rows), before);
  EXPECT_EQ(one("SELECT count(*) FROM change"), changes);
  EXPECT_EQ(one("SELECT (SELECT count(*) FROM interval_revision) + (SELECT count(*) FROM register_revision)"),
            "0");
}

TEST_F(IngestTest, CorrectionBecomesCurrentAndTheOldValueStaysAsARevision) {
  const MeterId m = meter(north, "m1");
  CommitUnit first = unit("first");
  auto c = add_channel(first, m);
  add_run(first, {.channel = c,
                  .start = at("2024-03-05T00:00:00Z"),
                  .values = {1, 2},
                  .rank = at("2024-03-05T01:00:00Z")});
  add_register(first, c, at("2024-03-05T05:00:00Z"), {10, 0}, at("2024-03-05T06:00:00Z"));
  commit(first);
  CommitUnit second = unit("second");
  c = add_channel(second, m);
  add_run(second, {.channel = c,
                   .start = at("2024-03-05T00:15:00Z"),
                   .values = {20},
                   .rank = at("2024-03-06T01:00:00Z")});
  add_register(second, c, at("2024-03-05T05:00:00Z"), {11, 0}, at("2024-03-06T06:00:00Z"));
  commit(second);
  EXPECT_EQ(sql("SELECT value FROM interval_value ORDER BY start_at"), (Table{{"1"}, {"20"}}));
  EXPECT_EQ(sql("SELECT start_at, mantissa, rank_stamp FROM interval_revision"),
            (Table{{"2024-03-05 00:15:00+00", "2", "2024-03-05 01:00:00+00"}}));
  EXPECT_EQ(one("SELECT value FROM register_value"), "11");
  EXPECT_EQ(one("SELECT mantissa FROM register_revision"), "10");
  EXPECT_EQ(sql("SELECT entity, version FROM change ORDER BY change_id"),
            (Table{{"1", "1"}, {"3", "0"}, {"1", "2"}, {"3", "0"}}));
}

TEST_F(IngestTest, NewerMappingOfTheSameContentWins) {
  const MeterId m = meter(north, "m1");
  CommitUnit wrong = unit("file");
  add_run(wrong, {.channel = add_channel(wrong, m), .start = at("2024-03-05T00:00:00Z"), .values = {5000}});
  commit(wrong);
  CommitUnit right = unit("file");
  right.source.mapping_version = 2;
  add_run(right, {.channel = add_channel(right, m), .start = at("2024-03-05T00:00:00Z"), .values = {5}});
  commit(right);
  commit(wrong);
  EXPECT_EQ(one("SELECT value FROM interval_value"), "5") << "although 5000 is the greater value";
  EXPECT_EQ(one("SELECT count(*) FROM interval_revision"), "1");
}

TEST_F(IngestTest, ReadsGoToTheMeterThatWasThereAndTheStraddlingSlotToNobody) {
  const MeterId removed = meter(north, "removed"), installed = meter(north, "installed");
  UsagePointDetail detail;
  ASSERT_TRUE(assets->create_usage_point(north, "p1", detail).ok());
  InstallRequest install{.utility = north,
                         .meter = "removed",
                         .usage_point = "p1",
                         .at = at("2023-01-01T00:00:00Z"),
                         .multiplier = {40, 0},
                         .order_id = {},
                         .start_reads = {}};
  ASSERT_TRUE(assets->install(install).ok());
  ExchangeRequest exchange;
  exchange.utility = north;
  exchange.usage_point = "p1";
  exchange.new_meter = "installed";
  exchange.at = at("2024-03-05T10:37:00Z");
  ASSERT_TRUE(assets->exchange(exchange).ok());

  // Next day, 14:00: yesterday's intervals of both meters arrive.
  CommitUnit late = unit("late");
  const auto a = add_channel(late, removed), b = add_channel(late, installed);
  add_run(late, {.channel = a, .start = at("2024-03-05T10:15:00Z"), .values = {1, 2}});
  add_run(late, {.channel = b, .start = at("2024-03-05T10:30:00Z"), .values = {3, 4}});
  add_register(late, a, at("2024-03-05T10:36:59Z"), {100, 0});
  add_register(late, b, at("2024-03-05T10:37:00Z"), {0, 0});
  commit(late);
  EXPECT_EQ(
      sql("SELECT m.key, to_char(v.start_at, 'HH24:MI'), v.value, p.key, v.multiplier FROM interval_value v"
          " JOIN meter m USING (meter_id) LEFT JOIN usage_point p USING (usage_point_id) ORDER BY v.value"),
      (Table{{"removed", "10:15", "1", "p1", "40"},
             {"removed", "10:30", "2", "-", "-"},
             {"installed", "10:30", "3", "-", "-"},
             {"installed", "10:45", "4", "p1", "1"}}));
  EXPECT_EQ(
      sql("SELECT m.key, p.key FROM register_value v JOIN meter m USING (meter_id) LEFT JOIN usage_point p"
          " USING (usage_point_id) ORDER BY v.at"),
      (Table{{"removed", "p1"}, {"installed", "p1"}}));
}

TEST_F(IngestTest, StateIsStoredWithTheReadingsOrNotAtAll) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  add_run(u, {.channel = add_channel(u, m), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  const std::string key("inbox/\xff name\0x", 14), value("\0\x01 4711", 7);
  u.state = {{key, value}};
  commit(u);
  EXPECT_EQ(ingest->load_state("feed-1", key).value(), value) << "any bytes come back";
  EXPECT_EQ(ingest->load_state("feed-2", key).value(), std::nullopt);

  CommitUnit bad = unit("b");
  bad.state = {{key, "later"}};
  add_run(bad, {.channel = add_channel(bad, m), .start = at("2024-03-05T01:00:00Z"), .values = {1}});
  add_run(bad, {.channel = add_channel(bad, 424242), .start = at("2024-03-05T01:00:00Z"), .values = {1}});
  auto refused = ingest->commit(bad);
  ASSERT_FALSE(refused.ok()) << "there is no meter 424242";
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_NE(refused.error().message.find("424242"), std::string::npos) << refused.error().message;
  EXPECT_EQ(ingest->load_state("feed-1", key).value(), value);
  EXPECT_EQ(one("SELECT count(*) FROM interval_value"), "1");
  EXPECT_EQ(one("SELECT count(*) FROM source"), "1");

  ASSERT_TRUE(ingest->save_state("feed-1", {{key, std::nullopt}, {"other", "x"}}).ok());
  EXPECT_EQ(ingest->load_state("feed-1", key).value(), std::nullopt);
  EXPECT_EQ(ingest->load_state("feed-1", "other").value(), "x");
}

TEST_F(IngestTest, MeterOfAnotherUtilityIsRefused) {
  const MeterId theirs = meter(south, "m1");
  CommitUnit u = unit("a");
  add_run(u, {.channel = add_channel(u, theirs), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  EXPECT_EQ(ingest->commit(u).error().fault, Fault::Permanent);
  CommitUnit v = unit("b");
  v.batch.events.push_back(
      {theirs, at("2024-03-05T06:00:00Z"), "OUTAGE", "", "ssn", "", "", TimeSource::Device, 0});
  EXPECT_EQ(ingest->commit(v).error().fault, Fault::Permanent);
  EXPECT_EQ(one("SELECT count(*) FROM source"), "0");
}

TEST_F(IngestTest, UnitResolvedWithOldNamesIsNotStored) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  add_run(u, {.channel = add_channel(u, m), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  meter(north, "m2", "B2");
  auto counts = ingest->commit(u);
  ASSERT_TRUE(counts.ok());
  EXPECT_TRUE(counts->directory_changed);
  EXPECT_EQ(one("SELECT count(*) FROM interval_day"), "0");
  u.directory_version = assets->directory_version().value();
  EXPECT_EQ(commit(u).interval_values, 1U);
}

TEST_F(IngestTest, QuarantineCountsRepetitionsAndReplaySettlesIt) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  const std::string raw("raw \0 \xff bytes", 13);
  u.batch.quarantined = {{"unknown_unit", "no rule for XKW", "B\xff", raw, 17},
                         {"bad_number", "'1.x'", "B2", raw, 17}};
  EXPECT_EQ(commit(u).quarantined, 2U);
  commit(u);
  EXPECT_EQ(sql("SELECT reason, times_seen, state, meter FROM quarantine ORDER BY reason DESC"),
            (Table{{"unknown_unit", "2", "OPEN", "B\\xFF"}, {"bad_number", "2", "OPEN", "B2"}}));
  QuarantineQuery query;
  query.reason = "unknown_unit";
  query.with_raw = true;
  const auto row = readers->quarantine(query).value().items.at(0);
  EXPECT_EQ(row.raw, raw);
  EXPECT_EQ(row.offset, 17U);

  CommitUnit replay = unit("a");
  replay.replayed = {row.id};
  add_run(replay, {.channel = add_channel(replay, m), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  commit(replay);
  EXPECT_EQ(readers->quarantined(north, row.id)->state, QuarantineState::Replayed);
  EXPECT_EQ(one("SELECT count(*) FROM quarantine WHERE state = 'OPEN'"), "1");

  // A replay that fails again for another reason settles the old row and opens a new one.
  CommitUnit again = unit("a");
  again.replayed = {row.id};
  again.batch.quarantined = {{"unknown_meter", "", "B", raw, 17}};
  commit(again);
  EXPECT_EQ(sql("SELECT reason, state FROM quarantine ORDER BY reason"),
            (Table{{"bad_number", "OPEN"}, {"unknown_meter", "OPEN"}, {"unknown_unit", "REPLAYED"}}));
}

TEST_F(IngestTest, RejectedStaysRejectedWhenSeenAgain) {
  CommitUnit u = unit("a");
  u.batch.quarantined = {{"bad_number", "", "B", "raw", 0}};
  commit(u);
  const auto id = readers->quarantine({}).value().items.at(0).id;
  EXPECT_EQ(readers->mark_quarantine(north, {id, 999}, QuarantineState::Rejected).value(), 1U);
  commit(u);
  EXPECT_EQ(readers->quarantined(north, id)->state, QuarantineState::Rejected);
}

TEST_F(IngestTest, TextThatIsNotUtf8CostsNoNeighbour) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  u.source.name = std::string("f\xff\0.xml", 7);
  const auto c = add_channel(u, m, std::string("ssn:\xc3(\0", 7));
  const auto q = add_quality(u, "", "R\xfe");
  add_run(u, {.channel = c, .start = at("2024-03-05T00:00:00Z"), .values = {1}, .quality = q});
  u.batch.events.push_back({m, at("2024-03-05T06:00:00Z"), "UNMAPPED", "", "ssn", "c\xff",
                            std::string("a\0b", 3), TimeSource::Device, 0});
  commit(u);
  EXPECT_EQ(one("SELECT channel FROM interval_value"), "ssn:\\xC3(\\x00");
  EXPECT_EQ(one("SELECT raw_text FROM event"), "a\\x00b");
  commit(u);
  EXPECT_EQ(one("SELECT count(*) FROM channel"), "1");
}

TEST_F(IngestTest, ConcurrentWritersOfTheSameDayLoseNothing) {
  const MeterId m = meter(north, "m1");
  std::vector<CommitUnit> units;
  for (int hour = 0; hour < 24; ++hour) {
    CommitUnit u = unit("h" + std::to_string(hour));
    add_run(u, {.channel = add_channel(u, m),
                .start = at("2024-03-05T00:00:00Z") + std::chrono::hours{hour},
                .values = {hour * 4, hour * 4 + 1, hour * 4 + 2, hour * 4 + 3}});
    units.push_back(std::move(u));
  }
  std::vector<std::thread> writers;
  for (std::size_t w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (std::size_t i = w; i < units.size(); i += 4) {
        auto counts = ingest->commit(units[i]);
        while (!counts.ok() && counts.error().fault == Fault::Transient) counts = ingest->commit(units[i]);
        EXPECT_TRUE(counts.ok()) << (counts.ok() ? "" : counts.error().message);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(one("SELECT array_agg(value ORDER BY start_at) = (SELECT array_agg(g::numeric ORDER BY g) FROM"
                " generate_series(0, 95) g) FROM interval_value"),
            "t");
}

}  // namespace
}  // namespace ami::storage
