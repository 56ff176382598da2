// What answers hold of our own word: codes of findings, that our validation ran, estimates; and what the
// change feed says of it.
#include <algorithm>
#include <random>

#include "storage/postgres/changes.h"
#include "storage/postgres/maintenance.h"
#include "storage/postgres/retention.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/validation_scene.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::seconds;

class LayersTest : public ValidationScene {
 protected:
  void again(MeterId m, const char* day, const char* now) {
    ASSERT_TRUE(validation->revalidate(north, {m}, date(day), date(day)).ok());
    work(now);
  }
};

TEST_F(LayersTest, FindingSplitsTheRunsOfQualityExactly) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(6, 7), .code = "1.4.2", .flag = "P"});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T05:15:00Z", "2026-03-02T05:45:00Z", 14, "2.6.0"),
      finding(m, "2026-03-02T05:30:00Z", "2026-03-02T06:00:00Z", 12, "2.5.256"),
      // Begin in the middle of a slot: the slot began before.
      finding(m, "2026-03-02T06:05:00Z", "2026-03-02T06:16:00Z", 3, "2.4.3"),
      // Of other intervals, and of registers: not these.
      finding(m, "2026-03-02T05:00:00Z", "2026-03-02T06:30:00Z", 1, "2.1.6", 300),
      finding(m, "2026-03-02T05:00:00Z", "2026-03-02T06:15:00Z", 17, "2.5.258", 0)};
  DayFinding of_meter = finding(m, "2026-03-02T05:00:00Z", "2026-03-02T06:30:00Z", 4, "2.1.7");
  of_meter.channel = 0;
  verdict(m, "2026-03-02").findings.push_back(of_meter);
  const char *from = "2026-03-02T00:00:00Z", *to = "2026-03-03T00:00:00Z";
  EXPECT_EQ(slots(m, from, to), "03-02T05:00 7[1.4.2|P]x6");
  work("2026-03-04T00:00:00Z");
  EXPECT_EQ(slots(m, from, to),
            "03-02T05:00 7[1.4.2 2.0.1|P] 7[1.4.2 2.0.1 2.6.0|P] 7[1.4.2 2.0.1 2.5.256 2.6.0|P]"
            " 7[1.4.2 2.0.1 2.5.256|P] 7[1.4.2 2.0.1|P] 7[1.4.2 2.0.1 2.4.3|P]");
  EXPECT_EQ(slots(m, from, to, Layer::Raw), "03-02T05:00 7[1.4.2|P]x6");
  EXPECT_EQ(slots(m, "2026-03-02T05:30:00Z", "2026-03-02T05:45:00Z"),
            "03-02T05:30 7[1.4.2 2.0.1 2.5.256 2.6.0|P]");
}

TEST_F(LayersTest, PagesOfOneProcessAgreeOnTheNumbersOfQualities) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(192, 7)});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z", 14, "2.6.0")};
  verdict(m, "2026-03-03").findings = {
      finding(m, "2026-03-03T05:00:00Z", "2026-03-04T05:00:00Z", 12, "2.5.256")};
  work("2026-03-10T00:00:00Z");
  std::map<QualityId, ValueQuality> known;
  std::string token;
  int pages = 0;
  do {
    const auto page = readers->intervals({{m, {}}}, {}, {1, token}).value();
    for (const auto& [id, quality] : page.dictionary.qualities)
      EXPECT_EQ(known.try_emplace(id, quality).first->second, quality) << id;
    token = page.next_token;
    ++pages;
  } while (!token.empty());
  EXPECT_GE(pages, 3);
  EXPECT_EQ(known.size(), 3U) << "none, and one for each finding";
}

