// What the judge of a meter-day is given.
#include "storage/postgres/meter_day.h"

#include "tests/storage/postgres/validation_scene.h"

namespace ami::storage {
namespace {

class MeterDayTest : public ValidationScene {
 protected:
  MeterDayFacts facts(MeterId m, const char* day = "2026-03-02") {
    auto found = validation->facts({north, m, date(day)});
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.refusal().message);
    return found.ok() ? std::move(found).value() : MeterDayFacts{};
  }
  static std::string times(const std::vector<RegisterRow>& rows) {
    std::string out;
    for (const RegisterRow& row : rows)
      out += to_text(row.at).substr(0, 16) + " " + row.value.to_string() + ";";
    return out;
  }
};

TEST_F(MeterDayTest, IntervalsOfTheWindowWithTheirVersionsAndNoMore) {
  const MeterId m = install(north, "M1");
  // Windows of 2 March in Toronto: 1 March 03:00Z to 4 March 07:00Z.
  send({.meter = m, .start = "2026-03-01T00:00:00Z", .values = same(4 * 96, 7)});
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {8}, .rank = at("2026-03-05T00:00:00Z")});
  send({.meter = m, .start = "2026-03-02T12:07:00Z", .values = {9}, .key = "cmep:ODD"});
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {5}, .length_s = 3600, .key = "cmep:HOUR"});
  const MeterDayFacts day = facts(m);
  EXPECT_EQ(day.meter_key, "M1");
  EXPECT_EQ(day.day, (Period{at("2026-03-02T05:00:00Z"), at("2026-03-03T05:00:00Z")}));
  ASSERT_EQ(day.intervals.size(), 3U);
  const IntervalBlock& block = day.intervals.front();
  EXPECT_EQ(block.channel, channel(m));
  EXPECT_EQ(block.first_start, at("2026-03-01T03:00:00Z"));
  EXPECT_EQ(block.mantissas.size(), 4U * 19 * 4);  // 76 hours
  EXPECT_EQ(block.mantissas[4 * 27], 8);           // 06:00Z is 27 hours on
  EXPECT_TRUE(block.grid);
  EXPECT_FALSE(day.intervals[1].grid);
  EXPECT_EQ(day.intervals[1].first_start, at("2026-03-02T12:07:00Z"));
  std::string versions;
  for (const RowVersion& row : day.versions)
    versions += (row.channel == channel(m) ? "" : "other ") + std::string(row.grid ? "" : "odd ") + to_text(UtcInstant{row.day}).substr(0, 10) +
                " v" + std::to_string(row.version) + ";";
  EXPECT_EQ(versions, "2026-03-02 v2;2026-03-03 v1;other odd 2026-03-02 v1;other 2026-03-02 v1;");
  EXPECT_EQ(day.dictionary.channels.size(), 3U);
  for (const IntervalBlock& b : day.intervals) {
    for (const auto& run : b.sources) EXPECT_EQ(day.dictionary.sources.at(run.source).feed, "feed-1");
    for (const auto& run : b.qualities) EXPECT_TRUE(day.dictionary.qualities.contains(run.quality));
  }
}

TEST_F(MeterDayTest, ValuesThatLostTheirSlotAreContradictionsOrCorrections) {
  const MeterId m = install(north, "M1");
  const UtcInstant early = at("2026-03-05T00:00:00Z"), later = at("2026-03-06T00:00:00Z");
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {7, 7, 7}, .rank = early});
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {8}, .rank = later});   // a correction
  send({.meter = m, .start = "2026-03-02T12:15:00Z", .values = {9}, .rank = early});  // a contradiction
  send({.meter = m,
        .start = "2026-03-02T12:30:00Z",
        .values = {70},
        .exponent = -1,
        .rank = later});  // the same value
  const MeterDayFacts day = facts(m);
  ASSERT_EQ(day.lost.size(), 2U);
  EXPECT_EQ(day.lost[0].start, at("2026-03-02T12:00:00Z"));
  EXPECT_EQ(day.lost[0].value, (Decimal{7, 0}));
  EXPECT_FALSE(day.lost[0].same_stamp);
  EXPECT_EQ(day.lost[1].start, at("2026-03-02T12:15:00Z"));
  EXPECT_EQ(day.lost[1].length, std::chrono::seconds{900});
  EXPECT_TRUE(day.lost[1].same_stamp);
  EXPECT_EQ(facts(m, "2026-03-03").lost.size(), 2U) << "the window of the next day reaches back to them";
  EXPECT_TRUE(facts(m, "2026-03-05").lost.empty());
  // What was taken back was not said.
  sql("INSERT INTO withdrawal (channel_id, source_id, cause) SELECT " + std::to_string(channel(m)) +
      ", min(source_id), 'x' FROM source");
  const MeterDayFacts after = facts(m);
  EXPECT_TRUE(after.lost.empty()) << after.lost.size();
}

