#include "meter_model/vee/estimation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "meter_model/vee/allocation.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::year_month_day;
using namespace std::chrono_literals;

using Values = std::vector<std::int64_t>;

constexpr year_month_day kThursday = std::chrono::year{2026} / 1 / 15;

struct Gap : Case {
  Gap() { day.programme.register_resolution = number("1"); }
  Estimation run() {
    day.values = values;
    day.marks = marks;
    day.registers = registers;
    meter.outages = outages;
    meter.test_modes = test_modes;
    meter.clock_sets = clock_sets;
    return estimate({.day = day,
                     .meter = meter,
                     .zone = zone,
                     .date = date,
                     .day_class = DayClass::Weekday,
                     .days = days,
                     .like_days = like_days,
                     .class_profile = profile,
                     .collection_ends = collection_ends},
                    config);
  }
  void hole(std::size_t first, std::size_t count) {
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(first), count, kHole);
  }
  LikeDay& like(year_month_day on, std::int64_t each) {
    like_values.push_back(std::make_unique<Values>(96, each));
    like_days.push_back({.date = on,
                         .day_class = DayClass::Weekday,
                         .first_start = civil_day(zone, on).from,
                         .values = *like_values.back(),
                         .marks = {}});
    return like_days.back();
  }
  void bracket(const char* difference) {
    registers = {{day.day.from, number("0"), {}}, {day.day.to, number(difference), {}}};
  }
  Zone zone = Zone::load("America/Toronto").value();
  year_month_day date = kThursday;
  std::vector<DaySlots> days;  // empty: all slots are of `date`
  std::vector<LikeDay> like_days;
  std::vector<std::unique_ptr<Values>> like_values;
  Values profile;
  UtcInstant collection_ends{};
};

TEST(Allocation, LargestRemainderTiesToTheEarliest) {
  EXPECT_EQ(allocate(10, Values{1, 1, 1}), (Values{4, 3, 3}));
  EXPECT_EQ(allocate(50, Values{1, 2, 3, 4}), (Values{5, 10, 15, 20}));  // 5.0 -> 0.5, 1, 1.5, 2
  EXPECT_EQ(allocate(2, Values{1, 1, 1}), (Values{1, 1, 0}));
  EXPECT_EQ(allocate(7, Values{0, 0}), (Values{4, 3}));
  EXPECT_EQ(allocate(7, Values{-5, 1}), (Values{0, 7}));
  EXPECT_EQ(allocate(0, Values{3, 4}), (Values{0, 0}));
  EXPECT_TRUE(allocate(5, Values{}).empty());
}

TEST(Allocation, AlwaysAddsUpEvenForTheLargestNumbers) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    Values weights(1 + random() % 40);
    for (auto& weight : weights) weight = static_cast<std::int64_t>(random() >> (1 + random() % 60));
    const auto total = static_cast<std::int64_t>(random() >> (1 + random() % 60));
    std::int64_t sum = 0;
    for (const std::int64_t part : allocate(total, weights)) {
      ASSERT_GE(part, 0);
      sum += part;
    }
    ASSERT_EQ(sum, total);
  }
}

// Reference vector: 1.20, ?, ?, ?, 2.00 -> 1.40, 1.60, 1.80.
TEST(Linear, StraightLineBetweenGoodNeighbours) {
  Gap g;
  g.day.exponent = -2;
  g.values[9] = 120;
  g.hole(10, 3);
  g.values[13] = 200;
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  const Estimate& estimate = made.estimates[0];
  EXPECT_EQ(estimate.method, Method::Linear);
  EXPECT_EQ(estimate.slots, (SlotRange{10, 3}));
  EXPECT_EQ(estimate.values, (Values{140, 160, 180}));
  EXPECT_EQ(estimate.exponent, -2);
  EXPECT_FALSE(estimate.register_scaled);
  EXPECT_EQ(estimate.inputs, (std::vector<CitedInput>{{CitedInput::Kind::Anchor, g.day.start_of(9)},
                                                      {CitedInput::Kind::Anchor, g.day.start_of(13)}}));
  EXPECT_TRUE(made.unfilled.empty());
}