TEST_F(LayersTest, OurCodesThatAnOldReleaseStoredInlineAreNoWordOfTheVendor) {
  const MeterId m = install(north, "M1");
  CommitUnit u = unit("old");
  const auto channel = add_channel(u, m);
  ValueQuality inline_codes;
  inline_codes.codes = {QualityCode{1, 4, 2}, QualityCode{2, 6, 0}};
  u.batch.qualities.push_back(inline_codes);
  add_run(u, {.channel = channel, .start = at("2026-03-02T05:00:00Z"), .values = {7}, .quality = 1});
  add_register(u, channel, at("2026-03-02T05:00:00Z"), {5, 0}, {}, 1);
  commit(u);
  EXPECT_EQ(slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"), "03-02T05:00 7[1.4.2 2.6.0]");
  EXPECT_EQ(slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", Layer::Raw), "03-02T05:00 7[1.4.2]");
  EXPECT_EQ(registers(m, Layer::Raw), "03-02T05:00 5[1.4.2];");
  const MeterDayFacts facts = validation->facts({north, m, date("2026-03-02")}).value();
  for (const auto& [id, quality] : facts.dictionary.qualities)
    EXPECT_EQ(std::ranges::count(quality.codes, QualityCode{2, 6, 0}), 0)
        << "a judgement does not rest on an older one";
}

TEST_F(LayersTest, ThatOurValidationRanIsSaidOnlyOfTheVersionThatWasJudged) {
  const MeterId m = install(north, "M1");
  const char *from = "2026-03-03T00:00:00Z", *to = "2026-03-04T00:00:00Z";
  send({.meter = m,
        .start = "2026-03-03T04:30:00Z",
        .values = {7, 7, 7, 7}});  // midnight of Toronto in the middle
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 7[]x4");
  work("2026-03-03T05:20:00Z");
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 7[2.0.1]x2 7[]x2") << "the 2nd is over, the 3rd is not";
  late = true;
  // The same row grows behind midnight: what was judged before it is so still, once the change was read.
  send({.meter = m, .start = "2026-03-03T05:30:00Z", .values = {7}});
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 7[]x5");
  EXPECT_EQ(step("2026-03-03T05:40:00Z").judged, 0U);
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 7[2.0.1]x2 7[]x3");
  work("2026-03-05T00:00:00Z");
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 7[2.0.1]x5");
  // A correction before midnight: nothing is said of that part until it was judged again.
  send({.meter = m, .start = "2026-03-03T04:30:00Z", .values = {8}, .rank = at("2026-03-04T00:00:00Z")});
  step("2026-03-05T01:00:00Z");
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 8[] 7[] 7[2.0.1]x3");
  work("2026-03-05T02:00:00Z");
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 8[2.0.1] 7[2.0.1]x4");
  // A hole was not validated, and a day whose profile is off neither.
  verdict(m, "2026-03-03").judged = false;
  again(m, "2026-03-03", "2026-03-06T00:00:00Z");
  EXPECT_EQ(slots(m, from, to), "03-03T04:30 8[2.0.1] 7[2.0.1] 7[]x3");
  EXPECT_EQ(own_changes(), "") << "to say that it ran changes no value";
}

TEST_F(LayersTest, UtcDayWithTwoMidnightsIsJudgedInBothItsParts) {
  const MeterId m = install(north, "M1", "Europe/London");
  send({.meter = m, .start = "2026-03-29T00:00:00Z", .values = same(96, 7)});
  work("2026-03-29T23:20:00Z");
  EXPECT_EQ(slots(m, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"), "03-29T00:00 7[2.0.1]x92 7[]x4");
  work("2026-03-31T00:00:00Z");
  EXPECT_EQ(slots(m, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"), "03-29T00:00 7[2.0.1]x96");
}

TEST_F(LayersTest, WithdrawalUnsaysAtOnceAndTheDaysAreJudgedOfWhatCountsThen) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {7, 7}});
  send({.meter = m, .start = "2026-03-02T12:15:00Z", .values = {9, 9}, .rank = at("2026-03-03T00:00:00Z")});
  work("2026-03-10T00:00:00Z");
  const char *from = "2026-03-02T00:00:00Z", *to = "2026-03-03T00:00:00Z";
  EXPECT_EQ(slots(m, from, to), "03-02T12:00 7[2.0.1] 9[2.0.1]x2");
  sql("INSERT INTO withdrawal (channel_id, source_id, cause) SELECT DISTINCT " + std::to_string(channel(m)) +
      ", source_id, 'x' FROM source WHERE rank_stamp > '2026-01-01'");
  EXPECT_EQ(slots(m, from, to), "03-02T12:00 7[]x2");
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "M1 2026-03-01;M1 2026-03-02;M1 2026-03-03;");
  const auto& judged = seen.at({m, date("2026-03-02")}).intervals;
  ASSERT_EQ(judged.size(), 1U);
  EXPECT_EQ(judged.front().mantissas, (std::vector<std::int64_t>{7, 7}))
      << "the judge saw what the readers answer";
  EXPECT_EQ(slots(m, from, to), "03-02T12:00 7[2.0.1]x2");
  sql("DELETE FROM withdrawal");
  EXPECT_EQ(slots(m, from, to), "03-02T12:00 7[] 9[]x2");
}

TEST_F(LayersTest, EstimateFillsHolesOfLayerBestOnlyWhateverItsExponent) {
  const MeterId m = install(north, "M1");
  const char *from = "2026-03-02T00:00:00Z", *to = "2026-03-04T00:00:00Z";
  send({.meter = m,
        .start = "2026-03-02T12:00:00Z",
        .values = {7, std::nullopt, std::nullopt, 8},
        .exponent = 2,
        .code = "1.4.2"});
  DayFinding missing = finding(m, "2026-03-02T12:15:00Z", "2026-03-02T12:45:00Z", 7, "2.5.259");
  verdict(m, "2026-03-02").findings = {missing};
  // One over what is stored, one of a day of which nothing is.
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:00:00Z", {1, 725, 775, 2}, -1)};
  verdict(m, "2026-03-03").estimates = {estimate(m, "2026-03-03T06:00:00Z", {5, 6})};
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(slots(m, from, to), "03-02T12:00 700[1.4.2 2.0.1] -[2.5.259]x2 800[1.4.2 2.0.1]");
  const std::string best =
      "03-02T12:00 700[1.4.2 2.0.1] 72.5[2.8.0]e 77.5[2.8.0]e 800[1.4.2 2.0.1]; 03-03T06:00 5[2.8.0]e "
      "6[2.8.0]e";
  EXPECT_EQ(slots(m, from, to, Layer::Best), best);
  EXPECT_EQ(slots(m, from, to, Layer::Best, {}, 1), best) << "page by page";
  EXPECT_EQ(slots(m, "2026-03-03T06:15:00Z", to, Layer::Best), "03-03T06:15 6[2.8.0]e");
  EXPECT_EQ(slots(m, from, to, Layer::Raw), "03-02T12:00 700[1.4.2] -[]x2 800[1.4.2]");
  const auto page = readers->intervals({{m, {at(from), at(to)}}}, {}, {}, {}, Layer::Best).value();
  ASSERT_EQ(page.dictionary.estimates.size(), 2U);
  const auto& [source, info] = *page.dictionary.estimates.rbegin();
  EXPECT_EQ(source, -info.id);
  EXPECT_EQ(info.algorithm, "test");
  EXPECT_EQ(info.method, "LINEAR");
  EXPECT_EQ(info.version, 3);
  EXPECT_EQ(info.inputs, R"({"from": "anchors"})");
  EXPECT_EQ(info.made_at, at("2026-03-10T00:00:00Z"));
  late = true;
  // A value that arrives wins at once; the estimate goes when the day is judged again.
  send({.meter = m, .start = "2026-03-02T12:15:00Z", .values = {9}, .exponent = 2});
  EXPECT_EQ(slots(m, "2026-03-02T12:15:00Z", "2026-03-02T12:45:00Z", Layer::Best),
            "03-02T12:15 900[2.5.259] 77.5[2.8.0]e");
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:30:00Z", {785}, -1)};
  verdict(m, "2026-03-02").findings = {};
  step("2026-03-11T00:00:00Z");
  work("2026-03-11T01:00:00Z");
  EXPECT_EQ(slots(m, "2026-03-02T12:15:00Z", "2026-03-02T12:45:00Z", Layer::Best),
            "03-02T12:15 900[2.0.1] 78.5[2.8.0]e");
  EXPECT_EQ(one("SELECT count(*) FROM estimate WHERE superseded_at = '2026-03-11T01:00:00Z'"), "1");
}

TEST_F(LayersTest, WithdrawalOfALaterTimeQueuesItsDaysThenAndNothingIsSaidToBeValidatedMeanwhile) {
  const MeterId m = install(north, "M1"), other = install(north, "M2");
  for (const MeterId id : {m, other}) send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7, 7}});
  work("2026-03-10T00:00:00Z");
  const auto day = [&](MeterId id) { return slots(id, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"); };
  EXPECT_EQ(day(m), "03-02T12:00 7[2.0.1]x2");
  sql("INSERT INTO withdrawal (channel_id, source_id, at, cause) SELECT " + std::to_string(channel(m)) +
      ", min(source_id), '2098-01-01', 'x' FROM source");
  EXPECT_EQ(day(m), "03-02T12:00 7[]x2") << "it counts, and will go when nobody looks";
  EXPECT_EQ(day(other), "03-02T12:00 7[2.0.1]x2");
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "") << "not yet";
  again(m, "2026-03-02", "2026-03-10T00:00:00Z");
  EXPECT_EQ(day(m), "03-02T12:00 7[]x2");
  EXPECT_EQ(work("2097-12-31T23:59:59Z"), "");
  EXPECT_EQ(work("2098-01-01T00:00:00Z"), "M1 2026-03-01;M1 2026-03-02;M1 2026-03-03;");
  EXPECT_EQ(work("2099-01-01T00:00:00Z"), "") << "once";
  // Put off to the past: due at once.
  sql("UPDATE withdrawal SET at = '2026-03-04'");
  EXPECT_EQ(day(m), "");
  EXPECT_EQ(work("2026-03-10T00:00:00Z"), "M1 2026-03-01;M1 2026-03-02;M1 2026-03-03;");
}

