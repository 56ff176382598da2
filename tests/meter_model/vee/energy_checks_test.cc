#include <gtest/gtest.h>

#include <random>

#include "meter_model/metrology/meter.h"
#include "meter_model/vee/exact.h"
#include "meter_model/vee/register_advance.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// 96 slots of 500 and 501 Wh: 48048 Wh. r = 1000 Wh, Ke = 1 Wh: |difference| < 1001 Wh.
std::string sum_codes(Case& c, const char* second) {
  c.registers = {{at("2026-01-15T05:00:00Z"), number("1000000"), {}},
                 {at("2026-01-16T05:00:00Z"), number(second), {}}};
  return c.codes(Check::IntervalSum);
}

TEST(IntervalSum, DerivedBoundIsResolutionPlusOnePulseAndMustNotBeReached) {
  Case c;
  EXPECT_EQ(sum_codes(c, "1047048"), "");       // 1000 below
  EXPECT_EQ(sum_codes(c, "1047047"), "2.6.0");  // 1001 below
  EXPECT_EQ(c.figure_of(Check::IntervalSum, "by"), "0");
  EXPECT_EQ(c.figure_of(Check::IntervalSum, "bound"), "1001");
  EXPECT_EQ(c.slots(Check::IntervalSum), (std::vector<SlotRange>{{0, 96}}));
  EXPECT_EQ(sum_codes(c, "1049048"), "");
  EXPECT_EQ(sum_codes(c, "1049049"), "2.6.0");
}

TEST(IntervalSum, IsRelaxedByConfigurationOnly) {
  Case c;
  c.config.sum_relaxed_by_percent = number("0.1");  // of 47000: 47 more
  EXPECT_EQ(sum_codes(c, "1047000"), "2.6.0");      // 1048 = 1001 + 47
  EXPECT_EQ(sum_codes(c, "1047001"), "");
}

TEST(IntervalSum, EachPairOfRegistersIsJudgedByItself) {
  Case c;
  c.registers = {{at("2026-01-15T05:00:00Z"), number("1000000"), {}},
                 {at("2026-01-15T17:00:00Z"), number("1024000"), {}},   // 24024 Wh
                 {at("2026-01-16T05:00:00Z"), number("1050000"), {}}};  // 24024 against 26000
  EXPECT_EQ(c.slots(Check::IntervalSum), (std::vector<SlotRange>{{48, 48}}));
}

TEST(IntervalSum, HolesOffGridReadingsAndExchangesAreNotJudged) {
  Case c;
  c.values[9] = kHole;
  EXPECT_EQ(sum_codes(c, "9000000"), "");
  EXPECT_EQ(c.verdict(Check::IntervalSum), "an interval between the register readings is missing");
  Case off;
  off.registers = {{at("2026-01-15T05:00:01Z"), number("0"), {}},
                   {at("2026-01-16T05:00:00Z"), number("900000"), {}}};
  EXPECT_EQ(off.verdict(Check::IntervalSum), "no two register readings at ends of intervals");
  Case exchanged;
  exchanged.interruptions = {at("2026-01-15T12:00:00Z")};
  EXPECT_EQ(sum_codes(exchanged, "1900000"), "");
  EXPECT_EQ(exchanged.verdict(Check::IntervalSum), "the energy between the register readings is not known");
  Case no_ke;
  no_ke.day.programme.ke.reset();
  EXPECT_EQ(no_ke.verdict(Check::IntervalSum), "the energy of a pulse (Ke) is not known");
}

TEST(IntervalSum, FollowsARegisterThatWraps) {
  Case c;
  c.registers = {{at("2026-01-15T05:00:00Z"), number("99970000"), {}},
                 {at("2026-01-16T05:00:00Z"), number("18000"), {}}};
  EXPECT_EQ(c.verdict(Check::IntervalSum), "PASSED");
}

// Metrology reference 3.2 knows no exception for what V17 doubts: the intervals do not add up to it either
// way.
TEST(IntervalSum, ComparesADropAndAnImpossibleRiseAsTheyStand) {
  Case c;
  EXPECT_EQ(sum_codes(c, "500000"), "2.6.0");  // half a megawatt-hour down; as a wrap it would be 99500 kWh
  EXPECT_EQ(c.figure_of(Check::IntervalSum, "register difference"), "-500000");
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");
  EXPECT_EQ(sum_codes(c, "9000000"), "2.6.0");  // 8000 kWh in a day of at most 1268
  EXPECT_EQ(c.figure_of(Check::IntervalSum, "register difference"), "8000000");
  c.day.programme.register_modulus.reset();  // nobody knows the dial: a drop all the same
  EXPECT_EQ(sum_codes(c, "500000"), "2.6.0");
}