TEST_F(MeterDayTest, RegistersOfTheWindowTheNeighboursOutsideAndThoseOfBefore) {
  const MeterId m = install(north, "M1");
  // Of 2 March 2026: less 30 days is 31 January, less 365 days 2 March 2025, less 395 days 31 January 2025,
  // 05:00Z.
  std::int64_t value = 0;
  for (const char* when :
       {"2024-12-22T05:00:00Z", "2025-01-31T05:00:00Z", "2025-01-31T05:15:00Z", "2025-02-20T00:00:00Z",
        "2026-01-21T05:00:00Z", "2026-01-31T05:00:00Z", "2026-02-27T05:00:00Z", "2026-02-28T05:00:00Z",
        "2026-03-01T03:00:00Z", "2026-03-02T05:00:00Z", "2026-03-04T06:59:00Z", "2026-03-04T07:00:00Z",
        "2026-03-20T05:00:00Z"}) {
    send_register(m, when, {++value, 0});
  }
  send_register(m, "2026-01-20T02:00:00Z", {100, 0},
                "cmep:OTHER");                                       // 40 days before the window, and an hour
  send_register(m, "2026-04-13T07:00:00Z", {101, 0}, "cmep:OTHER");  // 40 days after it
  const MeterDayFacts day = facts(m);
  EXPECT_EQ(
      times(day.registers),
      "2026-02-28T05:00 8;2026-03-01T03:00 9;2026-03-02T05:00 10;2026-03-04T06:59 11;2026-03-04T07:00 12;");
  EXPECT_EQ(times(day.earlier_registers),
            "2025-01-31T05:00 2;2025-02-20T00:00 4;2026-01-31T05:00 6;2026-01-20T02:00 100;");
  EXPECT_EQ(day.registers.front().usage_point, day.stays.front().usage_point);
  EXPECT_EQ(day.registers.front().multiplier, (Decimal{1, 0}));
  for (const RegisterRow& row : day.registers) EXPECT_TRUE(day.dictionary.sources.contains(row.source));
  for (const RegisterRow& row : day.earlier_registers)
    EXPECT_TRUE(day.dictionary.sources.contains(row.source));

  // The same with one source taken back: the nearest that counts stands in, or the next in rank.
  CommitUnit wrong = unit("wrong");
  const auto number = add_channel(wrong, m);
  add_register(wrong, number, at("2026-03-02T05:00:00Z"), {77, 0}, at("2026-03-03T00:00:00Z"));
  add_register(wrong, number, at("2026-02-28T12:00:00Z"), {78, 0}, at("2026-03-03T00:00:00Z"));
  add_register(wrong, number, at("2026-03-04T07:00:00Z"), {79, 0}, at("2026-03-03T00:00:00Z"));
  add_register(wrong, number, at("2026-01-31T04:00:00Z"), {80, 0}, at("2026-03-03T00:00:00Z"));
  commit(wrong);
  EXPECT_EQ(
      times(facts(m).registers),
      "2026-02-28T12:00 78;2026-03-01T03:00 9;2026-03-02T05:00 77;2026-03-04T06:59 11;2026-03-04T07:00 79;");
  sql("INSERT INTO withdrawal (channel_id, source_id, cause) SELECT " + std::to_string(channel(m)) +
      ", source_id, 'x' FROM source WHERE rank_stamp > '2026-01-01'");
  const MeterDayFacts restated = facts(m);
  EXPECT_EQ(times(restated.registers), times(day.registers));
  EXPECT_EQ(times(restated.earlier_registers), times(day.earlier_registers));
  EXPECT_EQ(restated.registers.front().usage_point, day.stays.front().usage_point);
}

TEST_F(MeterDayTest, EventsOfTheWindowAndOfEachKindTheLastBefore) {
  const MeterId m = install(north, "M1");
  send_event(m, "2024-06-01T00:00:00Z", "TEST_MODE");  // more than 400 days before
  send_event(m, "2026-02-01T00:00:00Z", "OUTAGE");
  send_event(m, "2026-02-10T00:00:00Z", "OUTAGE");
  send_event(m, "2026-02-05T00:00:00Z", "SWITCH_OPENED");
  send_event(m, "2026-03-01T03:00:00Z", "OUTAGE");
  send_event(m, "2026-03-04T06:59:00Z", "RESTORATION");
  send_event(m, "2026-03-04T07:00:00Z", "RESTORATION");
  std::string found;
  const MeterDayFacts day = facts(m);
  for (const EventRow& event : day.events) {
    found += event.kind + " " + to_text(event.at).substr(0, 16) + ";";
    EXPECT_TRUE(day.dictionary.sources.contains(event.source));
    EXPECT_EQ(event.usage_point, day.stays.front().usage_point);
  }
  EXPECT_EQ(found,
            "SWITCH_OPENED 2026-02-05T00:00;OUTAGE 2026-02-10T00:00;OUTAGE 2026-03-01T03:00;RESTORATION "
            "2026-03-04T06:59;");
}