// Hours of India and Nepal begin at a half and a quarter of a UTC hour, so each is a row of its own.
TEST_F(LayersTest, HoursOffTheUtcGridAreSaidToBeValidatedOncePartOfTheUtcDayWasJudged) {
  struct Case {
    const char *key, *zone, *start;
  };
  for (const Case& c : {Case{"K", "Asia/Kolkata", "2026-03-01T18:30:00Z"},
                        Case{"N", "Asia/Kathmandu", "2026-03-01T18:15:00Z"}}) {
    const MeterId m = install(north, c.key, c.zone);
    send({.meter = m, .start = c.start, .values = same(48, 7), .length_s = 3600});
    const std::string end = to_text(at(c.start) + std::chrono::hours{48});
    const auto day = [&](int n) {
      const std::string from = to_text(at(c.start) + std::chrono::hours{24 * n}),
                        to = to_text(at(c.start) + std::chrono::hours{24 * n + 24});
      return slots(m, from.c_str(), to.c_str()).substr(12);
    };
    work("2026-03-02T20:00:00Z");
    EXPECT_EQ(day(0), "7[2.0.1]x24") << c.key;
    EXPECT_EQ(day(1), "7[]x24") << c.key << ": the day is not over";
    work("2026-03-10T00:00:00Z");
    EXPECT_EQ(day(1), "7[2.0.1]x24") << c.key;
    for (const std::size_t page : {std::size_t{1}, std::size_t{2}})
      EXPECT_EQ(slots(m, c.start, end.c_str(), Layer::Validated, {}, page).substr(12), "7[2.0.1]x48");
    EXPECT_EQ(slots(m, c.start, end.c_str(), Layer::Raw).substr(12), "7[]x48");
    // In one month, however many days: one row of few numbers.
    EXPECT_EQ(
        one("SELECT count(*) || ' ' || max(cardinality(runs)) FROM judged_version WHERE interval_s = -3600"
            " AND meter_id = " +
            std::to_string(m)),
        "1 9");

    // A correction in the first civil day unsays that part, and no other.
    late = true;
    const std::string corrected = to_text(at(c.start) + std::chrono::hours{3});
    send({.meter = m,
          .start = corrected.c_str(),
          .values = {9},
          .length_s = 3600,
          .rank = at("2026-03-05T00:00:00Z")});
    EXPECT_EQ(day(0), "7[]x3 9[] 7[]x2 7[2.0.1]x18") << c.key << ": six hours are of the UTC day before";
    EXPECT_EQ(day(1), "7[2.0.1]x24") << c.key;
    work("2026-03-11T00:00:00Z");
    work("2026-03-11T01:00:00Z");
    EXPECT_EQ(day(0), "7[2.0.1]x3 9[2.0.1] 7[2.0.1]x20") << c.key;
    late = false;
  }
}

