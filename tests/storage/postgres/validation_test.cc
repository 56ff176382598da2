// Which meter-days are judged when, and what becomes of verdicts.
#include "storage/postgres/validation.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "meter_model/failpoint.h"
#include "storage/postgres/migrate.h"
#include "tests/storage/postgres/validation_scene.h"

namespace ami::storage {
namespace {

using std::chrono::hours;

class ValidationTest : public ValidationScene {};

TEST_F(ValidationTest, DayIsJudgedOnceItIsOverAndSettledAndTheNextOnesWithIt) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});  // a civil day of Toronto
  EXPECT_EQ(step("2026-03-03T02:00:00Z").judged, 0U);
  // 26 hours after the end of the values reach into the 4th.
  EXPECT_EQ(queue(), "M1 2026-03-02 03-03T05:15;M1 2026-03-03 03-04T05:15;M1 2026-03-04 03-05T05:15;");
  EXPECT_EQ(work("2026-03-03T05:14:59Z"), "");
  EXPECT_EQ(work("2026-03-03T05:15:00Z"), "M1 2026-03-02;");
  EXPECT_EQ(work("2026-03-03T05:15:00Z"), "") << "once is enough";
  EXPECT_EQ(work("2026-03-08T00:00:00Z"), "M1 2026-03-03;M1 2026-03-04;");
  EXPECT_EQ(queue(), "");
}

TEST_F(ValidationTest, LateValueBringsItsDayBackAndEachOneMorePutsItOff) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  work("2026-03-10T00:00:00Z");
  late = true;
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {8}, .rank = at("2026-03-05T00:00:00Z")});
  step("2026-03-10T12:00:00Z");
  EXPECT_EQ(queue(), "M1 2026-03-02 03-10T12:15;M1 2026-03-03 03-10T12:15;");
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {9}, .rank = at("2026-03-06T00:00:00Z")});
  step("2026-03-10T12:10:00Z");
  EXPECT_EQ(work("2026-03-10T12:24:59Z"), "");
  EXPECT_EQ(work("2026-03-10T12:25:00Z"), "M1 2026-03-02;M1 2026-03-03;");
}

TEST_F(ValidationTest, ChangeBelongsToTheCivilDaysOfItsOwnZone) {
  struct Case {
    const char *key, *zone, *start, *dates;
  };
  const Case cases[] = {
      // A civil day of India ends at 18:30Z; the second value begins the next one.
      {"K1", "Asia/Kolkata", "2026-03-02T18:15:00Z", "2026-03-02 2026-03-03 2026-03-04 "},
      {"K2", "Asia/Kolkata", "2026-03-02T18:30:00Z", "2026-03-03 2026-03-04 "},
      // Nepal is 5:45 ahead.
      {"N1", "Asia/Kathmandu", "2026-03-02T18:00:00Z", "2026-03-02 2026-03-03 2026-03-04 "},
      {"N2", "Asia/Kathmandu", "2026-03-02T18:15:00Z", "2026-03-03 2026-03-04 "},
      // 8 March 2026 ends an hour early in Toronto, 1 November an hour late.
      {"T1", "America/Toronto", "2026-03-09T03:45:00Z", "2026-03-08 2026-03-09 2026-03-10 "},
      {"T2", "America/Toronto", "2026-03-09T04:00:00Z", "2026-03-09 2026-03-10 "},
      {"T3", "America/Toronto", "2026-11-02T04:45:00Z", "2026-11-01 2026-11-02 2026-11-03 "},
      {"T4", "America/Toronto", "2026-11-02T05:00:00Z", "2026-11-02 2026-11-03 "},
      // The UTC day that holds two midnights of London.
      {"L1", "Europe/London", "2026-03-29T22:45:00Z", "2026-03-29 2026-03-30 2026-03-31 "},
      {"L2", "Europe/London", "2026-03-29T23:00:00Z", "2026-03-30 2026-03-31 "},
      // Behind and ahead of everybody.
      {"H1", "Pacific/Honolulu", "2026-03-02T09:45:00Z", "2026-03-01 2026-03-02 2026-03-03 "},
      {"Z1", "Pacific/Kiritimati", "2026-03-02T10:00:00Z", "2026-03-03 2026-03-04 "},
  };
  for (const Case& c : cases) {
    const MeterId m = install(north, c.key, c.zone);
    send({.meter = m, .start = c.start, .values = {1}});
    step("2026-01-01T00:00:00Z");
    std::string dates;
    for (const auto& row :
         sql("SELECT date FROM validation_due WHERE meter_id = " + std::to_string(m) + " ORDER BY 1"))
      dates += row[0] + " ";
    EXPECT_EQ(dates, c.dates) << c.key;
  }
  EXPECT_EQ(
      one("SELECT to_char(due_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM validation_due JOIN meter USING"
          " (meter_id) WHERE key = 'T1' AND date = '2026-03-08'"),
      "03-09 04:15");
  EXPECT_EQ(
      one("SELECT to_char(due_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM validation_due JOIN meter USING"
          " (meter_id) WHERE key = 'T3' AND date = '2026-11-01'"),
      "11-02 05:15");
}

TEST_F(ValidationTest, DaysOfDaylightSavingAreAsLongAsTheyAre) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-08T12:00:00Z", .values = {1}});
  send({.meter = m, .start = "2026-11-01T12:00:00Z", .values = {1}});
  work("2026-12-01T00:00:00Z");
  const MeterDayFacts& spring = seen.at({m, date("2026-03-08")});
  EXPECT_EQ(spring.day.to - spring.day.from, hours{23});
  EXPECT_EQ(spring.window.from, at("2026-03-07T03:00:00Z"));
  EXPECT_EQ(spring.window.to, at("2026-03-10T06:00:00Z"));
  EXPECT_EQ(spring.zone, "America/Toronto");
  const MeterDayFacts& autumn = seen.at({m, date("2026-11-01")});
  EXPECT_EQ(autumn.day.to - autumn.day.from, hours{25});
}

