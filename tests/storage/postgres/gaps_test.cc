// Expected, received, missing: the job on a real store, and the questions about it.
#include "storage/postgres/gaps.h"

#include <chrono>
#include <pqxx/pqxx>

#include "meter_model/failpoint.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using Date = std::chrono::year_month_day;

constexpr const char* kFiveMinutes = "0.0.6.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";

class GapsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    gaps = std::make_unique<Gaps>(*database);
  }

  MeterId install(UtilityId utility, const std::string& key, const char* from = "2020-01-01T00:00:00Z",
                  const std::string& point = {}, const std::string& zone = {}) {
    const MeterId id = meter(utility, key);
    const std::string place = point.empty() ? "p-" + key : point;
    UsagePointDetail detail;
    detail.zone = zone;
    detail.feeder = "F" + key.substr(0, 1);
    detail.valid.from = at("2019-01-01T00:00:00Z");
    (void)assets->create_usage_point(utility, place, detail);
    const auto done = assets->install({utility, key, place, at(from), {1, 0}, "", {}});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.refusal().message);
    return id;
  }

  // `count` values from `start` on; a new file each time.
  void send(MeterId m, const char* start, int count, int length_s = 900, const std::string& key = "cmep:KWH",
            const std::string& type = {}) {
    CommitUnit u = unit("file" + std::to_string(++files));
    if (m == south_meter) {
      u.utility = south;
      u.source.feed = "feed-south";
    }
    const auto channel = add_channel(u, m, key);
    if (!type.empty()) u.batch.channels[channel].reading_type = type;
    RunSpec spec{.channel = channel, .start = at(start), .values = {}, .length_s = length_s};
    for (int i = 0; i < count; ++i) spec.values.emplace_back(i);
    add_run(u, spec);
    commit(u);
  }

  // Until nothing is left to do at that time.
  GapStep work(const char* now) {
    GapStep sum;
    for (int steps = 0;; ++steps) {
      const auto step = gaps->step(rules, at(now));
      EXPECT_TRUE(step.ok()) << (step.ok() ? "" : step.error().message);
      EXPECT_LT(steps, 200);
      if (!step.ok() || !step->more || steps >= 200) return sum;
      sum.changes += step->changes;
      sum.judged += step->judged;
      sum.written += step->written;
      sum.closed += step->closed;
    }
  }

  std::string open() const {
    std::string out;
    for (const auto& row :
         sql("SELECT to_char(from_at, 'MM-DD\"T\"HH24:MI'), to_char(to_at, 'MM-DD\"T\"HH24:MI'),"
             " slots, reason, state FROM gap WHERE state <> 'CLOSED' ORDER BY meter_id, from_at")) {
      out += row[0] + ">" + row[1] + " " + row[2] + " " + row[3] + " " + row[4] + ";";
    }
    return out;
  }

  // expected received missing given_up judged waiting
  std::string day(UtilityId utility, Date date, std::optional<MeterId> m = {}) {
    CompletenessQuery query;
    query.utility = utility;
    query.days = {date};
    query.meter = m;
    const auto rows = gaps->completeness(query);
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.refusal().message);
    std::string out;
    if (!rows.ok()) return out;
    for (const CompletenessRow& r : *rows) {
      out += std::to_string(r.expected) + " " + std::to_string(r.received()) + " " +
             std::to_string(r.missing) + " " + std::to_string(r.given_up) + " " + std::to_string(r.channels) +
             " " + std::to_string(r.waiting) + ";";
    }
    return out;
  }

  std::unique_ptr<Gaps> gaps;
  CollectionRules rules;
  MeterId south_meter = -1;
  int files = 0;
};

Date date(int year, unsigned month, unsigned day) {
  return std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day);
}