TEST_F(LayersTest, AHourOnTheGridAndOneOffItAreJudgedEachByItself) {
  const MeterId m = install(north, "M1", "Etc/UTC");
  send({.meter = m, .start = "2026-03-02T10:00:00Z", .values = {7}, .length_s = 3600});
  send({.meter = m, .start = "2026-03-02T12:30:00Z", .values = {8}, .length_s = 3600});
  work("2026-03-10T00:00:00Z");
  const auto day = [&] { return slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"); };
  EXPECT_EQ(day(), "03-02T10:00 7[2.0.1]; 03-02T12:30 8[2.0.1]");
  late = true;
  send({.meter = m, .start = "2026-03-02T14:30:00Z", .values = {9}, .length_s = 3600});
  EXPECT_EQ(day(), "03-02T10:00 7[2.0.1]; 03-02T12:30 8[]; 03-02T14:30 9[]");
  verdict(m, "2026-03-02").judged = false;
  again(m, "2026-03-02", "2026-03-11T00:00:00Z");
  EXPECT_EQ(day(), "03-02T10:00 7[]; 03-02T12:30 8[]; 03-02T14:30 9[]") << "its feed is off";
}

TEST_F(LayersTest, EstimateOffTheGridStandsBesideOddIntervals) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T12:07:00Z", .values = {7}});
  send({.meter = m, .start = "2026-03-02T12:37:00Z", .values = {9}});
  DayFinding odd = finding(m, "2026-03-02T12:00:00Z", "2026-03-02T12:30:00Z", 9, "2.4.2");
  verdict(m, "2026-03-02").findings = {odd};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:07:00Z", {1, 8})};
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", Layer::Best),
            "03-02T12:07 7[2.0.1 2.4.2] 8[2.8.0]e 9[2.0.1]");
  EXPECT_EQ(own_changes(),
            "2 03-02T12:07 v0 kinds 4 slots - old 7e0[];2 03-02T12:22 v0 kinds 32 slots - old;");
}

TEST_F(LayersTest, RegisterCarriesTheCodesOfFindingsAboutIt) {
  const MeterId m = install(north, "M1");
  for (const char* when : {"2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z", "2026-03-04T05:00:00Z"})
    send_register(m, when, {5, 0});
  verdict(m, "2026-03-03").findings = {
      finding(m, "2026-03-03T05:00:00Z", "2026-03-03T05:00:00Z", 17, "2.5.258", 0),
      finding(m, "2026-03-02T05:00:00Z", "2026-03-04T05:00:00Z", 15, "2.6.9", 0)};
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(registers(m), "03-02T05:00 5[2.6.9];03-03T05:00 5[2.5.258];03-04T05:00 5[2.6.9];");
  EXPECT_EQ(registers(m, Layer::Raw), "03-02T05:00 5[];03-03T05:00 5[];03-04T05:00 5[];");
  const auto latest = readers->latest({m}, {}, LatestBy::DeviceTime).value();
  ASSERT_EQ(latest.rows.size(), 1U);
  EXPECT_EQ(latest.dictionary.qualities.at(latest.rows.front().quality).codes,
            (QualitySet{QualityCode{2, 6, 9}}));
  EXPECT_EQ(own_changes(),
            "3 03-02T05:00 v0 kinds 4 slots - old 5e0[];3 03-03T05:00 v0 kinds 4 slots - old 5e0[];"
            "3 03-04T05:00 v0 kinds 4 slots - old 5e0[];");
}