TEST_F(ValidationTest, RegistersEventsAndOddIntervalsBringDaysBackToo) {
  const MeterId r = install(north, "R1"), e = install(north, "E1"), o = install(north, "O1");
  send_register(r, "2026-03-03T05:00:00Z", {5, 0});  // midnight: it ends the 2nd and begins the 3rd
  send_event(e, "2026-03-02T12:00:00Z", "OUTAGE");
  send({.meter = o, .start = "2026-03-02T12:07:00Z", .values = {1}});
  step("2026-01-01T00:00:00Z");
  EXPECT_EQ(queue(),
            "E1 2026-03-01 03-02T05:15;E1 2026-03-02 03-03T05:15;E1 2026-03-03 03-04T05:15;"
            "O1 2026-03-02 03-03T05:15;O1 2026-03-03 03-04T05:15;"
            "R1 2026-03-02 03-03T05:15;R1 2026-03-03 03-04T05:15;R1 2026-03-04 03-05T05:15;");
}

TEST_F(ValidationTest, MeterThatMovesHasEachDayInTheZoneOfItsPlace) {
  const MeterId m = install(north, "M1", "America/Toronto", "2026-01-01T05:00:00Z");
  ASSERT_TRUE(assets->remove({north, "M1", at("2026-03-05T05:00:00Z"), "", {}}).ok());
  UsagePointDetail place;
  place.zone = "Asia/Kolkata";
  place.valid.from = at("2019-01-01T00:00:00Z");
  ASSERT_TRUE(assets->create_usage_point(north, "far", place).ok());
  ASSERT_TRUE(assets->install({north, "M1", "far", at("2026-03-06T18:30:00Z"), {1, 0}, "", {}}).ok());
  const auto day = [&](const char* which) {
    return validation->facts({north, m, date(which)}).value().day.from;
  };
  EXPECT_EQ(day("2025-12-01"), at("2025-12-01T05:00:00Z")) << "of the first place";
  EXPECT_EQ(day("2026-03-04"), at("2026-03-04T05:00:00Z"));
  EXPECT_EQ(day("2026-03-06"), at("2026-03-06T05:00:00Z")) << "of the last one, while it is nowhere";
  EXPECT_EQ(day("2026-03-07"), at("2026-03-06T18:30:00Z"));
  EXPECT_EQ(validation->facts({north, m, date("2026-03-07")}).value().stays.size(), 2U);
  const MeterId nowhere = meter(south, "S9");
  EXPECT_EQ(validation->facts({south, nowhere, date("2026-03-07")}).value().zone, "Pacific/Honolulu");
}

TEST_F(ValidationTest, StepThatIsCutOffOrWhoseJudgeThrowsLeavesNoTraceAndTheNextDoesItsWork) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T05:00:00Z", "2026-03-02T05:30:00Z", 14, "2.6.0")};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T04:00:00Z", {1})};
  step("2026-03-03T02:00:00Z");
  const std::string before = queue();
  const auto nothing_stored = [&] {
    EXPECT_EQ(
        one("SELECT (SELECT count(*) FROM finding) + (SELECT count(*) FROM estimate) + (SELECT count(*) FROM"
            " judged_version) + (SELECT count(*) FROM judged_day) + (SELECT count(*) FROM judged_count)"),
        "0");
    EXPECT_EQ(queue(), before);
    EXPECT_EQ(own_changes(), "");
  };
  failpoint_handler = [](const char* name) {
    if (std::string_view(name) == "validation.before_commit") throw std::runtime_error("cut off");
  };
  EXPECT_FALSE(validation->step(rules, at("2026-03-03T06:00:00Z"), judge).ok());
  failpoint_handler = nullptr;
  nothing_stored();
  const auto thrown = validation->step(
      rules, at("2026-03-03T06:00:00Z"),
      [](const MeterDayFacts&) -> DayVerdict { throw std::runtime_error("no verdict today"); });
  ASSERT_FALSE(thrown.ok());
  EXPECT_NE(thrown.error().message.find("no verdict today"), std::string::npos);
  nothing_stored();
  EXPECT_EQ(work("2026-03-03T06:00:00Z"), "M1 2026-03-02;");
  EXPECT_EQ(one("SELECT (SELECT count(*) FROM finding) || ' ' || (SELECT count(*) FROM estimate)"), "1 1");
}

TEST_F(ValidationTest, OfTwoGatewaysOneWorksAndTheOtherSaysBusy) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  {
    pqxx::connection other(conninfo);
    pqxx::work holder(other);
    holder.exec("SELECT pg_advisory_xact_lock(7165289, 11)");
    const ValidationStep busy = step("2026-03-10T00:00:00Z");
    EXPECT_TRUE(busy.busy);
    EXPECT_FALSE(busy.more);
    EXPECT_EQ(busy.changes, 0U);
  }
  EXPECT_FALSE(step("2026-03-10T00:00:00Z").busy);
}

