// Days as people count them. Expected times follow from the zones' rules: Toronto is UTC-5, from the second
// Sunday of March 02:00 to the first of November 02:00 UTC-4; Newfoundland half an hour ahead of -4 and -3;
// India +5:30.
#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class CivilDays : public StoreContract {
 protected:
  Lines days() const { return pick("day", "day length"); }
  // One value a slot, 1, 2, 3, …
  Block day(const char* from, const char* to, int length_s) {
    Block run{.start = at(from), .values = {}, .length_s = length_s};
    const auto slots = (at(to) - at(from)) / std::chrono::seconds{length_s};
    for (std::int64_t i = 1; i <= slots; ++i) run.values.emplace_back(i);
    return run;
  }
};
AMI_ON_EVERY_STORE(CivilDays);

TEST_P(CivilDays, SpringDayOfTorontoHas92Slots) {
  const Block run = day("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 900);
  ASSERT_EQ(run.values.size(), 92U);
  put("a", run);
  const auto slots = pick("slot", "start value");
  ASSERT_EQ(slots.size(), 92U);
  EXPECT_EQ(slots[0], "2026-03-08T05:00:00Z 1");
  EXPECT_EQ(slots[8], "2026-03-08T07:00:00Z 9") << "03:00 EDT follows 01:45 EST without a gap";
  EXPECT_EQ(slots[75], "2026-03-08T23:45:00Z 76");
  EXPECT_EQ(slots[76], "2026-03-09T00:00:00Z 77");
  EXPECT_EQ(slots[91], "2026-03-09T03:45:00Z 92");
  EXPECT_EQ(days(), (Lines{"2026-03-08T00:00:00Z 900", "2026-03-09T00:00:00Z 900"}));
}

TEST_P(CivilDays, AutumnDayOfTorontoHas100SlotsAndBothOfItsOneOClocks) {
  const Block run = day("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 900);
  ASSERT_EQ(run.values.size(), 100U);
  put("a", run);
  const auto slots = pick("slot", "start value");
  ASSERT_EQ(slots.size(), 100U);
  EXPECT_EQ(slots[4], "2026-11-01T05:00:00Z 5") << "01:00 EDT";
  EXPECT_EQ(slots[8], "2026-11-01T06:00:00Z 9") << "01:00 EST";
  EXPECT_EQ(slots[99], "2026-11-02T04:45:00Z 100");
  EXPECT_EQ(pick("revision", "value"), Lines{}) << "the second 01:00 is no correction of the first";
}

TEST_P(CivilDays, RepeatedHourInRegistersAndEvents) {
  CommitUnit u = unit("a");
  add(u, Register{.at = at("2026-11-01T05:30:00Z"), .value = {100, 0}});
  add(u, Register{.at = at("2026-11-01T06:30:00Z"), .value = {101, 0}});
  add_event(u, kMeter, "2026-11-01T05:30:00Z", "OUTAGE", "X");
  add_event(u, kMeter, "2026-11-01T06:30:00Z", "OUTAGE", "X");
  commit(u);
  EXPECT_EQ(pick("register", "at mantissa"), (Lines{"2026-11-01T05:30:00Z 100", "2026-11-01T06:30:00Z 101"}));
  EXPECT_EQ(pick("event", "at"), (Lines{"2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"}));
}

TEST_P(CivilDays, HalfHourZoneOnTheQuarterHourGrid) {
  const Block spring = day("2026-03-08T03:30:00Z", "2026-03-09T02:30:00Z", 900),
              autumn = day("2026-11-01T02:30:00Z", "2026-11-02T03:30:00Z", 900);
  ASSERT_EQ(spring.values.size(), 92U);
  ASSERT_EQ(autumn.values.size(), 100U);
  put("spring", spring);
  put("autumn", autumn);
  EXPECT_EQ(pick("slot", "start").size(), 192U);
  EXPECT_EQ(pick("odd", "start"), Lines{});
}

TEST_P(CivilDays, HalfHourZoneWithHourlyValuesIsOffTheUtcGridAndKept) {
  const Block run = day("2026-01-14T18:30:00Z", "2026-01-15T18:30:00Z", 3600);  // 15 January in India
  put("a", run);
  EXPECT_EQ(days(), Lines{});
  ASSERT_EQ(pick("odd", "start").size(), 24U);
  const auto rows = pick("slot", "start value");
  ASSERT_EQ(rows.size(), 24U);
  EXPECT_EQ(rows[0], "2026-01-14T18:30:00Z 1");
  EXPECT_EQ(rows[23], "2026-01-15T17:30:00Z 24");
}

TEST_P(CivilDays, DailyValuesOfCivilDaysKeepTheirTrueLengths) {
  put("spring", day("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 82'800));
  put("ordinary", day("2026-03-09T04:00:00Z", "2026-03-10T04:00:00Z", 86'400));
  put("autumn", day("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 90'000));
  EXPECT_EQ(pick("odd", "start length"), (Lines{"2026-03-08T05:00:00Z 82800", "2026-03-09T04:00:00Z 86400",
                                                "2026-11-01T04:00:00Z 90000"}));
  EXPECT_EQ(days(), Lines{});
}

}  // namespace
}  // namespace ami::storage