TEST(IntervalSum, WhereTheDialMayHaveTurnedOverTwiceNothingIsSaid) {
  Case c;
  c.day.programme.register_modulus = number("1000000");  // 1267.2 kWh are possible in a day
  c.registers = {{at("2026-01-15T05:00:00Z"), number("100000"), {}},
                 {at("2026-01-16T05:00:00Z"), number("900000"), {}}};
  EXPECT_EQ(c.verdict(Check::IntervalSum), "the energy between the register readings is not known");
}

TEST(IntervalSum, ANetRegisterThatWasExchangedIsNotJudged) {
  Case c;
  c.day.programme.is_signed = true;
  EXPECT_EQ(sum_codes(c, "900000"), "2.6.0");
  c.interruptions = {at("2026-01-15T12:00:00Z")};
  EXPECT_EQ(sum_codes(c, "900000"), "");
}

TEST(IntervalSum, WithoutAStatedResolutionTheLastPlaceOfTheReadingsCounts) {
  Case c;
  c.day.programme.register_resolution.reset();
  c.registers = {{at("2026-01-15T05:00:00Z"), number("1000.0"), {}},
                 {at("2026-01-16T05:00:00Z"), number("49049.0"), {}}};
  EXPECT_EQ(c.verdict(Check::IntervalSum), "PASSED");  // 1.0 off, below 0.1 + 1
  c.registers[1].value = number("49049.1");
  EXPECT_EQ(c.codes(Check::IntervalSum), "2.6.0");
}

TEST(RegisterMonotone, ADropIsAWrapOnlyWherePowerAllowsIt) {
  Case c;
  c.registers = {{at("2026-01-15T05:00:00Z"), number("99998000"), {}},
                 {at("2026-01-15T06:00:00Z"), number("3000"), {}}};
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "");  // 5 kWh in an hour
  c.registers[1].value = number("99997000");        // backwards by 1 kWh: 99999 kWh otherwise
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");
  c.day.programme.limit_per_hour.reset();
  c.registers[1].value = number("3000");
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");  // nobody knows what is possible
}

TEST(RegisterMonotone, ExactBoundOfWhatIsPossible) {
  Case c;  // 48 kW x 1.1 x 1 h + one step of 1 kWh = 53.8 kWh
  c.registers = {{at("2026-01-15T05:00:00Z"), number("0"), {}},
                 {at("2026-01-15T06:00:00Z"), number("53800"), {}}};
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "");
  c.registers[1].value = number("53801");
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");
  EXPECT_EQ(c.figure_of(Check::RegisterMonotone, "by"), "1");
}

TEST(RegisterMonotone, ARiseAcrossAnExchangeIsNoSignOfAFaultWhateverItIs) {
  Case c;
  for (const char* second : {"1000000", "1000200", "99000000"}) {
    c.registers = {{at("2026-01-15T05:00:00Z"), number("1000000"), {}},
                   {at("2026-01-15T06:00:00Z"), number(second), {}}};
    c.interruptions = {at("2026-01-15T05:30:00Z")};
    EXPECT_EQ(c.codes(Check::RegisterMonotone), "") << second;
    // No energy either: nothing is compared with it.
    EXPECT_EQ(c.verdict(Check::IntervalSum), "the energy between the register readings is not known");
  }
  c.interruptions.clear();
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");  // 98000 kWh in an hour
}

TEST(RegisterMonotone, InterruptedWrapsAndNetRegisters) {
  Case c;
  c.registers = {{at("2026-01-15T05:00:00Z"), number("99998000"), {}},
                 {at("2026-01-15T06:00:00Z"), number("3000"), {}}};
  c.interruptions = {at("2026-01-15T05:30:00Z")};
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "2.5.258");
  c.interruptions = {at("2026-01-15T05:00:00Z")};  // not in between
  EXPECT_EQ(c.codes(Check::RegisterMonotone), "");
  c.day.programme.is_signed = true;
  EXPECT_EQ(c.verdict(Check::RegisterMonotone), "a net register may fall");
}