TEST_F(LayersTest, AnswerOfAnEarlierMomentHasWhatStoodThen) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T12:00:00Z", .values = {7, std::nullopt, 7}});
  send_register(m, "2026-03-02T12:00:00Z", {5, 0});
  sql("UPDATE source SET stored_at = '2026-03-03T00:00:00Z'");
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", 14, "2.6.0"),
      finding(m, "2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z", 17, "2.5.258", 0)};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:15:00Z", {6})};
  work("2026-03-10T00:00:00Z");
  verdict(m, "2026-03-02") = {};
  again(m, "2026-03-02", "2026-03-12T00:00:00Z");
  const auto then = [&](const char* when) {
    return slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", Layer::Best, at(when));
  };
  EXPECT_EQ(then("2026-03-09T23:59:59Z"), "03-02T12:00 7[] -[] 7[]");
  EXPECT_EQ(then("2026-03-10T00:00:00Z"), "03-02T12:00 7[2.6.0] 6[2.8.0]e 7[]") << "2.0.1 is of today only";
  EXPECT_EQ(then("2026-03-12T00:00:00Z"), "03-02T12:00 7[] -[] 7[]");
  EXPECT_EQ(
      slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", Layer::Validated, at("2026-03-11T00:00:00Z")),
      "03-02T12:00 7[2.6.0] -[] 7[]");
  EXPECT_EQ(slots(m, "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", Layer::Raw, at("2026-03-11T00:00:00Z")),
            "03-02T12:00 7[] -[] 7[]");
  EXPECT_EQ(registers(m, Layer::Validated, at("2026-03-11T00:00:00Z")), "03-02T12:00 5[2.5.258];");
  EXPECT_EQ(registers(m, Layer::Validated, at("2026-03-13T00:00:00Z")), "03-02T12:00 5[];");
  EXPECT_EQ(registers(m), "03-02T12:00 5[];");
}

TEST_F(LayersTest, ChangeFeedTellsOfCodesAndEstimatesAndHidesWhoseWordItIs) {
  const MeterId m = install(north, "M1");
  send({.meter = m,
        .start = "2026-03-02T12:00:00Z",
        .values = {7, 7, std::nullopt, std::nullopt, 8},
        .exponent = -1,
        .flag = "P"});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T12:15:00Z", "2026-03-02T12:45:00Z", 7, "2.5.259")};
  verdict(m, "2026-03-02").estimates = {estimate(m, "2026-03-02T12:45:00Z", {9, 9})};
  work("2026-03-10T00:00:00Z");
  // 12:00Z is slot 48. The hole at 12:30 has no value before; at 13:00 there is one, so nothing is told of an
  // estimate.
  EXPECT_EQ(own_changes(), "1 03-02 v1 kinds 36 slots 49,2,4,51,1,32 old 7e-1[] -[];");
  again(m, "2026-03-02", "2026-03-11T00:00:00Z");
  EXPECT_EQ(own_changes(), "") << "nothing new was said";
  verdict(m, "2026-03-02").findings.front().period.from = at("2026-03-02T12:30:00Z");
  verdict(m, "2026-03-02").estimates.front().mantissas = {10, 9};
  again(m, "2026-03-02", "2026-03-12T00:00:00Z");
  EXPECT_EQ(own_changes(), "1 03-02 v1 kinds 36 slots 49,1,4,51,1,32 old 7e-1[2.0.1 2.5.259];");
  // Two findings with one code: the code goes with the last of them.
  verdict(m, "2026-03-02")
      .findings.push_back(finding(m, "2026-03-02T12:30:00Z", "2026-03-02T13:15:00Z", 8, "2.5.259"));
  again(m, "2026-03-02", "2026-03-13T00:00:00Z");
  EXPECT_EQ(own_changes(), "1 03-02 v1 kinds 4 slots 51,2,4 old -[] 8e-1[2.0.1];");
  verdict(m, "2026-03-02").findings.erase(verdict(m, "2026-03-02").findings.begin());
  again(m, "2026-03-02", "2026-03-14T00:00:00Z");
  EXPECT_EQ(own_changes(), "");
  // A value that came meanwhile supersedes the estimate: that change is the value's own.
  send({.meter = m, .start = "2026-03-02T12:45:00Z", .values = {7}, .exponent = -1});
  verdict(m, "2026-03-02").estimates.clear();
  step("2026-03-15T00:00:00Z");
  work("2026-03-15T01:00:00Z");
  EXPECT_EQ(own_changes(), "");
  EXPECT_EQ(one("SELECT count(*) FROM estimate WHERE superseded_at IS NULL"), "0");

  Changes feed(*database);
  ChangeQuery query;
  query.utility = north;
  const ChangeCursor begin = feed.bounds(north).value().oldest;
  std::string kinds;
  const ChangePage all = feed.page(query, begin).value();
  for (const ChangeRow& row : all.rows) kinds += std::to_string(row.kinds) + " ";
  EXPECT_EQ(kinds, "1 36 36 4 1 ");
  query.kinds = 32;
  const ChangePage estimated = feed.page(query, begin).value();
  ASSERT_EQ(estimated.rows.size(), 2U);
  const auto& old = estimated.rows.back().old;
  ASSERT_EQ(old.size(), 3U);
  EXPECT_EQ(estimated.dictionary.qualities.at(static_cast<QualityId>(old[2])).codes,
            (QualitySet{QualityCode{2, 0, 1}, QualityCode{2, 5, 259}}));
  EXPECT_EQ(estimated.dictionary.qualities.at(static_cast<QualityId>(old[2])).vendor_flag, "P");
  query.kinds = 1;
  EXPECT_EQ(feed.page(query, begin).value().rows.size(), 2U);
  query.kinds = 64;
  EXPECT_EQ(feed.page(query, begin).value().rows.size(), 5U) << "it names no kind";
}

