// Days that rest on what comes after midnight are judged again when it comes.
#include "storage/postgres/validation.h"
#include "tests/storage/postgres/validation_scene.h"

namespace ami::storage {
namespace {

// Civil days of Toronto begin at 05:00Z in March.
class ValidationMidnightTest : public ValidationScene {
 protected:
  void missing(MeterId m, const char* day, const char* from, const char* to) {
    verdict(m, day).findings.push_back(finding(m, from, to, 7, "2.5.259"));
  }
  std::string late_value(MeterId m, const char* when, const char* now, std::int64_t value = 8) {
    send({.meter = m,
          .start = when,
          .values = {value},
          .rank = at("2026-03-09T00:00:00Z") + std::chrono::hours{files}});
    return work(now);
  }
};

TEST_F(ValidationMidnightTest, AValueBringsTheDayBeforeWhereThatHasAHoleOrAnEstimate) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(4 * 96, 7)});
  missing(m, "2026-03-03", "2026-03-03T12:00:00Z", "2026-03-03T12:15:00Z");
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-02T12:00:00Z", "2026-03-03T05:00:00Z", 14, "2.6.0")};
  work("2026-03-10T00:00:00Z");
  EXPECT_EQ(late_value(m, "2026-03-04T08:00:00Z", "2026-03-11T00:00:00Z"),
            "M1 2026-03-03;M1 2026-03-04;M1 2026-03-05;");
  // 26 hours before it begins the third, and an hour later it ends.
  EXPECT_EQ(late_value(m, "2026-03-05T06:45:00Z", "2026-03-11T00:00:00Z"),
            "M1 2026-03-03;M1 2026-03-05;M1 2026-03-06;");
  EXPECT_EQ(late_value(m, "2026-03-05T07:00:00Z", "2026-03-11T00:00:00Z"), "M1 2026-03-05;M1 2026-03-06;");
  // A finding of another kind does not.
  EXPECT_EQ(late_value(m, "2026-03-03T08:00:00Z", "2026-03-11T00:00:00Z"), "M1 2026-03-03;M1 2026-03-04;");

  verdict(m, "2026-03-03").findings.clear();
  verdict(m, "2026-03-03").estimates = {estimate(m, "2026-03-04T04:45:00Z", {1})};
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-03"), date("2026-03-03")).ok());
  work("2026-03-12T00:00:00Z");
  EXPECT_EQ(late_value(m, "2026-03-04T08:00:00Z", "2026-03-13T00:00:00Z", 9),
            "M1 2026-03-03;M1 2026-03-04;M1 2026-03-05;");
  verdict(m, "2026-03-03").estimates.clear();  // neither hole nor estimate any more
  ASSERT_TRUE(validation->revalidate(north, {m}, date("2026-03-03"), date("2026-03-03")).ok());
  work("2026-03-14T00:00:00Z");
  EXPECT_EQ(late_value(m, "2026-03-04T08:00:00Z", "2026-03-15T00:00:00Z", 10),
            "M1 2026-03-04;M1 2026-03-05;");
}

TEST_F(ValidationMidnightTest, AReadingBringsTheDayBeforeWhereThatHasAHole) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(4 * 96, 7)});
  missing(m, "2026-03-03", "2026-03-03T12:00:00Z", "2026-03-03T12:15:00Z");
  work("2026-03-10T00:00:00Z");
  send_register(m, "2026-03-04T11:00:00Z", {5, 0});
  EXPECT_EQ(work("2026-03-11T00:00:00Z"), "M1 2026-03-03;M1 2026-03-04;M1 2026-03-05;");
  send_register(m, "2026-03-05T11:00:00Z", {6, 0});
  EXPECT_EQ(work("2026-03-11T00:00:00Z"), "M1 2026-03-05;M1 2026-03-06;");
}

TEST_F(ValidationMidnightTest, ARunFromMidnightOnThatComesOrGoesBringsTheDayBefore) {
  for (const auto& [code, check] : {std::pair{"2.6.1", 20}, std::pair{"2.5.258", 21}}) {
    const MeterId m = install(north, std::string("M") + std::to_string(check));
    const std::string name = "M" + std::to_string(check);
    send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(3 * 96, 7)});
    work("2026-03-20T00:00:00Z");
    const auto again = [&](const char* day) {
      EXPECT_TRUE(validation->revalidate(north, {m}, date(day), date(day)).ok());
      return work("2026-03-20T00:00:00Z");
    };
    verdict(m, "2026-03-03").findings = {
        finding(m, "2026-03-03T05:00:00Z", "2026-03-03T08:00:00Z", check, code)};
    EXPECT_EQ(again("2026-03-03"), name + " 2026-03-03;" + name + " 2026-03-02;");
    EXPECT_EQ(again("2026-03-03"), name + " 2026-03-03;") << "the same again";
    verdict(m, "2026-03-03").findings.clear();
    EXPECT_EQ(again("2026-03-03"), name + " 2026-03-03;" + name + " 2026-03-02;");
    // Not one that begins later, nor one of a day before which nothing is stored.
    verdict(m, "2026-03-03").findings = {
        finding(m, "2026-03-03T05:15:00Z", "2026-03-03T08:00:00Z", check, code)};
    EXPECT_EQ(again("2026-03-03"), name + " 2026-03-03;");
    verdict(m, "2026-03-02").findings = {
        finding(m, "2026-03-02T05:00:00Z", "2026-03-02T08:00:00Z", check, code)};
    EXPECT_EQ(again("2026-03-02"), name + " 2026-03-02;");
    // Other codes are about the day alone.
    verdict(m, "2026-03-03").findings = {
        finding(m, "2026-03-03T05:00:00Z", "2026-03-03T08:00:00Z", 12, "2.6.3")};
    EXPECT_EQ(again("2026-03-03"), name + " 2026-03-03;");
  }
}

TEST_F(ValidationMidnightTest, BothDaysOfOneStepHaveSeenEachOther) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(2 * 96, 7)});
  verdict(m, "2026-03-02").findings = {
      finding(m, "2026-03-03T04:00:00Z", "2026-03-03T05:00:00Z", 21, "2.5.258")};
  verdict(m, "2026-03-03").findings = {
      finding(m, "2026-03-03T05:00:00Z", "2026-03-03T06:00:00Z", 21, "2.5.258")};
  EXPECT_EQ(work("2026-03-20T00:00:00Z"), "M1 2026-03-02;M1 2026-03-03;M1 2026-03-04;M1 2026-03-05;");
}

TEST_F(ValidationMidnightTest, AValueBringsTheDaysThatCountedItsDayAsEstimated) {
  const MeterId m = install(north, "M1");
  send({.meter = m, .start = "2026-03-02T05:00:00Z", .values = same(8 * 96, 7)});
  DayFinding prolonged;  // of the meter
  prolonged.period = {at("2026-03-06T05:00:00Z"), at("2026-03-07T05:00:00Z")};
  prolonged.check = 25;
  prolonged.quality = QualityCode{2, 8, 0};
  verdict(m, "2026-03-06").findings = {prolonged};
  work("2026-03-20T00:00:00Z");
  EXPECT_EQ(late_value(m, "2026-03-02T08:00:00Z", "2026-03-21T00:00:00Z"),
            "M1 2026-03-02;M1 2026-03-03;M1 2026-03-06;");
  EXPECT_EQ(late_value(m, "2026-03-07T08:00:00Z", "2026-03-21T00:00:00Z"), "M1 2026-03-07;M1 2026-03-08;");
}

}  // namespace
}  // namespace ami::storage