TEST_F(ValidationTest, ValuesAreStoredWhileAStepJudges) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  late = true;
  // In the middle of the step, on the very row that is judged.
  int stored = 0;
  const auto during = [&](const MeterDayFacts& facts) {
    if (facts.of.date == date("2026-03-02") && stored++ == 0)
      send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {8}, .rank = at("2026-03-05T00:00:00Z")});
    return DayVerdict{};
  };
  ASSERT_TRUE(validation->step(rules, at("2026-03-10T01:00:00Z"), during).ok());
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(slots(m, "2026-03-02T05:45:00Z", "2026-03-02T06:30:00Z"), "03-02T05:45 7[] 8[] 7[]")
      << "judged was what was there before";
  EXPECT_EQ(work("2026-03-11T00:00:00Z"), "") << "not settled";
  EXPECT_EQ(work("2026-03-11T01:00:00Z"), "M1 2026-03-02;M1 2026-03-03;");
  EXPECT_EQ(slots(m, "2026-03-02T05:45:00Z", "2026-03-02T06:30:00Z"),
            "03-02T05:45 7[2.0.1] 8[2.0.1] 7[2.0.1]");
}

TEST_F(ValidationTest, FindingIsDatedAndTheSameAgainKeepsItsRow) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  DayVerdict& told = verdict(m, "2026-03-02");
  told.findings = {finding(m, "2026-03-02T05:15:00Z", "2026-03-02T05:45:00Z", 14, "2.6.0")};
  told.findings.push_back(told.findings.front());  // twice is once
  work("2026-03-20T00:00:00Z");
  const auto all = [&](bool gone_too = true) {
    FindingQuery query;
    query.utility = north;
    query.gone_too = gone_too;
    return validation->findings(query).value().items;
  };
  ASSERT_EQ(all().size(), 1U);
  const FindingRow first = all().front();
  EXPECT_EQ(first.meter_key, "M1");
  EXPECT_EQ(first.date, date("2026-03-02"));
  EXPECT_EQ(first.finding, told.findings.front());
  EXPECT_EQ(first.channel_key, "cmep:KWH");
  EXPECT_EQ(first.profile, "full 1234");
  EXPECT_EQ(first.found_at, at("2026-03-20T00:00:00Z"));
  EXPECT_FALSE(first.gone_at);

  const auto again = [&](const char* now) {
    ASSERT_EQ(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).value(), 1);
    EXPECT_EQ(work(now), "M1 2026-03-02;");
  };
  told.profile = "full 9999";  // other thresholds, and they say the same
  again("2026-03-21T00:00:00Z");
  ASSERT_EQ(all().size(), 1U);
  EXPECT_EQ(all().front().id, first.id);

  told.findings.front().words = told.findings.back().words = "by more than that";
  again("2026-03-22T00:00:00Z");
  ASSERT_EQ(all().size(), 2U);
  EXPECT_EQ(all().front().gone_at, at("2026-03-22T00:00:00Z"));
  EXPECT_EQ(all().back().found_at, at("2026-03-22T00:00:00Z"));
  EXPECT_EQ(all().back().profile, "full 9999");
  EXPECT_EQ(all(false).size(), 1U);

  told.judged = false;  // its feed is not judged any more, whatever else the verdict holds
  again("2026-03-23T00:00:00Z");
  EXPECT_TRUE(all(false).empty());
  EXPECT_EQ(all().size(), 2U);
  EXPECT_EQ(slots(m, "2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"), "03-02T05:00 7[]x4");
}

TEST_F(ValidationTest, HolesThatAreNotDueYetAreLookedAtAgain) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(90, 7)});
  verdict(m, "2026-03-02").again_at = at("2026-03-04T11:00:00Z");
  work("2026-03-03T06:00:00Z");
  EXPECT_EQ(queue().substr(0, 28), "M1 2026-03-02 03-04T11:00;M1");
  verdict(m, "2026-03-02").again_at.reset();
  EXPECT_EQ(work("2026-03-04T10:59:00Z"), "M1 2026-03-03;");
  EXPECT_EQ(work("2026-03-04T11:00:00Z"), "M1 2026-03-02;");
  // A change that comes before is judged when it has settled.
  verdict(m, "2026-03-02").again_at = at("2026-04-01T00:00:00Z");
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).ok());
  work("2026-03-04T12:00:00Z");
  late = true;
  send({.meter = m, .start = "2026-03-03T03:30:00Z", .values = {7}});
  step("2026-03-04T13:00:00Z");
  EXPECT_EQ(work("2026-03-04T13:15:00Z"), "M1 2026-03-02;M1 2026-03-03;");
  // A judge that wants the past again does not keep the step for ever.
  verdict(m, "2026-03-02").again_at = at("2026-01-01T00:00:00Z");
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).ok());
  EXPECT_EQ(work("2026-03-04T14:00:00Z"), "M1 2026-03-02;");
}

TEST_F(ValidationTest, MeterThatFellSilentIsJudgedDayByDayUntilNothingIsSaidOfIt) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  const DayJudge inner = judge;
  const UtcInstant removed = at("2026-03-08T05:00:00Z");
  judge = [&](const MeterDayFacts& facts) {
    DayVerdict out = inner(facts);
    const bool silent = facts.intervals.empty() || facts.day.from >= at("2026-03-03T05:00:00Z");
    if (silent && facts.day.from < removed) {
      DayFinding missing;
      missing.channel = channel(m);
      missing.length = std::chrono::seconds{900};
      missing.period = facts.day;
      missing.check = 7;
      missing.quality = QualityCode{2, 5, 259};
      out.findings = {missing};
    }
    return out;
  };
  EXPECT_EQ(work("2026-03-06T06:00:00Z"), "M1 2026-03-02;M1 2026-03-03;M1 2026-03-04;M1 2026-03-05;");
  EXPECT_EQ(queue(), "M1 2026-03-06 03-07T05:15;");
  EXPECT_EQ(work("2026-03-12T06:00:00Z"), "M1 2026-03-06;M1 2026-03-07;M1 2026-03-08;")
      << "the 8th has no meter";
  EXPECT_EQ(queue(), "");
  // To look at one of them again does not begin the chain anew.
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-04"), date("2026-03-04")).ok());
  EXPECT_EQ(work("2026-03-12T06:00:00Z"), "M1 2026-03-04;");
}