TEST(Linear, EightQuarterHoursMayNineMayNot) {
  Gap g;
  g.hole(10, 8);
  ASSERT_EQ(g.run().estimates.size(), 1U);
  g.hole(10, 9);
  EXPECT_TRUE(g.run().estimates.empty());
  ASSERT_EQ(g.run().unfilled.size(), 1U);
  EXPECT_EQ(g.run().unfilled[0].slots, (SlotRange{10, 9}));
}

TEST(Linear, RoundsToTheNearestUnitHalvesUp) {
  Gap g;
  g.values[9] = 0;
  g.hole(10, 1);
  g.values[11] = 1;
  EXPECT_EQ(g.run().estimates[0].values, (Values{1}));
  g.values[11] = -1;
  EXPECT_EQ(g.run().estimates[0].values, (Values{0}));
}

TEST(Linear, APoorNeighbourIsNoAnchor) {
  for (const Mark mark :
       {Mark::PowerFail, Mark::TestMode, Mark::Partial, Mark::Long, Mark::Suspect, Mark::Estimated}) {
    Gap g;
    g.hole(10, 2);
    g.mark(12, mark);
    EXPECT_TRUE(g.run().estimates.empty());
  }
  Gap outage;
  outage.hole(10, 2);
  outage.outages = {{outage.day.start_of(9), outage.day.start_of(9) + 1min}};
  EXPECT_TRUE(outage.run().estimates.empty());
}

TEST(Linear, AtTheDaysEdgesThereIsNoEndPointWithoutTheNeighbouringDays) {
  Gap g;
  g.hole(0, 1);
  g.hole(95, 1);
  EXPECT_EQ(g.run().estimates.size(), 0U);
  EXPECT_EQ(g.run().unfilled.size(), 2U);
}

TEST(ZeroInOutage, OnlyWhereARecordCoversTheGap) {
  Gap g;
  g.hole(10, 2);
  g.outages = {{g.day.start_of(10), g.day.end_of(11)}};
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_EQ(made.estimates[0].method, Method::ZeroInOutage);
  EXPECT_EQ(made.estimates[0].values, (Values{0, 0}));
  EXPECT_EQ(made.estimates[0].inputs,
            (std::vector<CitedInput>{{CitedInput::Kind::Outage, g.day.start_of(10)}}));
  // Outages on both sides, but the gap itself is not covered: nothing says that it was zero.
  Gap beside;
  beside.hole(10, 2);
  beside.outages = {{beside.day.start_of(9), beside.day.end_of(9)},
                    {beside.day.start_of(12), beside.day.end_of(12)}};
  EXPECT_TRUE(beside.run().estimates.empty());
}

