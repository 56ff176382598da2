// A gap that goes on over midnight is one gap: each day estimates its own part of it, and both come to the
// same whichever is estimated first, from what a day and 26 hours on either side show.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "meter_model/vee/estimation.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

using Values = std::vector<std::int64_t>;

const sys_days kMonday{std::chrono::year{2026} / 1 / 12};

// Monday to Sunday in Toronto, a value every quarter-hour unless told otherwise.
struct Week {
  explicit Week(std::chrono::seconds slot = 900s) : length(slot) {
    begin = civil_day(zone, kMonday).from;
    values.assign(static_cast<std::size_t>(days{7} / length), 500);
    marks.resize(values.size());
  }
  std::size_t slot(int day, std::size_t of_day) const {
    return static_cast<std::size_t>(day) * per_day() + of_day;
  }
  std::size_t per_day() const { return static_cast<std::size_t>(days{1} / length); }
  UtcInstant start(std::size_t slot) const { return begin + length * static_cast<std::int64_t>(slot); }
  void hole(std::size_t first, std::size_t count) {
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(first), count, kHole);
  }
  void read(std::size_t boundary, std::int64_t value) {
    registers.push_back({start(boundary), Decimal{value, 0}, {}});
  }
  // What the day's judge sees: 26 hours on either side.
  Estimation estimated(int day) const {
    const auto reach = static_cast<std::size_t>(26h / length);
    const std::size_t from = slot(day, 0) - std::min(slot(day, 0), reach),
                      to = std::min(slot(day + 1, 0) + reach, values.size());
    ChannelDay seen;
    seen.programme.ke = number("1");
    seen.programme.limit_per_hour = number("48000");
    seen.programme.register_resolution = number("1");
    seen.programme.register_modulus = number("100000000");
    seen.day = {start(from), start(to)};
    seen.first_start = start(from);
    seen.length = length;
    seen.exponent = exponent;
    seen.values = std::span(values).subspan(from, to - from);
    seen.marks = std::span(marks).subspan(from, to - from);
    std::vector<RegisterRead> near;
    for (const RegisterRead& read : registers) {
      if (read.at >= start(from) && read.at <= start(to)) near.push_back(read);
    }
    seen.registers = near;
    std::vector<DaySlots> slots;
    for (int other = 0; other < 7; ++other) {
      const std::size_t first = std::max(slot(other, 0), from), end = std::min(slot(other + 1, 0), to);
      if (first >= end) continue;
      const sys_days date = kMonday + days{other};
      const auto stated = exponents.find(other);
      slots.push_back({date,
                       day_class(date, {}),
                       {first - from, end - first},
                       stated == exponents.end() ? exponent : stated->second});
    }
    MeterDay meter;
    meter.as_of = start(values.size());
    meter.outages = outages;
    meter.interruptions = interruptions;
    Estimation made = estimate({.day = seen,
                                .meter = meter,
                                .zone = zone,
                                .date = kMonday + days{day},
                                .day_class = {},
                                .days = slots,
                                .like_days = like_days},
                               config);
    for (Estimate& one : made.estimates) one.slots.first += from;
    for (Unfilled& one : made.unfilled) one.slots.first += from;
    for (Finding& one : made.findings) one.slots.first += from;
    return made;
  }
  // By slot of the week, from the days' own parts.
  std::map<std::size_t, std::int64_t> together(int first_day, int last_day) const {
    std::map<std::size_t, std::int64_t> out;
    for (int day = first_day; day <= last_day; ++day) {
      for (const Estimate& one : estimated(day).estimates) {
        for (std::size_t i = 0; i < one.values.size(); ++i) {
          const std::size_t at = one.slots.first + i;
          EXPECT_TRUE(at >= slot(day, 0) && at < slot(day + 1, 0)) << "not of the day";
          EXPECT_TRUE(out.emplace(at, one.values[i]).second) << "twice";
        }
      }
    }
    return out;
  }
  void like(year_month_day date, std::int64_t each) {
    like_values.push_back(Values(per_day(), each));
    like_days.push_back({.date = date,
                         .day_class = day_class(date, {}),
                         .first_start = civil_day(zone, date).from,
                         .length = length,
                         .values = like_values.back(),
                         .marks = {}});
  }

  Zone zone = Zone::load("America/Toronto").value();
  VeeConfig config = default_vee_config();
  std::chrono::seconds length;
  UtcInstant begin{};
  std::int32_t exponent = 0;              // of all values
  std::map<int, std::int32_t> exponents;  // of days that are stated coarser than that
  Values values;
  std::vector<Marks> marks;
  std::vector<RegisterRead> registers;
  std::vector<Span> outages;
  std::vector<UtcInstant> interruptions;
  std::deque<Values> like_values;
  std::vector<LikeDay> like_days;
};