// What a silent day says rests on the last value before it, and values come in any order: from several files,
// or late. Whatever the order, and whoever judged in between, the same days say the same in the end.
TEST_F(ValidationTest, SilenceIsToldToItsEndInWhateverOrderTheValuesBeforeItCame) {
  constexpr int kSilent = 5;  // days that a channel of this judge owes, after the day of its last value
  const DayJudge inner = judge;
  judge = [&](const MeterDayFacts& facts) {
    DayVerdict out = inner(facts);
    for (const auto& [id, info] : facts.dictionary.channels) {
      UtcInstant last = UtcInstant::min();
      for (const LastInterval& one_of : facts.last_intervals) {
        if (one_of.channel == id) last = one_of.start;
      }
      for (const IntervalBlock& block : facts.intervals) {
        if (block.channel == id && block.first_start < facts.day.to) last = std::max(last, block.first_start);
      }
      if (last >= facts.day.from || last < facts.day.from - std::chrono::days{kSilent}) continue;
      DayFinding missing;
      missing.channel = id;
      missing.length = std::chrono::seconds{900};
      missing.period = facts.day;
      missing.check = 7;
      missing.quality = QualityCode{2, 5, 259};
      out.findings.push_back(missing);
    }
    return out;
  };
  // Two channels and a dial of one meter, and a value in between that comes when all was over long ago.
  const auto first = [&](MeterId m) {
    send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {1}, .key = "a"});
  };
  const auto second = [&](MeterId m) {
    send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {1}, .key = "b"});
  };
  const auto dial = [&](MeterId m) {
    for (const char* when : {"2026-03-03T12:00:00Z", "2026-03-04T12:00:00Z"})
      send_register(m, when, {5, 0}, "dial");
  };
  const auto between = [&](MeterId m) {
    send({.meter = m, .start = "2026-03-05T12:00:00Z", .values = {1}, .key = "a"});
  };
  using Act = std::function<void(MeterId)>;
  const std::vector<Act> acts{first, second, dial, between};
  std::vector<std::size_t> order{0, 1, 2, 3};
  std::string expected;
  for (int n = 0; n < 24; ++n) {
    for (const bool judged_between : {false, true}) {
      const MeterId m = install(north, "O" + std::to_string(n) + (judged_between ? "j" : ""));
      for (const std::size_t act : order) {
        acts[act](m);
        if (judged_between) work("2026-05-01T00:00:00Z");
      }
      work("2026-05-01T00:00:00Z");
      const std::string told =
          one("SELECT string_agg(c.key || ' ' || f.date, ', ' ORDER BY c.key, f.date) FROM finding f JOIN "
              "channel c"
              " USING (channel_id) WHERE f.gone_at IS NULL AND f.meter_id = " +
              std::to_string(m));
      if (expected.empty()) expected = told;
      EXPECT_EQ(told, expected) << "order " << n << (judged_between ? ", judged in between" : "");
    }
    std::ranges::next_permutation(order);
  }
  EXPECT_EQ(
      expected,
      "a 2026-03-03, a 2026-03-04, a 2026-03-06, a 2026-03-07, a 2026-03-08, a 2026-03-09, a 2026-03-10,"
      " b 2026-03-03, b 2026-03-04, b 2026-03-05, b 2026-03-06, b 2026-03-07");
}

TEST_F(ValidationTest, EstimateThatComesOrGoesBringsTheNextDayAndARegisterNearByBringsTheEstimate) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  work("2026-03-20T00:00:00Z");
  verdict(m, "2026-03-05").estimates = {estimate(m, "2026-03-05T05:00:00Z", {1, 2})};
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-05"), date("2026-03-05")).ok());
  EXPECT_EQ(work("2026-03-20T00:00:00Z"), "M1 2026-03-05;M1 2026-03-06;");
  using Days = std::map<ChannelId, std::set<std::chrono::sys_days>>;
  EXPECT_EQ(seen.at({m, date("2026-03-06")}).estimated_days,
            (Days{{channel(m), {std::chrono::sys_days{date("2026-03-05")}}}}));
  EXPECT_EQ(seen.at({m, date("2026-03-05")}).estimated_days, (Days{}));
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-05"), date("2026-03-05")).ok());
  EXPECT_EQ(work("2026-03-20T00:00:00Z"), "M1 2026-03-05;") << "the same estimate again";

  send_register(m, "2026-03-19T05:00:00Z", {5, 0});
  EXPECT_EQ(work("2026-03-22T06:00:00Z"), "M1 2026-03-05;M1 2026-03-19;M1 2026-03-20;");
  send_register(m, "2026-04-25T05:00:00Z", {6, 0});  // too far away
  EXPECT_EQ(work("2026-04-28T06:00:00Z"), "M1 2026-04-25;M1 2026-04-26;");
}

TEST_F(ValidationTest, WhatTheStepWritesItselfDoesNotComeBack) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(90, 7)});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T05:00:00Z", "2026-03-02T05:30:00Z", 14, "2.6.0")};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-03T03:30:00Z", {1})};
  work("2026-03-10T00:00:00Z");
  EXPECT_NE(own_changes(), "");
  EXPECT_EQ(work("2026-03-11T00:00:00Z"), "");
  EXPECT_EQ(queue(), "");
  EXPECT_EQ(one("SELECT count(*) FROM change c, validation_cursor k WHERE c.utility_id = k.utility_id AND"
                " (c.txid, c.change_id) > (k.txid, k.change_id) AND kinds & 64 <> 0"),
            "0")
      << "they were read and passed by";
}