TEST(LikeDays, MeanOfTheFourLatestOfTheSameClass) {
  Gap g;
  g.hole(20, 12);
  for (const unsigned on : {14U, 13U, 12U, 9U, 8U})
    g.like(std::chrono::year{2026} / 1 / std::chrono::day{on}, 100 * on);
  g.like(std::chrono::year{2026} / 1 / 10, 99'999).day_class = DayClass::Weekend;
  g.like(std::chrono::year{2026} / 1 / 16, 99'999);  // later: an estimate must not change when it arrives
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_EQ(made.estimates[0].method, Method::LikeDays);
  EXPECT_EQ(made.estimates[0].values, Values(12, 1200));  // (14 + 13 + 12 + 9) x 100 / 4
  EXPECT_EQ(made.estimates[0].inputs.size(), 4U);
  EXPECT_EQ(made.estimates[0].inputs[3].at, at("2026-01-09T05:00:00Z"));
}

TEST(LikeDays, NeverDaysWithOutageEstimateTestModeOrTheGapItself) {
  Gap g;
  g.hole(20, 12);
  g.like(std::chrono::year{2026} / 1 / 14, 900).had_outage = true;
  std::vector<std::vector<Marks>> marks;
  for (const Mark mark : {Mark::Estimated, Mark::TestMode, Mark::PowerFail}) {
    marks.emplace_back(96).at(70) = mark;  // far from the gap
    g.like(std::chrono::year{2026} / 1 / 13, 900).marks = marks.back();
  }
  g.like(std::chrono::year{2026} / 1 / 12, 900);
  (*g.like_values.back())[25] = kHole;
  g.like(std::chrono::year{2026} / 1 / 7, 900);
  (*g.like_values.back())[90] = kHole;            // not wanted here, but an estimate stands there
  g.like(std::chrono::year{2025} / 12 / 1, 900);  // another season
  g.like(std::chrono::year{2026} / 1 / 9, 900).length = 1h;
  EXPECT_TRUE(g.run().estimates.empty());
  g.like(std::chrono::year{2026} / 1 / 8, 640);
  EXPECT_EQ(g.run().estimates.at(0).values, Values(12, 640));
}

TEST(ClassProfile, IsTheLastResortAndFlatNeedsRegisters) {
  Gap g;
  g.hole(20, 12);
  EXPECT_TRUE(g.run().estimates.empty());
  g.profile = Values(96, 77);
  EXPECT_EQ(g.run().estimates.at(0).method, Method::ClassProfile);
  g.profile.clear();
  g.bracket("48048");
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_EQ(made.estimates[0].method, Method::Flat);
  // 12 holes of 500 and 501 in turn: 6006 Wh to share: 500.5 each, the earliest get the odd ones.
  EXPECT_EQ(made.estimates[0].values, (Values{501, 501, 501, 501, 501, 501, 500, 500, 500, 500, 500, 500}));
}

TEST(RegisterScaled, TheSumIsExactAndTheShapeIsTheMethods) {
  Gap g;
  g.values[9] = 100;
  g.hole(10, 4);
  g.values[14] = 600;  // a line: 200, 300, 400, 500
  std::int64_t good = 0;
  for (const std::int64_t value : g.values) good += value == kHole ? 0 : value;
  g.bracket(std::to_string(good + 2800).c_str());
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_TRUE(made.estimates[0].register_scaled);
  EXPECT_EQ(made.estimates[0].method, Method::Linear);
  EXPECT_EQ(made.estimates[0].values, (Values{400, 600, 800, 1000}));
  ASSERT_EQ(made.estimates[0].inputs.size(), 4U);
  EXPECT_EQ(made.estimates[0].inputs[2], (CitedInput{CitedInput::Kind::Register, g.day.day.from}));
  EXPECT_EQ(made.estimates[0].inputs[3], (CitedInput{CitedInput::Kind::Register, g.day.day.to}));
}

TEST(RegisterScaled, SharesWholePulsesWhereThereAreWholePulses) {
  Gap g;
  for (auto& value : g.values) value = 6;
  g.day.exponent = -1;
  g.day.programme.ke = number("0.6");
  g.hole(10, 3);
  g.day.programme.register_resolution = number("0.1");
  g.bracket("61.8");  // 93 x 0.6 = 55.8: 6.0 Wh, ten pulses over 1,1,1
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_EQ(made.estimates[0].values, (Values{24, 18, 18}));  // 4, 3, 3 pulses
  g.bracket("61.9");                                          // no whole number of pulses: tenths of Wh
  EXPECT_EQ(g.run().estimates[0].values, (Values{21, 20, 20}));
}

TEST(RegisterScaled, LessThanNothingIsNotSharedButRaisesTheSumCheck) {
  Gap g;
  g.hole(10, 2);  // 47047 Wh are there
  g.bracket("47046");
  const Estimation made = g.run();
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].check, Check::IntervalSum);
  EXPECT_EQ(made.findings[0].quality, (QualityCode{2, 6, 0}));
  EXPECT_EQ(*figure(made.findings[0].figures, "missing"), number("-1"));
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_FALSE(made.estimates[0].register_scaled);
  g.bracket("47047");  // nothing left is a share of nothing
  EXPECT_EQ(g.run().estimates[0].values, (Values{0, 0}));
  EXPECT_TRUE(g.run().findings.empty());
}