std::vector<std::int64_t> of(const std::map<std::size_t, std::int64_t>& made, std::size_t first,
                             std::size_t count) {
  std::vector<std::int64_t> out;
  for (std::size_t i = first; i < first + count; ++i) out.push_back(made.contains(i) ? made.at(i) : kHole);
  return out;
}

TEST(MidnightGap, ALineRunsThroughMidnight) {
  Week w;
  w.values[w.slot(2, 93)] = 1200;
  w.hole(w.slot(2, 94), 4);
  w.values[w.slot(3, 2)] = 1700;
  const auto today = w.estimated(2).estimates, tomorrow = w.estimated(3).estimates;
  ASSERT_EQ(today.size(), 1U);
  ASSERT_EQ(tomorrow.size(), 1U);
  EXPECT_EQ(today[0].method, Method::Linear);
  EXPECT_EQ(today[0].values, (Values{1300, 1400}));
  EXPECT_EQ(tomorrow[0].values, (Values{1500, 1600}));
  EXPECT_EQ(today[0].inputs, (std::vector<CitedInput>{{CitedInput::Kind::Anchor, w.start(w.slot(2, 93))},
                                                      {CitedInput::Kind::Anchor, w.start(w.slot(3, 2))}}));
  EXPECT_EQ(today[0].inputs, tomorrow[0].inputs);
  EXPECT_TRUE(w.estimated(1).estimates.empty());
  EXPECT_TRUE(w.estimated(4).estimates.empty());
}

TEST(MidnightGap, TwoHoursAreThoseOfTheWholeGap) {
  for (const std::size_t before : {1U, 4U, 7U}) {
    Week w;
    w.hole(w.slot(3, 0) - before, 8);
    EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - before, 8), Values(8, 500));
    w.hole(w.slot(3, 0) - before, 9);  // two hours and a quarter
    EXPECT_TRUE(w.together(2, 3).empty()) << before;
  }
}

TEST(MidnightGap, ADoubtfulEndPointOnTheOtherSideIsNoneForEither) {
  for (const bool left : {false, true}) {
    Week w;
    w.hole(w.slot(3, 0) - 2, 4);
    w.marks[left ? w.slot(3, 0) - 3 : w.slot(3, 2)] = Mark::Suspect;
    EXPECT_TRUE(w.together(2, 3).empty());
    w.marks.assign(w.marks.size(), {});
    w.outages = {{w.start(left ? w.slot(3, 0) - 3 : w.slot(3, 2)) + 1min,
                  w.start(left ? w.slot(3, 0) - 3 : w.slot(3, 2)) + 2min}};
    EXPECT_TRUE(w.together(2, 3).empty());
  }
}

TEST(MidnightGap, AGapThatEndsAtMidnightTakesItsEndPointFromTheOtherDay) {
  Week w;
  w.hole(w.slot(3, 0) - 1, 1);
  w.values[w.slot(3, 0)] = 700;
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 1, 1), (Values{600}));
  Week other;
  other.hole(other.slot(3, 0), 1);
  other.values[other.slot(3, 0) - 1] = 700;
  EXPECT_EQ(of(other.together(2, 3), other.slot(3, 0), 1), (Values{600}));
}

TEST(MidnightGap, AnOutageMustCoverAllOfIt) {
  Week w;
  w.hole(w.slot(3, 0) - 8, 16);
  w.outages = {{w.start(w.slot(3, 0) - 8), w.start(w.slot(3, 0))}};
  EXPECT_TRUE(w.together(2, 3).empty());
  w.outages = {{w.start(w.slot(3, 0) - 8), w.start(w.slot(3, 8))}};
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 8, 16), Values(16, 0));
}

TEST(MidnightGap, EachDayHasLikeDaysOfItsOwnClassAndNeverOneThatTheGapIsIn) {
  Week w;  // Friday to Saturday
  const auto january = [](unsigned day) { return std::chrono::year{2026} / 1 / std::chrono::day{day}; };
  w.hole(w.slot(5, 0) - 8, 16);
  w.like(january(9), 800);   // a Friday
  w.like(january(10), 300);  // a Saturday
  EXPECT_EQ(of(w.together(4, 5), w.slot(5, 0) - 8, 8), Values(8, 800));
  EXPECT_EQ(of(w.together(4, 5), w.slot(5, 0), 8), Values(8, 300));
  // Thursday to Friday: of Thursday itself what is there is nothing to learn from, it holds part of the gap.
  Week t;
  t.hole(t.slot(4, 0) - 8, 16);
  t.like(january(15), 900);
  t.like_values.back()[95] = kHole;
  t.like(january(14), 600);
  EXPECT_EQ(of(t.together(3, 4), t.slot(4, 0) - 8, 16), Values(16, 600));
}