TEST_F(ValidationTest, AfterARestoreEverythingStoredIsJudgedOnceMore) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  work("2026-03-10T00:00:00Z");
  sql("UPDATE change_feed SET generation = generation + 1");
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "M1 2026-03-01;M1 2026-03-02;M1 2026-03-03;M1 2026-03-04;");
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "");
  // Changes that were dropped before they were read.
  late = true;
  send({.meter = m, .start = "2026-03-05T05:00:00Z", .values = {1}});
  sql("DELETE FROM change; UPDATE change_feed SET oldest_txid = pg_current_xact_id(), oldest_change_id = 0");
  work("2026-03-10T00:00:00Z");
  EXPECT_TRUE(seen.contains({m, date("2026-03-05")}));
}

TEST_F(ValidationTest, WhatWasStoredBeforeIsQueuedInPiecesOnceAndTheNewestDoesNotWaitForAllOfIt) {
  constexpr int kMeters = 450;
  sql("INSERT INTO meter (utility_id, key) SELECT " + std::to_string(north) +
      ", 'm' || n FROM generate_series(1, " + std::to_string(kMeters) +
      ") n; INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT utility_id, meter_id, "
      "'c',"
      " '0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0', 'Wh' FROM meter; SELECT ami_ensure_month('interval_day', "
      "'2026-03-01');"
      "INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp, "
      "mapping_version,"
      " time_source, received_at) VALUES (" +
      std::to_string(north) +
      ", 'f', 'f', 'x', 0, 1, 'epoch', 1, 0, now());"
      "INSERT INTO interval_day (meter_id, channel_id, version, day, interval_s, utility_id, exponent, "
      "values,"
      " source_runs) SELECT meter_id, channel_id, 1, '2026-03-02', 900, utility_id, 0, array_fill(7, '{96}'),"
      " ARRAY[96, (SELECT max(source_id) FROM source)] FROM channel; UPDATE validation_state SET seeded_to = "
      "0;"
      "DELETE FROM validation_dirty");
  std::size_t longest = 0, judged = 0;
  for (int steps = 0; steps < 50; ++steps) {
    const ValidationStep done = step("2026-03-10T00:00:00Z");
    judged += done.judged;
    longest =
        std::max(longest, static_cast<std::size_t>(std::stoul(one("SELECT count(*) FROM validation_due"))));
    if (!done.more) break;
  }
  // 1 to 4 March: the UTC day touches two civil days, and 26 hours more reach two days on.
  EXPECT_EQ(judged, static_cast<std::size_t>(kMeters) * 3);
  EXPECT_LE(longest, 200U * 3);
  EXPECT_EQ(one("SELECT seeded_to IS NULL FROM validation_state"), "t");
  EXPECT_EQ(one("SELECT count(*) FROM judged_version WHERE runs <> '{}'"), std::to_string(kMeters));
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "");
}

TEST(ValidationOfAnEarlierRelease, ValuesThatWereThereBeforeTheMigrationAreJudgedAfterIt) {
  const std::string conninfo = testing::PgCluster::shared().create_database();
  ASSERT_TRUE(migrate(conninfo, embedded_migrations().first(12)).ok());
  const auto run = [&](const std::string& statements) {
    pqxx::connection connection(conninfo);
    pqxx::work tx(connection);
    const auto rows = tx.exec(statements);
    tx.commit();
    return rows.empty() ? std::string() : std::string(rows[0][0].c_str());
  };
  run("INSERT INTO utility (key, zone) VALUES ('u', 'America/Toronto'); INSERT INTO meter (utility_id, key) "
      "VALUES"
      " (1, 'm'); INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) VALUES (1, 1, 'c',"
      " '0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0', 'Wh'); SELECT ami_ensure_month('interval_day', "
      "'2026-03-01');"
      "SELECT ami_ensure_month('change', now()::date);"
      "INSERT INTO source (utility_id, feed, name, content_sha256, byte_offset, byte_length, rank_stamp,"
      " mapping_version, time_source, received_at) VALUES (1, 'f', 'f', 'x', 0, 1, 'epoch', 1, 0, now());"
      "INSERT INTO interval_day (meter_id, channel_id, version, day, interval_s, utility_id, exponent, "
      "values,"
      " source_runs) VALUES (1, 1, 1, '2026-03-02', 900, 1, 0, array_fill(7, '{96}'), '{96,1}');"
      "INSERT INTO change (utility_id, meter_id, channel_id, day, interval_s, version, entity, kinds) VALUES"
      " (1, 1, 1, '2026-03-02', 900, 1, 1, 1)");
  ASSERT_TRUE(migrate(conninfo).ok());
  DatabaseOptions options;
  options.conninfo = conninfo;
  Database database(options);
  Validation validation(database);
  std::string judged;
  for (int steps = 0; steps < 20; ++steps) {
    const auto done = validation.step({}, at("2026-03-10T00:00:00Z"), [&](const MeterDayFacts& facts) {
      judged += text(facts.of.date) + " " + std::to_string(facts.versions.size()) + ";";
      return DayVerdict{};
    });
    ASSERT_TRUE(done.ok()) << done.error().message;
    if (!done->more) break;
  }
  EXPECT_EQ(judged, "2026-03-01 1;2026-03-02 1;2026-03-03 0;") << "once, although the change feed has it too";
  EXPECT_EQ(run("SELECT runs FROM judged_version"), "{128,0,0,148,1,1}");
}

