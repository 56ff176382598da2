// What does not fit the ordinary day row.
#include <limits>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class IngestRangeTest : public StoreTest {
 protected:
  void put(const std::string& content, const RunSpec& spec) {
    CommitUnit u = unit(content);
    RunSpec run = spec;
    run.channel = add_channel(u, m_);
    add_run(u, run);
    commit(u);
  }
  void SetUp() override {
    StoreTest::SetUp();
    m_ = meter(north, "m1");
  }
  MeterId m_ = 0;
};

TEST_F(IngestRangeTest, LengthThatChangesInTheMiddleOfADayIsASecondRow) {
  put("a", {.start = at("2024-03-05T00:00:00Z"), .values = {1, 2}, .length_s = 900});
  put("b", {.start = at("2024-03-05T12:00:00Z"), .values = {3}, .length_s = 3600});
  EXPECT_EQ(sql("SELECT interval_s, cardinality(values) FROM interval_day ORDER BY 1"),
            (Table{{"900", "96"}, {"3600", "24"}}));
  EXPECT_EQ(sql("SELECT value, length_s FROM interval_value ORDER BY start_at"),
            (Table{{"1", "900"}, {"2", "900"}, {"3", "3600"}}));
}

TEST_F(IngestRangeTest, ExponentThatChangesRescalesExactly) {
  put("a", {.start = at("2024-03-05T00:00:00Z"), .values = {15}, .exponent = 1});
  put("b", {.start = at("2024-03-05T00:15:00Z"), .values = {12345}, .exponent = -3});
  put("c", {.start = at("2024-03-05T00:30:00Z"), .values = {7}, .exponent = 0});
  EXPECT_EQ(sql("SELECT exponent, values[1:3] FROM interval_day"), (Table{{"-3", "{150000,12345,7000}"}}));
}