TEST(MidnightGap, RegistersAroundItShareTheirEnergyOverBothDays) {
  Week w;
  w.hole(w.slot(3, 0) - 2, 4);
  w.values[w.slot(3, 0) - 3] = 0;
  w.values[w.slot(3, 2)] = 500;  // 100, 200, 300, 400
  w.read(w.slot(2, 48), 10'000);
  // From noon to noon there are 91 values of 500 and a zero.
  w.read(w.slot(3, 48), 10'000 + 91 * 500 + 2000);
  const auto today = w.estimated(2).estimates, tomorrow = w.estimated(3).estimates;
  ASSERT_EQ(today.size(), 1U);
  ASSERT_EQ(tomorrow.size(), 1U);
  EXPECT_EQ(today[0].values, (Values{200, 400}));  // 2000 as 1 : 2 : 3 : 4
  EXPECT_EQ(tomorrow[0].values, (Values{600, 800}));
  EXPECT_TRUE(today[0].register_scaled && tomorrow[0].register_scaled);
  EXPECT_EQ(today[0].inputs, tomorrow[0].inputs);
  // The other gaps between the two share it with them.
  w.hole(w.slot(2, 60), 1);  // 500 by its neighbours: 2500 as 5 : 1 : 2 : 3 : 4
  EXPECT_EQ(of(w.together(2, 3), w.slot(2, 60), 1), (Values{833}));
  const auto all = w.together(2, 3);
  std::int64_t sum = 0;
  for (const auto& [slot, value] : all) sum += value;
  EXPECT_EQ(all.size(), 5U);
  EXPECT_EQ(sum, 2500);
}

TEST(MidnightGap, AReadingAtMidnightGivesEachDayItsOwnEnergy) {
  Week w;
  w.hole(w.slot(3, 0) - 2, 4);
  w.read(w.slot(2, 0), 0);
  w.read(w.slot(3, 0), 94 * 500 + 300);
  w.read(w.slot(4, 0), 94 * 500 + 300 + 94 * 500 + 900);
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), (Values{150, 150, 450, 450}));
}

TEST(MidnightGap, NothingIsSharedAcrossAnExchangeOrBetweenDoubtfulReadings) {
  Week w;
  w.hole(w.slot(3, 0) - 2, 4);
  w.read(w.slot(2, 48), 10'000);
  w.read(w.slot(3, 48), 10'000 + 92 * 500 + 4000);
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), Values(4, 1000));
  w.interruptions = {w.start(w.slot(3, 10))};
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), Values(4, 500));
  w.interruptions.clear();
  w.registers[0].marks = Mark::Suspect;
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), Values(4, 500));
}

TEST(MidnightGap, RegistersThatContradictAreToldByTheDayOfTheLaterReading) {
  Week w;
  w.hole(w.slot(2, 60), 2);  // of the first day alone
  w.read(w.slot(2, 48), 10'000);
  w.read(w.slot(3, 48), 10'000 + 94 * 500 - 7);
  EXPECT_TRUE(w.estimated(2).findings.empty());
  const auto found = w.estimated(3).findings;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].check, Check::IntervalSum);
  EXPECT_EQ(found[0].from, w.start(w.slot(2, 48)));
  EXPECT_EQ(found[0].slots, (SlotRange{w.slot(2, 48), 96}));
  EXPECT_EQ(*figure(found[0].figures, "missing"), number("-7"));
  EXPECT_EQ(of(w.together(2, 3), w.slot(2, 60), 2), Values(2, 500));  // as the line has it
}