TEST_F(ValidationTest, OtherAssetDataBringAllDaysOfTheMeterBack) {
  const MeterId m = install(north, "M1"), other = install(north, "M2"), far = install(south, "S1");
  for (const MeterId id : {m, other, far})
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7}});
  work("2026-03-10T00:00:00Z");
  const std::string days = "M1 2026-03-02;M1 2026-03-03;M1 2026-03-04;";
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "");
  ASSERT_TRUE(assets->remove({north, "M1", at("2026-03-20T00:00:00Z"), "", {}}).ok());
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "M1 2026-03-01;M1 2026-03-02;M1 2026-03-03;");
  UsagePointDetail place;
  place.zone = "Asia/Kolkata";
  place.valid.from = at("2026-01-01T00:00:00Z");
  ASSERT_TRUE(assets->update_usage_point(north, "p-M1", place).ok());
  // 2 March of India begins at 18:30Z of the 1st.
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), days);
  MeterDetail detail;
  detail.valid.from = at("2026-02-01T00:00:00Z");
  detail.form = "2S";
  detail.class_a = "200";
  ASSERT_TRUE(assets->update_meter(north, "M1", detail).ok());
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), days);
  EXPECT_EQ(seen.at({m, date("2026-03-02")}).assets.details.back().class_a, "200");
  ASSERT_TRUE(assets->put_utility({0, "south", "Pacific/Auckland", std::nullopt}).ok());
  const std::string moved = work("2026-03-10T00:00:00Z");
  EXPECT_NE(moved.find("S1 2026-03-03;"), std::string::npos) << moved;
  EXPECT_EQ(moved.find("M2"), std::string::npos) << moved;
}

TEST_F(ValidationTest, OrderStandsWhateverChangeIsReadAfterIt) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(96, 7)});
  work("2026-03-10T00:00:00Z");
  rules.settle = hours{1};
  late = true;
  // Stored, but not read from the feed yet, when the order comes.
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {8}, .rank = at("2026-03-05T00:00:00Z")});
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).ok());
  EXPECT_EQ(work("2026-03-10T12:00:00Z"), "M1 2026-03-02;");
  EXPECT_EQ(slots(m, "2026-03-02T05:45:00Z", "2026-03-02T06:30:00Z"),
            "03-02T05:45 7[2.0.1] 8[2.0.1] 7[2.0.1]");
  EXPECT_EQ(queue(), "M1 2026-03-03 03-10T13:00;") << "the day after was not ordered";
  // What comes later is judged once it has settled, as ever: the order was carried out.
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {9}, .rank = at("2026-03-06T00:00:00Z")});
  EXPECT_EQ(work("2026-03-10T12:30:00Z"), "");
  EXPECT_EQ(work("2026-03-10T13:30:00Z"), "M1 2026-03-02;M1 2026-03-03;");
  // A day that is queued and waits is ordered, too; and a judge that wants it again later has it as any
  // other.
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {10}, .rank = at("2026-03-07T00:00:00Z")});
  EXPECT_EQ(work("2026-03-10T14:00:00Z"), "");
  verdict(m, "2026-03-02").again_at = at("2026-03-11T00:00:00Z");
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).ok());
  EXPECT_EQ(work("2026-03-10T14:01:00Z"), "M1 2026-03-02;");
  send({.meter = m, .start = "2026-03-02T06:00:00Z", .values = {11}, .rank = at("2026-03-08T00:00:00Z")});
  step("2026-03-10T14:30:00Z");
  EXPECT_EQ(queue(), "M1 2026-03-02 03-10T15:30;M1 2026-03-03 03-10T15:30;");
}