TEST_F(GapsTest, CivilDaysHave92And100SlotsAndAreJudgedAfterTheirGrace) {
  const MeterId m = install(north, "M1");
  // Toronto: 8 March 2026 has 23 hours and begins at 05:00Z; 1 November has 25 and begins at 04:00Z.
  send(m, "2026-03-07T05:00:00Z", 96 + 92 - 1);
  work("2026-03-10T09:59:00Z");  // 29:59 after the end of the 8th
  EXPECT_EQ(day(north, date(2026, 3, 7)), "96 96 0 0 1 0;");
  EXPECT_EQ(day(north, date(2026, 3, 8)), "0 0 0 0 0 1;");
  EXPECT_EQ(open(), "");
  work("2026-03-10T10:00:00Z");
  EXPECT_EQ(day(north, date(2026, 3, 8)), "92 91 1 0 1 0;");
  EXPECT_EQ(open(), "03-09T03:45>03-09T04:00 1 NOT_RECEIVED OPEN;");
  EXPECT_EQ(day(north, date(2026, 3, 6)), "") << "before the first value nothing is expected";

  // The whole summer is missing, and that is one row.
  send(m, "2026-11-01T04:00:00Z", 100);
  work("2026-11-03T12:00:00Z");
  EXPECT_EQ(day(north, date(2026, 11, 1)), "100 100 0 0 1 0;");
  EXPECT_EQ(day(north, date(2026, 10, 31)), "96 0 96 0 1 0;");
  // 03-09T03:45Z to 11-01T04:00Z: 237 days and a quarter of an hour.
  EXPECT_EQ(open(), "03-09T03:45>11-01T04:00 22753 NOT_RECEIVED OPEN;");
}

TEST_F(GapsTest, HalfHourZoneAndHourlyValuesOffTheUtcGrid) {
  // St. John's is UTC-03:30 in January: hours begin at half past.
  const MeterId m = install(north, "M1", "2020-01-01T00:00:00Z", "p1", "America/St_Johns");
  send(m, "2026-01-10T03:30:00Z", 20, 3600);
  send(m, "2026-01-11T00:30:00Z", 27, 3600);
  send(m, "2026-01-10T03:30:00Z", 96, 900, "quarters");
  work("2026-01-13T09:30:00Z");
  EXPECT_EQ(open(),
            "01-10T23:30>01-11T00:30 1 NOT_RECEIVED OPEN;01-11T03:30>01-12T03:30 96 NOT_RECEIVED OPEN;");
  EXPECT_EQ(day(north, date(2026, 1, 10)), "120 119 1 0 2 0;");
  EXPECT_EQ(day(north, date(2026, 1, 11)), "120 24 96 0 2 0;");
}

TEST_F(GapsTest, LateDataShrinkSplitAndCloseAGapExactly) {
  const MeterId m = install(north, "M1");
  send(m, "2026-03-02T05:00:00Z", 4);
  send(m, "2026-03-05T05:00:00Z", 96);
  work("2026-03-07T12:00:00Z");
  EXPECT_EQ(open(), "03-02T06:00>03-05T05:00 284 NOT_RECEIVED OPEN;");
  const std::string id = one("SELECT gap_id FROM gap");
  send(m, "2026-03-02T06:00:00Z", 2);
  work("2026-03-07T12:01:00Z");
  EXPECT_EQ(open(), "03-02T06:30>03-05T05:00 282 NOT_RECEIVED OPEN;");
  send(m, "2026-03-03T00:00:00Z", 96);
  EXPECT_EQ(work("2026-03-07T12:02:00Z").judged, 1U);
  EXPECT_EQ(open(),
            "03-02T06:30>03-03T00:00 70 NOT_RECEIVED OPEN;03-04T00:00>03-05T05:00 116 NOT_RECEIVED OPEN;");
  EXPECT_EQ(one("SELECT gap_id FROM gap WHERE slots = 70"), id) << "the first part keeps the number";
  send(m, "2026-03-02T06:30:00Z", 70);
  send(m, "2026-03-04T00:00:00Z", 116);
  work("2026-03-07T12:03:00Z");
  EXPECT_EQ(open(), "");
  EXPECT_EQ(sql("SELECT note, settled_at FROM gap ORDER BY gap_id"),
            (Table{{"filled", "2026-03-07 12:03:00+00"}, {"filled", "2026-03-07 12:03:00+00"}}));
  EXPECT_EQ(day(north, date(2026, 3, 3)), "96 96 0 0 1 0;");

  // Values from before the first: expectation begins with them.
  send(m, "2026-02-27T05:00:00Z", 96);
  work("2026-03-07T12:04:00Z");
  EXPECT_EQ(open(), "02-28T05:00>03-02T05:00 192 NOT_RECEIVED OPEN;");
}