TEST(MidnightGap, OverThreeDaysItIsFilledByEachDayAlone) {
  Week w;
  w.hole(w.slot(2, 80), 16 + 96 + 8);  // to Friday, two in the morning
  w.like(std::chrono::year{2026} / 1 / 9, 700);
  EXPECT_EQ(of(w.together(2, 4), w.slot(2, 80), 120), Values(120, 700));
  // Registers of one day still give that day's energy, and those on either side of it nothing.
  w.read(w.slot(2, 0), 0);
  w.read(w.slot(3, 0), 80 * 500 + 1600);
  w.read(w.slot(4, 48), 80 * 500 + 1600 + 40 * 500 + 99'999);
  EXPECT_EQ(of(w.together(2, 2), w.slot(2, 80), 16), Values(16, 100));
  EXPECT_EQ(of(w.together(3, 4), w.slot(3, 0), 104), Values(104, 700));
}

TEST(MidnightGap, RegistersMoreThanTwoDaysApartScaleNothing) {
  Week w;
  w.hole(w.slot(3, 0) - 2, 4);
  w.read(w.slot(2, 0) - 1, 0);  // a quarter of an hour before the two days
  w.read(w.slot(4, 0), 1'000'000);
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), Values(4, 500));
  w.registers.clear();
  w.read(w.slot(2, 0), 0);  // and with them
  w.read(w.slot(4, 0), 188 * 500 + 4000);
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 2, 4), Values(4, 1000));
}

TEST(MidnightGap, SlotsLongerThanAnHourAreFilledByEachDayAlone) {
  Week w(2h);
  w.hole(w.slot(3, 0), 1);
  EXPECT_EQ(of(w.together(3, 3), w.slot(3, 0), 1), (Values{500}));  // two hours, its neighbours in view
  w.read(w.slot(2, 6), 0);
  w.read(w.slot(3, 6), 99'999);
  EXPECT_EQ(of(w.together(3, 3), w.slot(3, 0), 1), (Values{500}));
}

TEST(MidnightGap, IsRoundedAsTheFinerOfItsTwoDaysIsStated) {
  Week w;  // in tenths: 50.0 to 50.2 Wh
  w.exponent = -1;
  w.hole(w.slot(3, 0) - 1, 2);
  w.values[w.slot(3, 1)] = 502;  // 50.067 and 50.133
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 1, 2), (Values{501, 501}));
  w.exponents = {{2, 0}, {3, -1}};
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 1, 2), (Values{501, 501}));
  w.exponents = {{2, 0}, {3, 0}};  // whatever the days beside them say
  EXPECT_EQ(of(w.together(2, 3), w.slot(3, 0) - 1, 2), (Values{50, 50}));
  EXPECT_EQ(w.estimated(2).estimates.at(0).exponent, 0);
}

// Whatever holes there are: both days' parts are those of the closed form, and what registers give is exact.
TEST(MidnightGap, PropertyBothDaysComeToTheSame) {
  std::mt19937 random(20260112);
  int joined = 0, scaled = 0;
  for (int round = 0; round < 400; ++round) {
    Week w;
    for (auto& value : w.values) value = 200 + static_cast<std::int64_t>(random() % 800);
    std::int64_t lost = 0, dial = 1'000'000;
    const std::size_t before = 1 + random() % 5, count = before + 1 + random() % 6;
    const std::size_t first = w.slot(3, 0) - before;
    const bool with_registers = random() % 2 == 0;
    const std::size_t from = w.slot(2, 20 + random() % 60), to = w.slot(3, 20 + random() % 60);
    const std::size_t other = w.slot(random() % 2 == 0 ? 2 : 3, 12 + random() % 6);
    if (with_registers) {
      w.read(from, dial);
      for (std::size_t i = from; i < to; ++i) dial += w.values[i];
      w.read(to, dial);
    }
    for (std::size_t i = first; i < first + count; ++i) lost += w.values[i];
    if (other >= from) lost += w.values[other];
    w.hole(first, count);
    w.hole(other, 1);
    const auto made = w.together(2, 3);
    if (with_registers) {
      std::int64_t sum = 0;
      for (const std::int64_t value : of(made, first, count)) sum += value;
      if (other >= from) sum += made.at(other);
      ASSERT_EQ(sum, lost) << round;
      ++scaled;
      continue;
    }
    if (count > 8) {
      ASSERT_EQ(of(made, first, count), Values(count, kHole)) << round;
      continue;
    }
    const std::int64_t a = w.values[first - 1], b = w.values[first + count],
                       n = static_cast<std::int64_t>(count) + 1;
    for (std::int64_t k = 1; k < n; ++k) {
      const std::int64_t halves_up = (2 * (a * (n - k) + b * k) + n) / (2 * n);
      ASSERT_EQ(made.at(first + static_cast<std::size_t>(k) - 1), halves_up) << round;
    }
    ++joined;
  }
  EXPECT_GT(joined, 50);
  EXPECT_GT(scaled, 100);
}

}  // namespace
}  // namespace ami::vee