// Against a plain oracle: each slot by itself, from what was sent and what the verdicts said.
TEST_F(LayersTest, EveryAnswerIsWhatTheRawValuesAndTheVerdictsSayTogether) {
  std::mt19937_64 random(20260302);
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const char* const codes[] = {"2.6.0", "2.5.256", "2.5.259", "2.4.3"};
  for (int round = 0; round < 6; ++round) {
    const std::string key = "R" + std::to_string(round);
    const MeterId m = install(north, key, round % 2 == 0 ? "Asia/Kolkata" : "America/Toronto");
    const UtcInstant begin = at("2026-03-02T00:00:00Z");
    constexpr int kSlots = 4 * 96;
    std::vector<std::optional<std::int64_t>> values;
    for (int i = 0; i < kSlots; ++i)
      values.push_back(pick(4) == 0 ? std::nullopt : std::optional<std::int64_t>(pick(1000)));
    // A day's edges: what is not known there is left out of answers.
    for (std::size_t i = 0; i < values.size(); i += 96) values[i] = values[i + 95] = 1;
    send({.meter = m,
          .start = "2026-03-02T00:00:00Z",
          .values = values,
          .exponent = -pick(3),
          .code = "1.4.2",
          .flag = pick(2) == 0 ? "P" : ""});
    const auto slot_at = [&](int slot) { return begin + seconds{900} * slot; };
    for (const char* day :
         {"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"}) {
      DayVerdict& told = verdict(m, day);
      told.judged = pick(6) != 0;
      const Period civil = validation->facts({north, m, date(day)}).value().day;
      for (int n = pick(5); n > 0; --n) {
        DayFinding found =
            finding(m, "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", 1 + pick(26), codes[pick(4)]);
        const int first = pick(kSlots);
        found.period = {slot_at(first) + std::chrono::minutes{pick(15)},
                        slot_at(first + pick(120)) + std::chrono::minutes{15}};
        told.findings.push_back(found);
      }
      // Estimates of one day do not overlap.
      for (UtcInstant start = civil.from; start < civil.to;) {
        DayEstimate guess = estimate(m, "2026-03-02T00:00:00Z", {}, -pick(4));
        guess.first_start = start;
        for (int n = 1 + pick(30); n > 0 && start < civil.to; --n, start += seconds{900})
          guess.mantissas.push_back(5000 + pick(100));
        if (pick(2) == 0) told.estimates.push_back(guess);
      }
    }
    work("2026-03-20T00:00:00Z");

    std::map<UtcInstant, std::pair<std::string, QualitySet>> raw, expected[2];  // validated, best
    const auto read = [&](Layer layer, std::size_t page, auto& out) {
      std::string token;
      do {
        const auto found =
            readers->intervals({{m, {begin, slot_at(kSlots)}}}, {}, {page, token}, {}, layer).value();
        for (const IntervalBlock& block : found.blocks) {
          std::vector<QualityId> ids;
          for (const auto& run : block.qualities) ids.insert(ids.end(), run.count, run.quality);
          for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
            const auto& quality = found.dictionary.qualities.at(ids.at(i));
            out[block.first_start + static_cast<std::int64_t>(i) * block.length] = {
                block.mantissas[i] == IntervalBlock::kMissing
                    ? "-"
                    : Decimal{block.mantissas[i], block.exponent}.normalised().to_string() +
                          quality.vendor_flag,
                quality.codes};
          }
        }
        token = found.next_token;
      } while (!token.empty());
    };
    read(Layer::Raw, 100, raw);
    ASSERT_EQ(raw.size(), static_cast<std::size_t>(kSlots));
    for (const auto& [start, slot] : raw) {
      auto now = slot;
      std::optional<Decimal> guess;
      for (const char* day :
           {"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"}) {
        const DayVerdict& told = verdict(m, day);
        if (!told.judged || !seen.contains({m, date(day)})) continue;
        for (const DayFinding& found : told.findings) {
          if (found.period.contains(start)) add(now.second, found.quality);
        }
        for (const DayEstimate& one_of : told.estimates) {
          for (std::size_t i = 0; i < one_of.mantissas.size(); ++i) {
            if (one_of.first_start + static_cast<std::int64_t>(i) * one_of.length == start)
              guess = Decimal{one_of.mantissas[i], one_of.exponent};
          }
        }
        if (seen.at({m, date(day)}).day.contains(start) && now.first != "-")
          add(now.second, QualityCode{2, 0, 1});
      }
      expected[0][start] = now;
      if (now.first == "-" && guess) now = {guess->normalised().to_string(), {QualityCode{2, 8, 0}}};
      expected[1][start] = now;
    }
    for (const std::size_t page : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      std::map<UtcInstant, std::pair<std::string, QualitySet>> validated, best;
      read(Layer::Validated, page, validated);
      read(Layer::Best, page, best);
      EXPECT_EQ(validated, expected[0]) << "round " << round << ", pages of " << page;
      EXPECT_EQ(best, expected[1]) << "round " << round << ", pages of " << page;
    }
  }
}