TEST_F(MeterDayTest, LastIntervalBeforeTheWindowTellsWhatIsMissing) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-01-20T12:00:00Z", .values = {1, 2}});                   // 40 days and less
  send({.meter = m, .start = "2026-01-18T12:00:00Z", .values = {1}, .key = "cmep:GONE"});  // more
  send({.meter = m, .start = "2026-02-20T12:07:00Z", .values = {1}, .key = "cmep:ODD"});
  send({.meter = m,
        .start = "2026-03-01T02:30:00Z",
        .values = {1, 2, 3, 4},
        .key = "cmep:NEAR"});  // window: 03:00Z
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {1}, .key = "cmep:YOUNG"});
  const auto last = [&](const MeterDayFacts& day, const std::string& key) -> std::string {
    for (const LastInterval& one_of : day.last_intervals) {
      if (one_of.channel == channel(m, key))
        return to_text(one_of.start).substr(0, 16) + " " + std::to_string(one_of.length.count());
    }
    return "none";
  };
  const MeterDayFacts day = facts(m);
  EXPECT_EQ(last(day, "cmep:KWH"), "2026-01-20T12:15 900");
  EXPECT_EQ(last(day, "cmep:GONE"), "none");
  EXPECT_EQ(last(day, "cmep:ODD"), "2026-02-20T12:07 900");
  EXPECT_EQ(last(day, "cmep:NEAR"), "2026-03-01T02:45 900");
  EXPECT_EQ(last(day, "cmep:YOUNG"), "none");
  EXPECT_EQ(last(facts(m, "2026-03-10"), "cmep:YOUNG"), "2026-03-02T12:00 900");
}

TEST_F(MeterDayTest, DaysOfOneStepAreTheSameAsEachByItself) {
  const MeterId m = install(north, "M1"), other = install(north, "M2", "Asia/Kolkata");
  for (const MeterId id : {m, other}) {
    send({.meter = id, .start = "2026-02-27T00:00:00Z", .values = same(96 * 6, id)});
    for (const char* when : {"2026-02-27T05:00:00Z", "2026-03-01T05:00:00Z", "2026-03-06T05:00:00Z"})
      send_register(id, when, {id, 0});
    send_event(id, "2026-03-01T03:00:00Z", "OUTAGE");
  }
  work("2026-03-20T00:00:00Z");
  int compared = 0;
  for (const auto& [key, together] : seen) {
    const MeterDayFacts alone = validation->facts({north, key.first, key.second}).value();
    EXPECT_EQ(alone.day, together.day);
    ASSERT_EQ(alone.intervals.size(), together.intervals.size());
    for (std::size_t i = 0; i < alone.intervals.size(); ++i) {
      EXPECT_EQ(alone.intervals[i].first_start, together.intervals[i].first_start);
      EXPECT_EQ(alone.intervals[i].mantissas, together.intervals[i].mantissas);
    }
    EXPECT_EQ(times(alone.registers), times(together.registers));
    EXPECT_EQ(times(alone.earlier_registers), times(together.earlier_registers));
    EXPECT_EQ(alone.events.size(), together.events.size());
    EXPECT_EQ(alone.versions.size(), together.versions.size());
    ASSERT_EQ(alone.last_intervals.size(), together.last_intervals.size()) << text(key.second);
    for (std::size_t i = 0; i < alone.last_intervals.size(); ++i)
      EXPECT_EQ(alone.last_intervals[i].start, together.last_intervals[i].start);
    ++compared;
  }
  EXPECT_GE(compared, 14);
}

TEST_F(MeterDayTest, HistoryAnswersAsLayerValidatedInsideAStepAndOutside) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-02-20T00:00:00Z", .values = same(96, 7)});
  verdict(m, "2026-02-20").findings = {
      finding(m, "2026-02-20T12:00:00Z", "2026-02-20T12:15:00Z", 14, "2.6.0")};
  work("2026-02-25T00:00:00Z");
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {1}});
  const auto history = [&](const MeterDayFacts& day) {
    const IntervalPage page =
        day.history(channel(m), {at("2026-02-20T12:00:00Z"), at("2026-02-20T13:00:00Z")});
    std::string out;
    for (const IntervalBlock& block : page.blocks) {
      out += to_text(block.first_start).substr(5, 11) + " " + std::to_string(block.mantissas.size());
      for (const auto& run : block.qualities) {
        out += " " + std::to_string(run.count);
        for (const QualityCode& code : page.dictionary.qualities.at(run.quality).codes)
          out += "," + code.to_string();
      }
    }
    EXPECT_TRUE(day.history(channel(m), {day.day.to, day.day.from}).blocks.empty());
    EXPECT_TRUE(day.history(-1, day.day).blocks.empty()) << "no channel of this meter";
    return out;
  };
  const std::string expected = "02-20T12:00 4 1,2.0.1,2.6.0 3,2.0.1";
  EXPECT_EQ(history(facts(m)), expected);
  std::string inside;
  judge = [&](const MeterDayFacts& day) {
    if (day.of.date == date("2026-03-02")) inside = history(day);
    return DayVerdict{};
  };
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(inside, expected);
}

}  // namespace
}  // namespace ami::storage