TEST_F(GapsTest, ExchangeWithinASlotEndsTheOldMeterAndALaterCorrectionIsFollowed) {
  const MeterId old_meter = install(north, "M1", "2020-01-01T00:00:00Z", "house");
  const MeterId new_meter = meter(north, "M2");
  send(old_meter, "2026-03-02T05:00:00Z", 22);  // to 10:30
  send(new_meter, "2026-03-02T10:45:00Z", 73);  // to 05:00
  work("2026-03-07T12:00:00Z");
  EXPECT_EQ(open(), "03-02T10:30>03-06T05:00 362 NOT_RECEIVED OPEN;")
      << "nobody has said yet that it was exchanged";
  ASSERT_TRUE(
      assets->exchange({north, "house", "M2", at("2026-03-02T10:37:00Z"), {1, 0}, "WO1", {}, {}}).ok());
  work("2026-03-07T12:00:00Z");
  EXPECT_EQ(one("SELECT note FROM gap WHERE slots = 362"), "no longer expected");
  EXPECT_EQ(open(), "03-03T05:00>03-06T05:00 288 NOT_RECEIVED OPEN;")
      << "the new one has been silent since the 3rd";
  EXPECT_EQ(day(north, date(2026, 3, 2), old_meter), "22 22 0 0 1 0;");
  EXPECT_EQ(day(north, date(2026, 3, 2), new_meter), "73 73 0 0 1 0;");

  CompletenessQuery house;
  house.utility = north;
  house.days = {date(2026, 3, 2), date(2026, 3, 3)};
  house.by = CompletenessQuery::By::Channel;
  house.usage_point = assets->get_usage_point(north, "house")->id;
  const auto rows = gaps->completeness(house).value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].meter + " " + rows[0].channel, "M1 cmep:KWH");
  EXPECT_EQ(rows[1].meter, "M2");
  EXPECT_EQ(rows[2].missing, 96);
}

TEST_F(GapsTest, ProgrammeChangeMidDayIsNoGapAndTheNewLengthCounts) {
  const MeterId m = install(north, "M1");
  send(m, "2026-03-02T05:00:00Z", 20);                                  // to 10:00
  send(m, "2026-03-02T10:05:00Z", 227, 300, "cmep:KWH", kFiveMinutes);  // another channel, to 05:00
  const MeterId same = install(north, "M2");
  send(same, "2026-03-02T05:00:00Z", 20);
  send(same, "2026-03-02T10:00:00Z", 228, 300);  // the same channel
  work("2026-03-07T12:00:00Z");
  EXPECT_EQ(open(),
            "03-03T05:00>03-06T05:00 864 NOT_RECEIVED OPEN;03-03T05:00>03-06T05:00 864 NOT_RECEIVED OPEN;");
  EXPECT_EQ(day(north, date(2026, 3, 2), m), "247 247 0 0 1 0;");
  EXPECT_EQ(day(north, date(2026, 3, 2), same), "248 248 0 0 1 0;");

  // Late values of the old length: what is missing after them is counted in slots of that length.
  send(same, "2026-03-03T05:00:00Z", 96);
  work("2026-03-07T12:00:00Z");
  EXPECT_EQ(open(),
            "03-03T05:00>03-06T05:00 864 NOT_RECEIVED OPEN;03-04T05:00>03-06T05:00 192 NOT_RECEIVED OPEN;");
}

TEST_F(GapsTest, FlaggedHolesOddIntervalsAndWithdrawnValues) {
  const MeterId m = install(north, "M1");
  CommitUnit u = unit("flags");
  const auto channel = add_channel(u, m);
  const auto flag = add_quality(u, "", "N32");
  RunSpec whole{.channel = channel, .start = at("2026-03-02T05:00:00Z"), .values = {}};
  for (int i = 0; i < 96; ++i) {
    whole.values.emplace_back(i);
    if (i == 8 || i == 9 || i == 40) whole.values.back().reset();
  }
  whole.quality = flag;
  add_run(u, whole);
  // 15:00 to 15:15 (slot 40) is there as two stretches off the grid: 15:02 to 15:12.
  add_run(u, {.channel = channel, .start = at("2026-03-02T15:02:00Z"), .values = {1}, .length_s = 300});
  add_run(u, {.channel = channel, .start = at("2026-03-02T15:07:00Z"), .values = {1}, .length_s = 301});
  commit(u);
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(), "03-02T07:00>03-02T07:30 2 VENDOR_FLAG OPEN;");
  EXPECT_EQ(day(north, date(2026, 3, 2)), "96 94 2 0 1 0;");

  // A second file said other values for two slots; then the first file is taken back.
  CommitUnit better = unit("better");
  RunSpec two{.channel = add_channel(better, m), .start = at("2026-03-02T05:00:00Z"), .values = {500, 501}};
  two.rank = at("2020-01-01T00:00:00Z");
  add_run(better, two);
  commit(better);
  sql("INSERT INTO withdrawal (channel_id, source_id, cause) SELECT c.channel_id, s.source_id, 'wrong scale' "
      "FROM"
      " channel c, source s WHERE s.name = 'flags.txt'");
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(),
            "03-02T05:30>03-02T07:00 6 WITHDRAWN OPEN;03-02T07:00>03-02T07:30 2 VENDOR_FLAG OPEN;"
            "03-02T07:30>03-03T05:00 86 WITHDRAWN OPEN;");
  sql("DELETE FROM withdrawal");
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(), "03-02T07:00>03-02T07:30 2 VENDOR_FLAG OPEN;");
}