TEST_F(LayersTest, ReaderOfAUtilitySeesNothingThatWasFoundInAnother) {
  make_logins(conninfo);
  Database gateway({.conninfo = as_user(conninfo, "t_ingest")});
  const MeterId n = install(north, "N1"), s = install(south, "S1");
  for (const MeterId id : {n, s}) {
    send({.meter = id, .start = "2026-03-02T12:00:00Z", .values = {7, std::nullopt, 7}});
    verdict(id, "2026-03-02").findings = {
        finding(id, "2026-03-02T12:00:00Z", "2026-03-02T12:15:00Z", 14, "2.6.0")};
    verdict(id, "2026-03-02").estimates = {estimate(id, "2026-03-02T12:15:00Z", {6})};
  }
  // As the gateway's role, with what it may do.
  Validation as_gateway(gateway);
  for (int steps = 0; steps < 20; ++steps) {
    const auto done = as_gateway.step(rules, at("2026-03-10T00:00:00Z"), judge);
    ASSERT_TRUE(done.ok()) << done.error().message;
    if (!done->more) break;
  }
  ASSERT_TRUE(as_gateway.revalidate(north, {}, date("2026-03-02"), date("2026-03-02")).ok());
  const auto as_reader = [&](const std::string& statements) {
    return run_sql(as_user(conninfo, "t_reader"), statements).cell;
  };
  for (const char* table : {"finding", "estimate", "judged_version"}) {
    EXPECT_EQ(as_reader(std::string("SELECT count(*) FROM ") + table), "0") << table;
    EXPECT_EQ(as_reader(std::string("SET ami.utilities = 'north'; SELECT count(*) FROM ") + table), "1")
        << table;
    EXPECT_EQ(as_reader(std::string("SET ami.utilities = '*'; SELECT count(*) FROM ") + table), "2") << table;
  }
  EXPECT_EQ(run_sql(as_user(conninfo, "t_reader"), "SELECT count(*) FROM validation_due").state, "42501");
  EXPECT_EQ(run_sql(as_user(conninfo, "t_ingest"), "DELETE FROM finding").state, "42501");
  EXPECT_EQ(run_sql(as_user(conninfo, "t_ingest"), "DELETE FROM estimate").state, "42501");
  Database pool({.conninfo = as_user(conninfo, "t_reader")});
  Database view(pool, {"north"});
  Readers reader(view);
  const auto page = reader.intervals({{n, {}}, {s, {}}}, {}, {}, {}, Layer::Best).value();
  ASSERT_EQ(page.blocks.size(), 1U);
  EXPECT_EQ(page.blocks.front().mantissas, (std::vector<std::int64_t>{7, 6, 7}));
  EXPECT_EQ(page.dictionary.estimates.size(), 1U);
  FindingQuery query;
  query.utility = south;
  EXPECT_TRUE(Validation(view).findings(query).value().items.empty());
  query.utility = north;
  EXPECT_EQ(Validation(view).findings(query).value().items.size(), 1U);
}