TEST(RegisterScaled, OutageSlotsStayZero) {
  Gap g;
  g.hole(10, 2);
  g.hole(40, 2);
  g.outages = {{g.day.start_of(10), g.day.end_of(11)}};
  g.bracket("46546");  // 48048 - 4 x 500.5 = 46046 are there; 500 remain
  const Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 2U);
  EXPECT_EQ(made.estimates[0].values, (Values{0, 0}));
  EXPECT_EQ(made.estimates[1].values, (Values{250, 250}));
  // All that is missing lies in an outage, and yet the registers rose.
  Gap dark;
  dark.hole(10, 2);
  dark.outages = {{dark.day.start_of(10), dark.day.end_of(11)}};
  dark.bracket("47048");  // 1 Wh is within resolution and a pulse
  EXPECT_TRUE(dark.run().findings.empty());
  dark.bracket("47049");
  EXPECT_EQ(dark.run().findings.size(), 1U);
}

TEST(RegisterScaled, TwoGapsShareOnePairAndAReadingInsideAGapSplitsIt) {
  Gap g;
  g.hole(10, 2);
  g.hole(20, 2);
  g.bracket("48048");
  Estimation made = g.run();
  ASSERT_EQ(made.estimates.size(), 2U);
  std::int64_t sum = 0;
  for (const Estimate& estimate : made.estimates) sum += estimate.values[0] + estimate.values[1];
  EXPECT_EQ(sum, 2002);
  // Slots 0 … 10 hold 5005 + the hole 10; a reading at the end of slot 10.
  g.hole(20, 0);
  g.values[20] = 500, g.values[21] = 501;
  g.registers.insert(g.registers.begin() + 1, {g.day.end_of(10), number("5305"), {}});  // 5005 + 300
  made = g.run();
  ASSERT_EQ(made.estimates.size(), 2U);
  EXPECT_EQ(made.estimates[0].slots, (SlotRange{10, 1}));
  EXPECT_EQ(made.estimates[0].values, (Values{300}));
  EXPECT_EQ(made.estimates[1].values, (Values{701}));  // 48048 - 5305 less the 42042 behind it
}

TEST(RegisterScaled, NotAcrossAnExchangeOrWithASuspectReading) {
  Gap g;
  g.hole(10, 2);
  g.bracket("48900");
  g.registers[1].marks = Mark::Suspect;
  EXPECT_FALSE(g.run().estimates[0].register_scaled);
  g.registers[1].marks = {};
  EXPECT_TRUE(g.run().estimates[0].register_scaled);
  const std::vector<UtcInstant> exchange{at("2026-01-15T12:00:00Z")};
  g.meter.interruptions = exchange;
  EXPECT_FALSE(g.run().estimates[0].register_scaled);
}

TEST(Estimation, NeverInsideTheCollectionWindowAndNeverOfTheFuture) {
  Gap g;
  g.hole(10, 2);
  g.collection_ends = g.meter.as_of + 1s;
  ASSERT_TRUE(g.run().estimates.empty());
  EXPECT_EQ(g.run().unfilled.at(0).why, "the collection window is still open");
  g.collection_ends = g.meter.as_of;
  EXPECT_EQ(g.run().estimates.size(), 1U);
  g.meter.as_of = g.day.start_of(11);
  g.collection_ends = {};
  EXPECT_TRUE(g.run().estimates.empty() || g.run().estimates[0].slots.count == 1);
}

TEST(Estimation, RawValuesStayAndTheSameInputGivesTheSameAnswerInAnyOrderOfLikeDays) {
  Gap g;
  g.hole(20, 12);
  for (const unsigned on : {14U, 13U, 12U, 9U, 8U})
    g.like(std::chrono::year{2026} / 1 / std::chrono::day{on}, 100 * on);
  const Values raw = g.values;
  const Estimation first = g.run();
  std::ranges::reverse(g.like_days);
  const Estimation second = g.run();
  EXPECT_EQ(g.values, raw);
  ASSERT_EQ(first.estimates.size(), second.estimates.size());
  EXPECT_EQ(first.estimates[0].values, second.estimates[0].values);
  EXPECT_EQ(first.estimates[0].inputs, second.estimates[0].inputs);
  EXPECT_EQ(kEstimationVersion, 2);
}