TEST_F(GapsTest, SilentChannelIsOneGrowingGapAndGivenUpPartsStayGivenUp) {
  const MeterId m = install(north, "M1");
  send(m, "2026-03-02T05:00:00Z", 96);
  work("2026-03-05T12:00:00Z");
  for (int week = 1; week <= 5; ++week) {
    const auto now = at("2026-03-05T12:00:00Z") + days{7 * week};
    while (gaps->step(rules, now)->more) {
    }
  }
  EXPECT_EQ(one("SELECT count(*) || ' ' || sum(slots) FROM gap"), "1 " + std::to_string(35 * 96 + 96 - 4))
      << "from 3 March 05:00Z to 8 April 04:00Z";
  const auto listed = gaps->list({.utility = north}).value();
  ASSERT_EQ(listed.items.size(), 1U);
  const std::int64_t id = listed.items[0].id;
  EXPECT_EQ(listed.items[0].meter, "M1");
  EXPECT_EQ(listed.items[0].usage_point, "p-M1");
  EXPECT_EQ(listed.items[0].feed, "feed-1");
  EXPECT_EQ(listed.items[0].interval, seconds{900});

  const auto given =
      gaps->give_up(north, {id}, "module is dead, meter will be changed", "anna", at("2026-04-10T00:00:00Z"));
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(given->at(0).state, GapState::GivenUp);
  EXPECT_EQ(given->at(0).given_up_by, "anna");
  EXPECT_EQ(given->at(0).given_up_at, at("2026-04-10T00:00:00Z"));
  EXPECT_EQ(day(north, date(2026, 4, 1)), "96 0 96 96 1 0;");
  // Still silent: what comes after is open. Late data fill one day of what was given up.
  send(m, "2026-03-10T04:00:00Z", 96);
  work("2026-04-12T12:00:00Z");
  EXPECT_EQ(open(),
            "03-03T05:00>03-10T04:00 668 NOT_RECEIVED GIVEN_UP;"
            "03-11T04:00>04-08T04:00 2688 NOT_RECEIVED GIVEN_UP;"
            "04-08T04:00>04-11T04:00 288 NOT_RECEIVED OPEN;");
  EXPECT_EQ(one("SELECT count(*) FROM gap WHERE given_up_by = 'anna' AND given_up_reason LIKE 'module%'"),
            "2");

  // Repeating the same is no error; another reason, an unknown number, another utility, too many, none are.
  EXPECT_TRUE(
      gaps->give_up(north, {id}, "module is dead, meter will be changed", "anna", at("2026-04-11T00:00:00Z"))
          .ok());
  EXPECT_EQ(gaps->give_up(north, {id}, "no idea", "ben", {}).refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(gaps->give_up(north, {id, 999}, "x", "ben", {}).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(gaps->give_up(south, {id}, "x", "ben", {}).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(gaps->give_up(north, {}, "x", "ben", {}).refusal().kind, Refusal::Kind::Invalid);

  ASSERT_TRUE(gaps->undo_give_up(north, {id}, "ben").ok());
  EXPECT_EQ(one("SELECT state || coalesce(given_up_by, '') FROM gap WHERE gap_id = " + std::to_string(id)),
            "OPEN");
  EXPECT_EQ(sql("SELECT actor, action FROM asset_audit WHERE entity = 'gaps/" + std::to_string(id) +
                "' ORDER BY audit_id"),
            (Table{{"anna", "give_up_gap"}, {"ben", "undo_give_up_gap"}}));
  // All of the rest comes: closed, and that it had been given up is said.
  send(m, "2026-03-03T05:00:00Z", 668);
  send(m, "2026-03-11T04:00:00Z", 2688);
  work("2026-04-12T12:00:00Z");
  EXPECT_EQ(sql("SELECT note FROM gap WHERE state = 'CLOSED' ORDER BY from_at"),
            (Table{{"filled"}, {"filled, after it was given up"}}));
  EXPECT_EQ(gaps->give_up(north, {id}, "x", "ben", {}).refusal().kind, Refusal::Kind::Collision);
}

TEST_F(GapsTest, RegistersAreExpectedOnlyWhereConfigured) {
  const MeterId m = install(north, "M1");
  CommitUnit u = unit("dials");
  const auto channel = add_channel(u, m, "cmep:KWHREG");
  for (const int d : {1, 2, 3, 4, 5, 6, 7, 8, 11}) {  // midnight of Toronto, EST and then EDT
    add_register(u, channel, at("2026-03-01T05:00:00Z") + days{d - 1} - (d > 8 ? hours{1} : hours{0}),
                 Decimal{d, 0});
  }
  commit(u);
  work("2026-03-14T12:00:00Z");
  EXPECT_EQ(open(), "");
  EXPECT_EQ(day(north, date(2026, 3, 9)), "");
  rules.registers_daily = true;
  work("2026-03-14T12:00:00Z");
  EXPECT_EQ(open(),
            "03-09T04:00>03-11T04:00 2 NOT_RECEIVED OPEN;03-12T04:00>03-13T04:00 1 NOT_RECEIVED OPEN;");
  EXPECT_EQ(day(north, date(2026, 3, 9)), "1 0 1 0 1 0;");
  CommitUnit late = unit("late");
  add_register(late, add_channel(late, m, "cmep:KWHREG"), at("2026-03-10T04:00:00Z"), Decimal{10, 0});
  commit(late);
  work("2026-03-14T12:00:00Z");
  EXPECT_EQ(open(),
            "03-09T04:00>03-10T04:00 1 NOT_RECEIVED OPEN;03-12T04:00>03-13T04:00 1 NOT_RECEIVED OPEN;");
  rules.registers_daily = false;
  work("2026-03-14T12:00:00Z");
  EXPECT_EQ(open(), "");
}

TEST_F(GapsTest, UtilitiesAreApartAndFiguresAreByFeed) {
  const MeterId m = install(north, "M1");
  south_meter = install(south, "M1");
  const MeterId nowhere = meter(north, "spare");
  send(m, "2026-03-02T05:00:00Z", 95);
  send(south_meter, "2026-03-02T10:00:00Z", 90);
  send(nowhere, "2026-03-02T05:00:00Z", 50);
  work("2026-03-04T18:00:00Z");
  EXPECT_EQ(day(north, date(2026, 3, 2)), "96 95 1 0 1 0;");
  EXPECT_EQ(day(south, date(2026, 3, 2)), "96 90 6 0 1 0;");
  EXPECT_EQ(gaps->list({.utility = south}).value().items.size(), 1U);
  EXPECT_EQ(gaps->list({.utility = south, .feeds = {"feed-1"}}).value().items.size(), 0U);
  EXPECT_EQ(gaps->list({.utility = north, .states = {GapState::Closed}}).value().items.size(), 0U);
  EXPECT_EQ(gaps->list({.utility = north, .period = {at("2026-03-04T00:00:00Z")}}).value().items.size(), 0U);
  const auto figures = gaps->figures(rules, at("2026-03-04T18:00:00Z")).value();
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].feed, "feed-1");
  EXPECT_EQ(figures[0].missing, 1);
  EXPECT_EQ(figures[0].day, date(2026, 3, 2));
  EXPECT_EQ(figures[1].day_expected, 96);
  EXPECT_EQ(figures[1].day_received, 90);
  CompletenessQuery by_feeder{
      .utility = north, .days = {date(2026, 3, 2)}, .by = CompletenessQuery::By::Feeder};
  EXPECT_EQ(gaps->completeness(by_feeder)->at(0).feeder, "FM");
  by_feeder.feeder = "other";
  EXPECT_TRUE(gaps->completeness(by_feeder)->empty());
  EXPECT_EQ(gaps->completeness({.utility = north}).refusal().kind, Refusal::Kind::Invalid);
}

TEST_F(GapsTest, RolesOfTheGatewayAreEnoughAndAReaderSeesItsUtilityOnly) {
  const auto as = [&](const std::string& role) {
    DatabaseOptions options;
    options.conninfo = conninfo + " options='-c role=" + role + "'";
    return std::make_unique<Database>(options);
  };
  const auto worker = as("ami_ingest"), pool = as("ami_reader");
  gaps = std::make_unique<Gaps>(*worker);
  const MeterId m = install(north, "M1");
  south_meter = install(south, "M1");
  send(m, "2026-03-02T05:00:00Z", 95);
  send(south_meter, "2026-03-02T10:00:00Z", 90);
  work("2026-03-04T18:00:00Z");
  const auto listed = gaps->list({.utility = north}).value().items;
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_TRUE(gaps->give_up(north, {listed[0].id}, "as ingest", "anna", at("2026-03-04T18:00:00Z")).ok());
  EXPECT_TRUE(assets->remove({north, "M1", at("2026-03-03T00:00:00Z"), "", {}}).ok());
  work("2026-03-04T18:00:00Z");

  Database reader(*pool, {"south"});
  gaps = std::make_unique<Gaps>(reader);
  EXPECT_EQ(gaps->list({.utility = south}).value().items.size(), 1U);
  EXPECT_EQ(day(south, date(2026, 3, 2)), "96 90 6 0 1 0;");
  EXPECT_EQ(
      gaps->list({.utility = north, .states = {GapState::Closed, GapState::GivenUp}}).value().items.size(),
      0U);
  EXPECT_EQ(day(north, date(2026, 3, 2)), "");
  EXPECT_FALSE(gaps->step(rules, at("2026-03-04T18:00:00Z")).ok()) << "a reader changes nothing";
}

TEST_F(GapsTest, WhatWasThereBeforeTheJobAndWhatItWasCutOffInIsNotLost) {
  const MeterId m = install(north, "M1");
  send(m, "2026-03-02T05:00:00Z", 90);
  // As after an upgrade: the changes are behind the cursor.
  sql("UPDATE collection_state SET seeded_to = 0");
  sql("INSERT INTO collection_cursor SELECT utility_id, pg_snapshot_xmin(pg_current_snapshot()), 0 FROM "
      "utility"
      " ON CONFLICT (utility_id) DO UPDATE SET txid = excluded.txid");
  sql("DELETE FROM collection_dirty");
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(), "03-03T03:30>03-03T05:00 6 NOT_RECEIVED OPEN;");

  // Cut off before its commit, a step leaves no trace, and the next one does its work.
  send(m, "2026-03-03T04:45:00Z", 1);
  failpoint_handler = [](const char* name) {
    if (std::string_view(name) == "gaps.before_commit") throw std::runtime_error("cut off");
  };
  EXPECT_FALSE(gaps->step(rules, at("2026-03-04T12:00:00Z")).ok());
  failpoint_handler = nullptr;
  EXPECT_EQ(work("2026-03-04T12:00:00Z").changes, 1U);

  // A step that another gateway is at does nothing, and says so.
  {
    pqxx::connection other(conninfo);
    pqxx::work holder(other);
    holder.exec("SELECT pg_advisory_xact_lock(7165289, 10)");
    const auto busy = gaps->step(rules, at("2026-03-04T12:00:00Z"));
    ASSERT_TRUE(busy.ok());
    EXPECT_TRUE(busy->busy);
    EXPECT_FALSE(busy->more);
  }
  // A change that was committed after one with a higher number is read, too.
  {
    pqxx::connection other(conninfo);
    pqxx::work slow(other);
    slow.exec("SELECT pg_current_xact_id()");
    send(m, "2026-03-03T03:30:00Z", 2);
    work("2026-03-04T12:00:00Z");
    EXPECT_EQ(open(), "03-03T03:30>03-03T04:45 5 NOT_RECEIVED OPEN;") << "an older transaction still runs";
  }
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(), "03-03T04:00>03-03T04:45 3 NOT_RECEIVED OPEN;");

  // The feed was numbered anew, as after a restore: everything is compared again, and the same comes out.
  sql("UPDATE change_feed SET generation = generation + 1; UPDATE gap SET from_at = from_at - interval '1 "
      "h', slots = 7;"
      "DELETE FROM collection_programme");
  work("2026-03-04T12:00:00Z");
  EXPECT_EQ(open(), "03-03T04:00>03-03T04:45 3 NOT_RECEIVED OPEN;");
  EXPECT_EQ(one("SELECT count(*) FROM collection_programme"), "1");
}

}  // namespace
}  // namespace ami::storage