TEST_F(LayersTest, FindingsAboutReadingsGoWithTheMonthsOfRegisters) {
  make_logins(conninfo);
  Database gateway({.conninfo = as_user(conninfo, "t_ingest")});
  const MeterId m = install(north, "M1", {}, "2018-01-01T00:00:00Z");
  const auto tell = [&](const char* day, const char* noon, const char* later, const char* end_of_month) {
    send({.meter = m, .start = noon, .values = {7}});
    send_register(m, noon, {5, 0});
    DayFinding of_the_meter = finding(m, noon, later, 26, "2.4.6", 0);
    of_the_meter.channel = 0;
    verdict(m, day).findings = {finding(m, noon, later, 14, "2.6.0"),
                                finding(m, noon, noon, 17, "2.5.258", 0),
                                // of two readings; it goes with the later one
                                finding(m, end_of_month, later, 15, "2.6.9", 0), of_the_meter};
  };
  tell("2019-05-01", "2019-05-01T12:00:00Z", "2019-05-01T12:15:00Z", "2019-04-30T12:00:00Z");
  tell("2025-11-10", "2025-11-10T12:00:00Z", "2025-11-10T12:15:00Z", "2025-11-09T12:00:00Z");
  work("2025-12-10T00:00:00Z");
  const auto counts = [&] {
    return one(
        "SELECT (SELECT count(*) FROM finding) || ' ' || (SELECT count(*) FROM register_finding) || ' ' ||"
        " (SELECT count(*) FROM any_finding)");
  };
  EXPECT_EQ(counts(), "4 4 8");
  EXPECT_EQ(one("SELECT count(DISTINCT finding_id) FROM any_finding"), "8") << "one series of numbers";
  const auto run = [&](const std::map<std::string, int, std::less<>>& rules_of_north) {
    MaintenancePlan plan;
    plan.retention.of_utility["north"] = rules_of_north;
    const auto report = Maintenance(gateway).run(plan, at("2026-01-15T03:00:00Z"), [] { return true; });
    ASSERT_TRUE(report.ok()) << report.error().message;
    for (const auto& entry : (*report)->entries)
      EXPECT_NE(entry.outcome, MaintenanceEntry::Outcome::Failed) << entry.subject << ": " << entry.detail;
  };
  run({{"intervals", 60}});
  EXPECT_EQ(counts(), "2 4 6") << "registers are kept";
  run({{"registers", 60}});
  EXPECT_EQ(counts(), "2 2 4");
  EXPECT_EQ(
      one("SELECT string_agg(relation || ' ' || class || ' ' || rows || ' ' || month, ', ' ORDER BY relation)"
          " FROM retention_certificate WHERE relation LIKE '%finding'"),
      "finding intervals 2 2019-05-01, register_finding registers 2 2019-05-01");
}

TEST_F(LayersTest, FindingsEstimatesAndJudgedVersionsGoWithTheMonthsOfIntervalsUnlessTheyAreHeld) {
  make_logins(conninfo);
  Database gateway({.conninfo = as_user(conninfo, "t_ingest")});
  const MeterId held = install(north, "H", {}, "2018-01-01T00:00:00Z"),
                gone = install(north, "G", {}, "2018-01-01T00:00:00Z"),
                kept = install(south, "K", {}, "2018-01-01T00:00:00Z");
  for (const MeterId id : {held, gone, kept}) {
    for (const char* month : {"2019-05", "2025-11"}) {
      const std::string noon = std::string(month) + "-10T12:00:00Z",
                        later = std::string(month) + "-10T12:15:00Z";
      send({.meter = id, .start = noon.c_str(), .values = {7, std::nullopt, 7}});
      verdict(id, (std::string(month) + "-10").c_str()).findings = {
          finding(id, noon.c_str(), later.c_str(), 14, "2.6.0")};
      verdict(id, (std::string(month) + "-10").c_str()).estimates = {estimate(id, later.c_str(), {6})};
    }
  }
  work("2025-12-10T00:00:00Z");
  LegalHold hold;
  hold.utility = north;
  hold.meter = "H";
  hold.period = {at("2019-05-01T00:00:00Z"), at("2019-06-01T00:00:00Z")};
  hold.holder = "court";
  hold.reason = "dispute";
  hold.set_by = "counsel";
  ASSERT_TRUE(Retention(gateway).set_hold(hold).ok());
  MaintenancePlan plan;
  plan.retention.of_utility["north"] = {{"intervals", 60}};
  const auto run = [&] {
    const auto report = Maintenance(gateway).run(plan, at("2026-01-15T03:00:00Z"), [] { return true; });
    ASSERT_TRUE(report.ok()) << report.error().message;
    for (const auto& entry : (*report)->entries)
      EXPECT_NE(entry.outcome, MaintenanceEntry::Outcome::Failed) << entry.subject << ": " << entry.detail;
  };
  const auto counts = [&](const char* key) {
    return one(
        "SELECT (SELECT count(*) FROM finding WHERE meter_id = m.meter_id) || ' ' || (SELECT count(*) FROM"
        " estimate WHERE meter_id = m.meter_id) || ' ' || (SELECT count(*) FROM judged_version WHERE "
        "meter_id ="
        " m.meter_id) || ' ' || (SELECT count(*) FROM judged_day WHERE meter_id = m.meter_id) FROM meter m "
        "WHERE"
        " key = '" +
        std::string(key) + "'");
  };
  EXPECT_EQ(counts("G"), "2 2 2 2");
  run();
  EXPECT_EQ(counts("H"), "2 2 2 2");
  EXPECT_EQ(counts("K"), "2 2 2 2") << "another utility keeps its own for ever";
  EXPECT_EQ(counts("G"), "1 1 1 1");
  EXPECT_EQ(
      one("SELECT string_agg(relation || ' ' || rows, ', ' ORDER BY relation) FROM retention_certificate"),
      "estimate 1, finding 1, interval_day 1, judged_day 1, judged_version 1");
  ASSERT_TRUE(Retention(gateway).lift_hold(north, 1, "counsel", "settled").ok());
  run();
  EXPECT_EQ(counts("H"), "1 1 1 1");
}

}  // namespace
}  // namespace ami::storage