TEST(LikeDays, AreRoundedToWhatTheDayIsStatedIn) {
  Gap g;
  g.hole(20, 12);
  g.day.exponent = 0;
  g.like(std::chrono::year{2026} / 1 / 14, 1005).exponent = -1;  // 100.5
  g.like(std::chrono::year{2026} / 1 / 13, 100);
  EXPECT_EQ(g.run().estimates.at(0).values, Values(12, 100));  // 100.25
  g.like(std::chrono::year{2026} / 1 / 12, 102);
  EXPECT_EQ(g.run().estimates.at(0).values, Values(12, 101));  // 100.833
  g.like_days.clear();
  g.like(std::chrono::year{2026} / 1 / 14, 4).exponent = 18;  // what 64 bits do not hold
  g.like(std::chrono::year{2026} / 1 / 13, 4'000'000'000'000'000'000);
  g.like(std::chrono::year{2026} / 1 / 12, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(g.run().estimates.at(0).values, Values(12, 6'611'686'018'427'387'904));  // the day of 4e18 apart
}

TEST(Estimation, DaysThatDoNotFitTheSlotsAreRefused) {
  Gap g;
  g.hole(10, 2);
  const std::vector<std::vector<DaySlots>> wrong{
      {{kThursday, {}, {0, 97}, 0}},
      {{kThursday, {}, {90, 7}, 0}},
      {{kThursday, {}, {97, 0}, 0}},
      {{kThursday, {}, {1, static_cast<std::size_t>(-1)}, 0}},
      {{kThursday, {}, {0, 50}, 0}, {std::chrono::year{2026} / 1 / 16, {}, {49, 10}, 0}},
      {{std::chrono::year{2026} / 1 / 16, {}, {0, 96}, 0}}};
  for (const auto& days : wrong) {
    g.days = days;
    const Estimation made = g.run();
    EXPECT_TRUE(made.estimates.empty());
    ASSERT_EQ(made.unfilled.size(), 1U);
    EXPECT_EQ(made.unfilled[0].slots, (SlotRange{0, 96}));
  }
  g.days = {{kThursday, {}, {0, 96}, 0}};
  EXPECT_EQ(g.run().estimates.size(), 1U);
  g.days = {{kThursday, {}, {20, 76}, 0}};  // the hole is none that the day owes
  EXPECT_TRUE(g.run().estimates.empty());
  EXPECT_TRUE(g.run().unfilled.empty());
}

TEST(Estimation, ContradictoryOrEmptyInput) {
  Gap g;
  g.hole(10, 2);
  g.marks.resize(5);
  EXPECT_EQ(g.run().unfilled.at(0).why, "the input contradicts itself");
  Gap empty;
  empty.values.clear();
  EXPECT_TRUE(empty.run().estimates.empty());
  EXPECT_TRUE(empty.run().unfilled.empty());
}

TEST(DayClass, HolidaysBeforeWeekends) {
  const std::vector<year_month_day> holidays{std::chrono::year{2026} / 7 / 1,
                                             std::chrono::year{2026} / 12 / 26};
  EXPECT_EQ(day_class(kThursday, holidays), DayClass::Weekday);
  EXPECT_EQ(day_class(std::chrono::year{2026} / 1 / 17, holidays), DayClass::Weekend);
  EXPECT_EQ(day_class(std::chrono::year{2026} / 7 / 1, holidays), DayClass::Holiday);
  EXPECT_EQ(day_class(std::chrono::year{2026} / 12 / 26, holidays), DayClass::Holiday);  // a Saturday
}

}  // namespace
}  // namespace ami::vee