TEST_F(ValidationTest, OrderToJudgeAgainSaysWhatIsWrongWithIt) {
  const MeterId m = install(north, "M1"), s = install(south, "S1");
  const auto order = [&](const std::vector<MeterId>& meters, const char* first, const char* last) {
    return validation->revalidate(north, meters, date(first), date(last));
  };
  EXPECT_EQ(order({}, "2026-03-02", "2026-03-04").value(), 3) << "of this utility only";
  EXPECT_EQ(validation->waiting(at("2026-03-04T05:00:00Z")).value(), 2)
      << "the last is over at 05:00Z of the 5th";
  EXPECT_EQ(validation->waiting(at("2026-03-05T05:00:00Z")).value(), 3);
  EXPECT_EQ(validation->waiting().value(), 3) << "today";
  EXPECT_EQ(work("2026-03-04T06:00:00Z"), "M1 2026-03-02;M1 2026-03-03;");
  EXPECT_EQ(order({s}, "2026-03-02", "2026-03-02").refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(order({m, -1}, "2026-03-02", "2026-03-02").refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(order({m}, "2026-03-03", "2026-03-02").refusal().field, "last");
  const auto many = order({m}, "1970-01-01", "2199-12-31");
  EXPECT_EQ(many.value(), 84'006);
  std::vector<MeterId> meters;
  for (int i = 0; i < 12; ++i) meters.push_back(meter(north, "X" + std::to_string(i)));
  const auto too_many = order(meters, "1970-01-01", "2199-12-31");
  ASSERT_FALSE(too_many.ok());
  EXPECT_EQ(too_many.refusal().kind, Refusal::Kind::Invalid);
  using namespace std::chrono;
  EXPECT_EQ(validation->revalidate(north, {m}, 2026y / 2 / 30, 2026y / 3 / 1).refusal().field, "first");
  EXPECT_EQ(validation->revalidate(north, {m}, 2026y / 2 / 1, 2226y / 3 / 1).refusal().field, "last");
  EXPECT_EQ(validation->facts({south, m, date("2026-03-02")}).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(validation->facts({north, m, 2026y / 2 / 30}).refusal().kind, Refusal::Kind::Invalid);
}

TEST_F(ValidationTest, FindingsAreListedByPageMeterCheckAndDayAndSharesCountMeters) {
  const MeterId a = install(north, "A"), b = install(north, "B"), s = install(south, "S");
  for (const MeterId id : {a, b, s}) {
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7, 8}});
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7, 8}, .key = "cmep:2"});
  }
  const auto found = [&](MeterId id, int check) {
    return finding(id, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", check, "2.5.256");
  };
  DayFinding second = found(a, 12);
  second.channel = channel(a, "cmep:2");  // two channels of a meter are one meter
  verdict(a, "2026-03-02").findings = {found(a, 12), second, found(a, 14)};
  verdict(b, "2026-03-03").findings = {found(b, 14)};
  verdict(s, "2026-03-02").findings = {found(s, 12)};
  work("2026-03-10T00:00:00Z");
  FindingQuery query;
  query.utility = north;
  query.page.size = 3;
  auto page = validation->findings(query).value();
  EXPECT_EQ(page.items.size(), 3U);
  ASSERT_NE(page.next_token, "");
  query.page.token = page.next_token;
  page = validation->findings(query).value();
  EXPECT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.next_token, "");
  const auto count = [&](std::optional<MeterId> m, std::optional<std::int16_t> check, const char* first,
                         const char* last) {
    FindingQuery one_of;
    one_of.utility = north;
    one_of.meter = m;
    one_of.check = check;
    if (first != nullptr) one_of.first = date(first);
    if (last != nullptr) one_of.last = date(last);
    return validation->findings(one_of).value().items.size();
  };
  EXPECT_EQ(count(a, {}, nullptr, nullptr), 3U);
  EXPECT_EQ(count({}, std::int16_t{14}, nullptr, nullptr), 2U);
  EXPECT_EQ(count({}, {}, "2026-03-03", nullptr), 1U);
  EXPECT_EQ(count({}, {}, nullptr, "2026-03-02"), 3U);
  EXPECT_EQ(count(s, {}, nullptr, nullptr), 0U) << "of another utility";
  query.page.token = "x";
  EXPECT_EQ(validation->findings(query).refusal().kind, Refusal::Kind::Invalid);

  std::string shares;
  const auto counted = validation->shares(at("2026-03-09T00:00:00Z"));
  for (const CheckShare& share : *counted) {
    shares += (share.utility == north ? "north " : "south ") + text(share.date) + " V" +
              std::to_string(share.check) + " " + std::to_string(share.hit) + "/" +
              std::to_string(share.judged) + ";";
  }
  EXPECT_EQ(
      shares,
      "north 2026-03-02 V12 1/2;north 2026-03-02 V14 1/2;north 2026-03-03 V14 1/2;south 2026-03-02 V12 1/1;");
  EXPECT_TRUE(validation->shares(at("2026-03-10T00:00:01Z")).value().empty());
  // Judged twice is counted once; not judged any more is counted no more.
  verdict(b, "2026-03-02").judged = false;
  ASSERT_TRUE(validation->revalidate(north, {}, date("2026-03-02"), date("2026-03-02")).ok());
  work("2026-03-11T00:00:00Z");
  const auto after = validation->shares(at("2026-03-11T00:00:00Z")).value();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after.front().judged, 1);
}

TEST_F(ValidationTest, SharesAreOfTheMetersThatWereJudgedByTheSameProfile) {
  const MeterId a = install(north, "A"), b = install(north, "B"), c = install(north, "C");
  for (const MeterId id : {a, b, c}) {
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7}});
    verdict(id, "2026-03-02").profile = id == c ? "strict 1" : "plain 1";
    verdict(id, "2026-03-02").findings = {
        finding(id, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", 12, "2.5.256")};
  }
  verdict(b, "2026-03-02").findings.clear();
  work("2026-03-10T00:00:00Z");
  const auto shares = [&](const char* since) {
    std::string out;
    const auto counted = validation->shares(at(since));
    for (const CheckShare& share : *counted) {
      out += text(share.date) + " V" + std::to_string(share.check) + " " + share.profile + " " +
             std::to_string(share.hit) + "/" + std::to_string(share.judged) + ";";
    }
    return out;
  };
  EXPECT_EQ(shares("2026-03-09T00:00:00Z"), "2026-03-02 V12 plain 1 1/2;2026-03-02 V12 strict 1 1/1;");
  // A meter goes over to the other profile. It still hits, so its finding is as it was first found, but
  // counts there.
  verdict(a, "2026-03-02").profile = "strict 1";
  ASSERT_TRUE(validation->revalidate(north, {a}, date("2026-03-02"), date("2026-03-02")).ok());
  work("2026-03-11T00:00:00Z");
  EXPECT_EQ(shares("2026-03-09T00:00:00Z"), "2026-03-02 V12 strict 1 2/2;");
  EXPECT_EQ(one("SELECT string_agg(p.profile || ' ' || c.meters, ', ' ORDER BY 1) FROM judged_count c JOIN"
                " judged_profile p USING (profile_id) WHERE date = '2026-03-02'"),
            "plain 1 1, strict 1 2");
  EXPECT_EQ(one("SELECT string_agg(p.profile, ', ' ORDER BY 1) FROM judged_day j JOIN judged_profile p USING"
                " (profile_id) WHERE days <> 0 AND meter_id = " +
                std::to_string(a)),
            "full 1234, strict 1")
      << "the days after are judged by another one";

  // Kept once, whoever finds it.
  const auto too_many = validation->shares(at("2026-03-09T00:00:00Z")).value();
  ASSERT_EQ(too_many.size(), 1U);
  EXPECT_EQ(validation->keep_suspects(too_many).value(), too_many);
  EXPECT_TRUE(validation->keep_suspects(too_many).value().empty());
  EXPECT_TRUE(validation->keep_suspects({}).value().empty());
  EXPECT_EQ(validation->suspects(north, {date("2026-03-02")}).value(), too_many);
  EXPECT_TRUE(validation->suspects(north, {date("2026-03-03")}).value().empty());
  EXPECT_TRUE(validation->suspects(south, {date("2026-03-02")}).value().empty());
}