TEST(Exact, FloorMantissaGoesDownAndSaturates) {
  EXPECT_EQ(floor_mantissa(number("7"), 2, 0), 3);
  EXPECT_EQ(floor_mantissa(number("-7"), 2, 0), -4);
  EXPECT_EQ(floor_mantissa(number("7"), 2, -1), 35);
  EXPECT_EQ(floor_mantissa(number("39999"), 1, 4), 3);
  EXPECT_EQ(floor_mantissa(number("-1"), 1, 4), -1);
  EXPECT_EQ(floor_mantissa(number("0"), 3600, -18), 0);
  EXPECT_EQ(floor_mantissa({1, 18}, 3'600'000'000, -9), 277'777'777'777'777'777);
  EXPECT_EQ(floor_mantissa({1, 18}, 3600, -18), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(floor_mantissa({-1, 18}, 3600, -18), std::numeric_limits<std::int64_t>::min());
}

// The same rule, written twice for two layers: random pairs must be judged alike.
TEST(RegisterAdvance, JudgesAsTheReferenceMetersRegistersDo) {
  std::mt19937 random(20260115);
  for (int round = 0; round < 20'000; ++round) {
    const int digits = 4 + static_cast<int>(random() % 3), decimals = static_cast<int>(random() % 2);
    const metrology::RegisterFormat format{digits, decimals};
    const auto reading = [&] {
      return Decimal{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(format.modulus())),
                     -decimals};
    };
    const Decimal first = reading();
    Decimal second = reading();
    if (round % 2 == 0)
      second = {(first.mantissa + static_cast<std::int64_t>(random() % 300)) % format.modulus(), -decimals};
    const hours between{1 + static_cast<int>(random() % 400)};
    const std::int64_t pmax_w = 500 + static_cast<std::int64_t>(random() % 48'000);
    const bool interrupted = random() % 8 == 0;
    ChannelProgramme programme;
    programme.register_resolution = Decimal{1, -decimals};
    programme.register_modulus = Decimal{format.modulus(), -decimals};
    programme.limit_per_hour = Decimal{pmax_w, -3};
    const auto ours =
        advance(programme, {UtcInstant{}, first, {}}, {UtcInstant{between}, second, {}}, interrupted, {1, 0});
    const auto theirs =
        metrology::register_delta(format, {first, second, between, interrupted}, pmax_w).value();
    ASSERT_EQ(static_cast<int>(ours.verdict), static_cast<int>(theirs.verdict)) << round;
    ASSERT_EQ(ours.wrapped, theirs.wrapped) << round;
    if (ours.verdict == RegisterAdvance::Verdict::Accepted) {
      ASSERT_EQ(*ours.delta, theirs.kwh) << round;
    }
  }
}

// 15-min kWh 0.4 x n: block of one interval, W = 4 x Wh.
struct DemandCase : Case {
  explicit DemandCase(const char* maximum) : Case(96, 100) {
    for (auto& value : values) value = 100;
    values[40] = 900;  // 3600 W
    values[41] = 700;
    day.demand = DemandRead{number(maximum), number("10"), seconds{900}, seconds{900}, day.day};
  }
};

TEST(Demand, RegisterBelowTheIntervalsByMoreThanResolutionAndAPulse) {
  // One pulse of 1 Wh in 15 min is 4 W: 3600 - 10 - 4 = 3586 W.
  EXPECT_EQ(DemandCase("3586").codes(Check::Demand), "");
  EXPECT_EQ(DemandCase("3585.9").codes(Check::Demand), "2.6.0");
  EXPECT_EQ(DemandCase("3585.9").figure_of(Check::Demand, "by"), "0.1");
  EXPECT_EQ(DemandCase("3585.9").slots(Check::Demand), (std::vector<SlotRange>{{40, 1}}));
}

TEST(Demand, RegisterAbovePhysicalMaximum) {
  EXPECT_EQ(DemandCase("52800").codes(Check::Demand), "");
  EXPECT_EQ(DemandCase("52800.1").codes(Check::Demand), "2.6.0");
}

TEST(Demand, SlidingSeesWindowsThatABlockDoesNot) {
  DemandCase c("3200");
  c.values[39] = 100;
  c.values[42] = 100;
  c.day.demand->window = seconds{1800};
  c.day.demand->step = seconds{1800};  // blocks 40+41: 1600 Wh in half an hour, 3200 W
  EXPECT_EQ(c.codes(Check::Demand), "");
  std::swap(c.values[40], c.values[39]);
  std::swap(c.values[41], c.values[40]);  // 39 and 40: two blocks
  c.day.demand->maximum = number("2000");
  EXPECT_EQ(c.codes(Check::Demand), "");
  c.day.demand->step = seconds{900};
  EXPECT_EQ(c.codes(Check::Demand), "2.6.0");
}

// Half-hours of a meter in Kathmandu begin at a quarter past and a quarter to, by UTC.
TEST(Demand, WindowsLieAsTheMetersMidnightDoes) {
  DemandCase c("2100");
  for (auto& value : c.values) value = 100;
  c.values[39] = c.values[40] = 900;  // 14:45Z and 15:00Z: 3600 W together
  c.day.demand->window = c.day.demand->step = seconds{1800};
  EXPECT_EQ(c.codes(Check::Demand), "");
  c.day.programme.grid_phase = civil_phase(Zone::load("Asia/Kathmandu").value(), c.day.day.from, hours{24});
  EXPECT_EQ(c.day.programme.grid_phase, seconds{65'700});
  EXPECT_EQ(c.codes(Check::Demand), "2.6.0");
  EXPECT_EQ(c.codes(Check::IntervalSize), "");  // quarter-hours lie on both grids
}

TEST(Demand, OnlySoundWindowsSinceTheResetCount) {
  DemandCase c("1000");
  EXPECT_EQ(c.codes(Check::Demand), "2.6.0");
  c.day.demand->since_reset.from = c.day.end_of(41);
  EXPECT_EQ(c.codes(Check::Demand), "");
  DemandCase flagged("1000");
  flagged.mark(40, Mark::Long);
  flagged.mark(41, Mark::Partial);
  EXPECT_EQ(flagged.codes(Check::Demand), "");
  DemandCase odd("1000");
  odd.day.demand->window = seconds{1000};
  EXPECT_EQ(odd.verdict(Check::Demand), "demand window and interval do not fit each other");
}

// Whatever a reference meter reads, from whatever carry and register position, is consistent.
TEST(VeeProperty, ADayOfTheReferenceMeterRaisesNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    metrology::MeterProgram program;
    program.ke_wh = {static_cast<std::int64_t>(1 + random() % 72), -1};
    program.digits = 5;
    program.decimals = static_cast<int>(random() % 3);
    metrology::InitialState initial;
    initial.start = at("2026-01-15T05:00:00Z");
    initial.utc_offset = hours{-5};
    initial.delivered = metrology::Energy::watthours(static_cast<std::int64_t>(random() % 100'000'000));
    auto meter = metrology::ReferenceMeter::create(program, initial).value();
    Case c(0);
    const Decimal to_wh{1, 3};
    const auto read = [&] {
      const auto shown = Decimal::parse(meter.registers().delivered).value().times(to_wh).value();
      c.registers.push_back({meter.clock().now(), shown, {}});
    };
    read();
    for (int hour = 0; hour < 24; ++hour) {
      for (int quarter = 0; quarter < 4; ++quarter) {
        const auto power_nw = static_cast<std::int64_t>(1'500'000'000'000 + random() % 2'000 * 1'000'000'007);
        meter.run(metrology::Load::constant_nw(power_nw).value(), seconds{900});
      }
      if (random() % 3 == 0 || hour == 23) read();
    }
    c.day.exponent = -1;
    for (const auto& record : meter.intervals())
      c.values.push_back(static_cast<std::int64_t>(record.delivered_pulses) * program.ke_wh.mantissa);
    c.day.programme.ke = program.ke_wh;
    c.day.programme.register_resolution = Decimal{1, 3 - program.decimals};
    c.day.programme.register_modulus = Decimal{1, 8 - program.decimals};
    const auto& maximum = meter.demand().maximum;
    c.day.demand = DemandRead{
        {static_cast<std::int64_t>(maximum.kw * 1000), 0}, {1, 0}, seconds{900}, seconds{900}, c.day.day};
    const Report report = c.run(CheckSet::all(), Report::Detail::EveryJudgement);
    for (const Finding& finding : report.findings())
      ADD_FAILURE() << round << ' ' << info(finding.check).id << ' ' << finding.words;
    EXPECT_EQ(c.verdict(Check::IntervalSum), "PASSED");
    // One interval too many on one side is found: it is far above r + Ke for r = 10 Wh.
    if (program.decimals == 2) {
      c.values[50] += 500;
      EXPECT_EQ(c.run({Check::IntervalSum}).findings().size(), 1U);
    }
  }
}

}  // namespace
}  // namespace ami::vee