TEST_F(IngestRangeTest, MantissaBeyondInt32) {
  put("a", {.start = at("2024-03-05T00:00:00Z"), .values = {1}});
  put("b", {.start = at("2024-03-05T00:15:00Z"), .values = {5'000'000'000}});
  EXPECT_EQ(sql("SELECT values IS NULL, wide[1:2] FROM interval_day"), (Table{{"t", "{1,5000000000}"}}));
  EXPECT_EQ(sql("SELECT value FROM interval_value ORDER BY start_at"), (Table{{"1"}, {"5000000000"}}));
}

TEST_F(IngestRangeTest, NoCommonExponentWithin64Bits) {
  put("a", {.start = at("2024-03-05T00:00:00Z"), .values = {std::numeric_limits<std::int64_t>::max()}});
  put("b", {.start = at("2024-03-05T00:15:00Z"), .values = {5}, .exponent = -18});
  EXPECT_EQ(sql("SELECT value FROM interval_value ORDER BY start_at"),
            (Table{{"9223372036854775807"}, {"0.000000000000000005"}}));
  const auto page = readers->intervals({{m_, {}}}, {}, {});
  ASSERT_TRUE(page.ok()) << page.refusal().message;
  ASSERT_EQ(page->blocks.size(), 2U) << "one exponent a block";
  EXPECT_EQ(page->blocks[0].mantissas, (std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(page->blocks[1].exponent, -18);
}

TEST_F(IngestRangeTest, OffGridShortLongAndOddLengthsAreKeptAsTheyAre) {
  put("a", {.start = at("2024-03-05T00:07:30Z"), .values = {1, 2}});                // off the grid
  put("b", {.start = at("2024-03-05T00:00:00Z"), .values = {3}, .length_s = 420});  // 7 min: divides no day
  put("c", {.start = at("2024-03-05T00:00:00Z"), .values = {4}, .length_s = 10});   // short
  put("d", {.start = at("2024-03-05T00:00:00Z"), .values = {5}, .length_s = 172'800});  // two days
  put("e", {.start = at("2024-03-05T00:15:00.5Z"), .values = {6}});                     // half a second off
  EXPECT_EQ(one("SELECT count(*) FROM interval_day"), "0");
  EXPECT_EQ(sql("SELECT start_at, length_s, value FROM interval_value ORDER BY value"),
            (Table{{"2024-03-05 00:07:30+00", "900", "1"},
                   {"2024-03-05 00:22:30+00", "900", "2"},
                   {"2024-03-05 00:00:00+00", "420", "3"},
                   {"2024-03-05 00:00:00+00", "10", "4"},
                   {"2024-03-05 00:00:00+00", "172800", "5"},
                   {"2024-03-05 00:15:00.5+00", "900", "6"}}));
}

TEST_F(IngestRangeTest, OffGridCorrectionKeepsTheOldValueAsARevision) {
  put("a", {.start = at("2024-03-05T00:07:30Z"), .values = {1}, .rank = at("2024-03-05T01:00:00Z")});
  put("b", {.start = at("2024-03-05T00:07:30Z"), .values = {2}, .rank = at("2024-03-05T02:00:00Z")});
  EXPECT_EQ(one("SELECT value FROM interval_value"), "2");
  EXPECT_EQ(sql("SELECT start_at, mantissa FROM interval_revision"),
            (Table{{"2024-03-05 00:07:30+00", "1"}}));
}

TEST_F(IngestRangeTest, CivilDaysOf92And100SlotsFillTheirUtcDays) {
  // Toronto 2024: 10 March lasts from 05:00Z to 04:00Z next day; 3 November from 04:00Z to 05:00Z.
  std::vector<std::optional<std::int64_t>> spring(92, 1), autumn(100, 1);
  put("spring", {.start = at("2024-03-10T05:00:00Z"), .values = spring});
  put("autumn", {.start = at("2024-11-03T04:00:00Z"), .values = autumn});
  EXPECT_EQ(
      sql("SELECT (start_at AT TIME ZONE 'America/Toronto')::date, count(*), sum(value) FROM interval_value"
          " GROUP BY 1 ORDER BY 1"),
      (Table{{"2024-03-10", "92", "92"}, {"2024-11-03", "100", "100"}}));
  EXPECT_EQ(sql("SELECT day, source_runs[1], source_runs[3] FROM interval_day ORDER BY day"),
            (Table{{"2024-03-10", "20", "76"},
                   {"2024-03-11", "16", "80"},
                   {"2024-11-03", "16", "80"},
                   {"2024-11-04", "20", "76"}}));
}

TEST_F(IngestRangeTest, WholeDayOfOneSourceKeepsOneIdInsteadOfRunsUntilAnotherSourceSpeaks) {
  const auto say = [&](const std::string& content, const char* start, std::size_t count, std::int64_t value,
                       const char* rank, const char* flag) {
    CommitUnit u = unit(content);
    RunSpec run;
    run.start = at(start);
    run.rank = at(rank);
    run.values.assign(count, value);
    run.channel = add_channel(u, m_);
    if (*flag != '\0') run.quality = add_quality(u, "1.4.2", flag);
    add_run(u, run);
    commit(u);
  };
  const std::string kept =
      "SELECT source_id = (SELECT max(source_id) FROM source), source_runs[1], source_runs[3],"
      " quality_id = (SELECT max(quality_id) FROM quality_set), quality_runs[1], quality_runs[3] FROM "
      "interval_day";
  const std::string told =
      "SELECT dense_rank() OVER (ORDER BY source_id), vendor_flag, count(*), sum(value) FROM interval_value"
      " GROUP BY source_id, vendor_flag ORDER BY 1";
  say("whole", "2024-03-05T00:00:00Z", 96, 7, "2024-03-06T00:00:00Z", "P");
  EXPECT_EQ(sql(kept), (Table{{"t", "-", "-", "t", "-", "-"}}));
  EXPECT_EQ(sql(told), (Table{{"1", "P", "96", "672"}}));
  say("two more", "2024-03-05T23:30:00Z", 2, 8, "2024-03-07T00:00:00Z", "");
  EXPECT_EQ(sql(kept), (Table{{"-", "94", "2", "-", "94", "2"}}));
  EXPECT_EQ(sql(told), (Table{{"1", "P", "94", "658"}, {"2", "", "2", "16"}}));
  say("anew", "2024-03-05T00:00:00Z", 96, 9, "2024-03-08T00:00:00Z", "");
  EXPECT_EQ(sql(kept), (Table{{"t", "-", "-", "-", "-", "-"}})) << "one source again, and no flag";
  EXPECT_EQ(sql(told), (Table{{"1", "", "96", "864"}}));
  EXPECT_EQ(sql("SELECT count(*), sum(ami_decimal(mantissa, exponent)) FROM interval_revision"),
            (Table{{"98", "688"}}))
      << "2 x 7, then 94 x 7 and 2 x 8";
}

TEST_F(IngestRangeTest, FlaggedHoleIsKeptAndNeverHidesAValue) {
  CommitUnit u = unit("hole");
  const auto c = add_channel(u, m_);
  const auto q = add_quality(u, "", "N32");
  add_run(u, {.channel = c,
              .start = at("2024-03-05T00:00:00Z"),
              .values = {std::nullopt, std::nullopt},
              .rank = at("2024-03-07T00:00:00Z"),
              .quality = q});
  commit(u);
  EXPECT_EQ(sql("SELECT value, vendor_flag FROM interval_value"), (Table{{"-", "N32"}, {"-", "N32"}}));
  put("value", {.start = at("2024-03-05T00:00:00Z"), .values = {8}, .rank = at("2024-03-05T00:00:00Z")});
  EXPECT_EQ(sql("SELECT value, vendor_flag FROM interval_value ORDER BY start_at"),
            (Table{{"8", ""}, {"-", "N32"}}));
  EXPECT_EQ(one("SELECT count(*) FROM interval_revision WHERE mantissa IS NULL"), "1");
}

TEST_F(IngestRangeTest, WhatNoTableCanHoldIsQuarantinedAndItsNeighboursAreStored) {
  CommitUnit u = unit("a");
  const auto c = add_channel(u, m_);
  add_run(u, {.channel = c,
              .start = at("2024-03-05T00:00:00Z"),
              .values = {1, std::numeric_limits<std::int64_t>::min(), 3}});
  add_run(u, {.channel = c, .start = at("1969-12-31T23:45:00Z"), .values = {4, 5}});
  add_run(u, {.channel = c, .start = at("2199-12-31T23:45:00Z"), .values = {6, 7}});
  add_run(u, {.channel = c,
              .start = at("2024-03-05T00:00:00Z"),
              .values = {8, 8},
              .length_s = std::numeric_limits<int>::max()});
  add_register(u, c, at("9999-01-01T00:00:00Z"), {9, 0});
  add_register(u, c, at("2024-03-05T00:00:00Z"), {10, 0});
  u.batch.events.push_back(
      {m_, at("0001-01-01T00:00:00Z"), "OUTAGE", "", "v", "", "", TimeSource::Device, 0});
  const auto counts = commit(u);
  EXPECT_EQ(counts.registers, 1U);
  EXPECT_EQ(counts.events, 0U);
  EXPECT_EQ(sql("SELECT value FROM interval_value WHERE length_s = 900 ORDER BY start_at"),
            (Table{{"1"}, {"3"}}));
  EXPECT_EQ(one("SELECT count(*) FROM quarantine WHERE reason = 'value_out_of_range'"),
            std::to_string(counts.quarantined));
  EXPECT_EQ(counts.quarantined, 5U);
}

TEST_F(IngestRangeTest, UnitThatContradictsItselfIsPermanent) {
  CommitUnit u = unit("a");
  add_run(u,
          {.channel = add_channel(u, m_), .start = at("2024-03-05T00:00:00Z"), .values = {1}, .length_s = 0});
  EXPECT_EQ(ingest->commit(u).error().fault, Fault::Permanent);
  CommitUnit v = unit("b");
  add_run(v, {.channel = 7, .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  EXPECT_EQ(ingest->commit(v).error().fault, Fault::Permanent) << "there is no channel 7";
}

}  // namespace
}  // namespace ami::storage