// What a check floods is its findings, which are rows that one asks for. Nobody is told of them one by one.
TEST_F(ValidationTest, HoweverMuchIsFoundAChannelsDayIsOneChangeAJudgement) {
  const MeterId m = install(north, "M1", "Etc/UTC");
  send({.meter = m, .start = "2026-03-02T00:00:00Z", .values = same(96, 7)});
  step("2026-03-02T01:00:00Z");
  for (int check = 1; check <= 26; ++check) {
    for (int slot = 0; slot < 96; slot += 2) {
      DayFinding found = finding(m, "2026-03-02T00:00:00Z", "2026-03-02T00:15:00Z", check, "2.6.3");
      found.period.from += slot * found.length;
      found.period.to += slot * found.length;
      verdict(m, "2026-03-02").findings.push_back(found);
    }
  }
  own_changes();
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), std::to_string(26 * 48))
      << "none is lost";
  EXPECT_EQ(one("SELECT count(*) || ' ' || max(cardinality(slots)) FROM change WHERE kinds & 64 <> 0"),
            "1 144");
}

TEST_F(ValidationTest, FactsAsOfAMomentAreThoseThatAStepWouldHaveSeen) {
  const MeterId m = install(north, "M1", "Etc/UTC");
  const auto stored = [&](const char* when) {
    sql("UPDATE source SET stored_at = '" + std::string(when) + "' WHERE stored_at > '2026-06-01'");
  };
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {7, std::nullopt, 7}});
  send({.meter = m, .start = "2026-02-20T12:00:00Z", .values = {1}, .key = "old"});
  send_register(m, "2026-03-02T12:00:00Z", {5, 0}, "dial");
  send_event(m, "2026-03-02T13:00:00Z", "OUTAGE");
  stored("2026-03-04T00:00:00Z");
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {8, 9}, .rank = at("2026-03-05T00:00:00Z")});
  send({.meter = m, .start = "2026-02-25T12:00:00Z", .values = {2}, .key = "old"});
  send_register(m, "2026-03-02T15:00:00Z", {6, 0}, "dial");
  send_event(m, "2026-03-02T14:00:00Z", "RESTORATION");
  stored("2026-03-06T00:00:00Z");
  const auto told = [&](const char* when) {
    const MeterDayFacts facts = validation->facts({north, m, date("2026-03-02")}, at(when)).value();
    std::string out;
    for (const IntervalBlock& block : facts.intervals) {
      for (const std::int64_t value : block.mantissas)
        out += value == IntervalBlock::kMissing ? "- " : std::to_string(value) + " ";
    }
    out += "| ";
    for (const RegisterRow& row : facts.registers) out += row.value.to_string() + " ";
    out += "| ";
    for (const EventRow& event : facts.events) out += event.kind + " ";
    out += "|";
    for (const LastInterval& last : facts.last_intervals) out += " " + to_text(last.start).substr(5, 5);
    return out;
  };
  EXPECT_EQ(told("2026-03-03T00:00:00Z"), "| | |");
  EXPECT_EQ(told("2026-03-05T00:00:00Z"), "7 - 7 | 5 | OUTAGE | 02-20");
  EXPECT_EQ(told("2026-03-06T00:00:00Z"), "8 9 7 | 5 6 | OUTAGE RESTORATION | 02-25");
}

TEST_F(ValidationTest, WhatWasSaidOfADayIsToldAsItStoodThen) {
  const MeterId m = install(north, "M1", "Etc/UTC"), other = install(north, "M2", "Etc/UTC");
  for (const MeterId id : {m, other})
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7, std::nullopt, 7}});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", 14, "2.6.0"),
      finding(m, "2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z", 17, "2.5.258", 0)};
  // Of the day after, and reaching back into this one.
  verdict(m, "2026-03-03").findings = {
      finding(m, "2026-03-02T23:45:00Z", "2026-03-03T00:15:00Z", 14, "2.6.0"),
      finding(m, "2026-03-03T10:00:00Z", "2026-03-03T10:15:00Z", 12, "2.6.3")};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:15:00Z", {6})};
  verdict(other, "2026-03-02").findings = {
      finding(other, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", 12, "2.6.3")};
  work("2026-03-10T00:00:00Z");
  verdict(m, "2026-03-02") = {};
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-02"), date("2026-03-02")).ok());
  work("2026-03-12T00:00:00Z");
  const auto told = [&](const char* when) {
    const Period day{at("2026-03-02T00:00:00Z"), at("2026-03-03T00:00:00Z")};
    const DaySaid said = validation->said({north, m, date("2026-03-02")}, day, at(when)).value();
    std::string out;
    for (const FindingRow& row : said.findings)
      out += text(row.date).substr(5) + " V" + std::to_string(row.finding.check) + ";";
    for (const DaySaid::Made& made : said.estimates)
      out += to_text(made.estimate.first_start).substr(11, 5) + " " +
             std::to_string(made.estimate.mantissas.front()) + " " + made.estimate.inputs + " " +
             to_text(made.at).substr(0, 10);
    return out;
  };
  EXPECT_EQ(told("2026-03-09T23:59:59Z"), "");
  EXPECT_EQ(told("2026-03-10T00:00:00Z"),
            "03-02 V14;03-03 V14;03-02 V17;12:15 6 {\"from\": \"anchors\"} 2026-03-10");
  EXPECT_EQ(told("2026-03-12T00:00:00Z"), "03-03 V14;");
}

}  // namespace
}  // namespace ami::storage
