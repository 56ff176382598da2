#include "meter_model/metrology/meter.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

static_assert(sizeof(ReferenceMeter) < 1024, "a hundred thousand meters are simulated at once");

MeterProgram turns() {
  MeterProgram program;
  program.ke_wh = decimal("7.2");
  return program;
}

// Vectors T1 to T4.
TEST(ReferenceMeter, CountsTurnsAtUnityHalfAndLeadingPowerFactor) {
  const struct {
    double power_w;
    double wh;
    std::uint64_t pulses;
    double carry_wh;
  } cases[] = {{7200, 7200, 1000, 0},
               {3600, 3600, 500, 0},
               {6235.382907247958, 6235.382907247958, 866, 0.18290724796}};
  for (const auto& c : cases) {
    ReferenceMeter meter = metrology::meter(turns());
    meter.run(watts(c.power_w), 1h);
    EXPECT_NEAR(meter.metered().delivered.wh(), c.wh, 1e-9);
    EXPECT_EQ(meter.pulses(Direction::Delivered).pulses(), c.pulses);
    EXPECT_NEAR(meter.pulses(Direction::Delivered).carry().wh(), c.carry_wh, 1e-9);
    EXPECT_EQ(meter.pulses(Direction::Received).pulses(), 0U);
  }
}

TEST(ReferenceMeter, ReversedPowerIsReceivedAndNetIsNegative) {
  ReferenceMeter meter = metrology::meter(turns());
  meter.run(watts(-7200), 1h);
  EXPECT_EQ(meter.metered(), (EnergyPair{Energy{}, wh("7200")}));
  EXPECT_EQ(meter.net(), wh("-7200"));
  EXPECT_EQ(meter.pulses(Direction::Received).pulses(), 1000U);
  EXPECT_EQ(meter.registers().net, "-00007");
}

// Vector T12: 6 kW times 900 s / pi, which is 477.46 Wh, each way.
TEST(ReferenceMeter, ASineOverAnIntervalCountsBothWays) {
  ReferenceMeter meter = metrology::meter();
  meter.run(Load::sine(6000, 15min).value(), 15min);
  ASSERT_EQ(meter.intervals().size(), 1U);
  EXPECT_NEAR(meter.intervals()[0].energy.delivered.wh(), 477.464829275686, 1e-9);
  EXPECT_EQ(meter.intervals()[0].energy.delivered, meter.intervals()[0].energy.received);
  EXPECT_EQ(meter.net(), Energy{});
  EXPECT_EQ(meter.intervals()[0].delivered_pulses, 397U);
}

// Vector T17, with the power as a number of nanowatts.
TEST(ReferenceMeter, ThirdsOfAKilowattGiveThePrintedPulses) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(10'000.0 / 3), 2h);
  const std::uint32_t expected[] = {694, 694, 695, 694, 695, 694, 695, 694};
  ASSERT_EQ(meter.intervals().size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(meter.intervals()[i].delivered_pulses, expected[i]) << i;
  EXPECT_EQ(meter.pulses(Direction::Delivered).pulses(), 5555U);
  EXPECT_NEAR(meter.pulses(Direction::Delivered).carry().wh() / 1.2, 5.0 / 9, 1e-9);
}

// 3,333,333,333,333 nW for 31,536,000 s are 105,119,999,999,989,488,000 nJ; a pulse is 4,320,000,000,000 nJ.
TEST(ReferenceMeter, AYearHasNoDrift) {
  ReferenceMeter meter = metrology::meter();
  meter.run(Load::constant_nw(3'333'333'333'333).value(), std::chrono::days{365});
  ASSERT_EQ(meter.intervals().size(), 35'040U);
  const Int128 total = Int128{105'119'999'999'989'488} * 1000 * 1'000'000;
  EXPECT_TRUE(meter.metered().delivered == Energy::of(total));
  EXPECT_EQ(meter.pulses(Direction::Delivered).pulses(), 24'333'333U);
  EXPECT_TRUE(meter.pulses(Direction::Delivered).carry() ==
              Energy::of(total - Int128{24'333'333} * 4'320'000'000'000 * 1'000'000));
  std::uint64_t pulses = 0;
  Energy energy;
  for (const IntervalRecord& record : meter.intervals()) {
    pulses += record.delivered_pulses;
    energy += record.energy.delivered;
    ASSERT_TRUE(record.flags.none());
  }
  EXPECT_EQ(pulses, 24'333'333U);
  EXPECT_TRUE(energy == Energy::of(total));
}

// Vectors T19, T20, T25 from the other side: what the registers show while the energy flows.
TEST(ReferenceMeter, RegistersRollOver) {
  InitialState initial = new_year();
  initial.delivered = wh("99998000");
  initial.received = wh("10000");
  ReferenceMeter meter = metrology::meter({}, initial);
  EXPECT_EQ(meter.registers().delivered, "99998");
  EXPECT_EQ(meter.registers().net, "99988");
  meter.run(watts(5000), 1h);
  meter.run(watts(-4000), 1h);
  EXPECT_EQ(meter.registers().delivered, "00003");
  EXPECT_EQ(meter.registers().received, "00014");
  EXPECT_EQ(meter.totals().delivered, wh("100003000"));
  EXPECT_EQ(meter.metered(), (EnergyPair{wh("5000"), wh("4000")}));

  initial.delivered = wh("99999800");
  MeterProgram program;
  program.digits = 6;
  program.decimals = 1;
  ReferenceMeter tenths = metrology::meter(program, initial);
  EXPECT_EQ(tenths.registers().delivered, "99999.8");
  tenths.run(watts(600), 1h);
  EXPECT_EQ(tenths.registers().delivered, "00000.4");
}

TEST(ReferenceMeter, TheTestLedCountsTestModeTheRegistersDoNot) {
  ReferenceMeter meter = metrology::meter();  // Kt is Kh, 7.2 Wh
  meter.test_mode(true);
  meter.run(watts(7200), 1h);
  EXPECT_EQ(meter.led_pulses(Direction::Delivered), 1000U);
  EXPECT_EQ(meter.metered(), EnergyPair{});
  EXPECT_EQ(meter.test_energy().delivered, wh("7200"));
  meter.test_mode(false);
  meter.run(watts(-7200), 1h);
  EXPECT_EQ(meter.led_pulses(Direction::Delivered), 1000U);
  EXPECT_EQ(meter.led_pulses(Direction::Received), 1000U);
  MeterProgram program;
  program.kt_wh = decimal("0.5");
  ReferenceMeter fine = metrology::meter(program);
  fine.run(watts(7200), 1h);
  EXPECT_EQ(fine.led_pulses(Direction::Delivered), 14'400U);
}

TEST(ReferenceMeter, BelowTheStartingPowerNothingCounts) {
  MeterProgram program;
  program.starting_power_w = 24;  // 0.1 A at 240 V
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(23.999), 1h);
  meter.run(watts(-23.999), 1h);
  EXPECT_EQ(meter.metered(), EnergyPair{});
  meter.run(watts(24), 1h);
  EXPECT_EQ(meter.metered().delivered, wh("24"));
}

TEST(ReferenceMeter, ACursorCarriesASegmentOverAnEvent) {
  const Load ramp = Load::ramp(0, 6000, 15min).value();
  ReferenceMeter whole = metrology::meter();
  whole.run(ramp, 15min);
  ReferenceMeter cut = metrology::meter();
  LoadCursor cursor = cut.cursor_of(ramp);
  cut.run(cursor, 7min);
  ASSERT_TRUE(cut.demand_reset());
  cut.run(cursor, 8min);
  EXPECT_EQ(cut.metered(), whole.metered());
  EXPECT_EQ(cut.metered().delivered, wh("750"));
}

TEST(ReferenceMeter, NoTimeOrNegativeTimeDoesNothing) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(5000), 0us);
  meter.run(watts(5000), -1h);
  meter.outage(0us);
  meter.outage(-1h);
  EXPECT_EQ(meter.clock().now(), at("2026-01-01T00:00:00Z"));
  meter.run(watts(5000), 15min);
  ASSERT_EQ(meter.intervals().size(), 1U);
  EXPECT_TRUE(meter.intervals()[0].flags.none());
}

// One random life of a meter: loads, outages, clock sets, tiers, test mode, resets.
struct Life {
  explicit Life(std::uint64_t seed) : random(seed) {}

  Load load() {
    const double a = static_cast<double>(random() % 60'000'000) / 1000 - 30'000;
    const double b = static_cast<double>(random() % 60'000'000) / 1000 - 30'000;
    const std::chrono::microseconds span{random() % 3'000'000'000 + 1'000'000};
    switch (random() % 4) {
      case 0:
        return Load::ramp(a, b, span).value();
      case 1:
        return Load::sine(a, span).value();
      default:
        return watts(a);
    }
  }
  std::chrono::microseconds time() { return std::chrono::microseconds{random() % 4'000'000'000}; }
  void disturb(ReferenceMeter& meter) {
    switch (random() % 12) {
      case 0:
        meter.outage(time());
        break;
      case 1:
        ASSERT_TRUE(meter.set_clock(time() - 2'000'000'000us));
        break;
      case 2:
        ASSERT_TRUE(meter.select_tier(static_cast<char>('A' + random() % 4)));
        break;
      case 3:
        meter.test_mode(random() % 2 == 0);
        break;
      case 4:
        ASSERT_TRUE(meter.demand_reset());
        break;
      default:
        break;
    }
  }

  std::mt19937_64 random;
};

TEST(ReferenceMeter, EnergyAndPulsesAreAdditiveOverAnySplitOfTime) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Life life(seed);
    ReferenceMeter whole = metrology::meter();
    ReferenceMeter split = metrology::meter();
    for (int i = 0; i < 20; ++i) {
      const Load load = life.load();
      auto left = life.time();
      whole.run(load, left);
      LoadCursor cursor = split.cursor_of(load);
      while (left > 0us) {
        const auto step = std::min(left, life.time() / 7 + 1us);
        split.run(cursor, step);
        left -= step;
      }
    }
    ASSERT_EQ(split.metered(), whole.metered()) << seed;
    ASSERT_EQ(split.intervals().size(), whole.intervals().size()) << seed;
    for (std::size_t i = 0; i < whole.intervals().size(); ++i) {
      ASSERT_EQ(split.intervals()[i].energy, whole.intervals()[i].energy) << seed << " " << i;
      ASSERT_EQ(split.intervals()[i].delivered_pulses, whole.intervals()[i].delivered_pulses) << seed;
      ASSERT_EQ(split.intervals()[i].received_pulses, whole.intervals()[i].received_pulses) << seed;
    }
    ASSERT_EQ(split.demand().maximum.kw, whole.demand().maximum.kw) << seed;
    ASSERT_EQ(split.demand().maximum.at, whole.demand().maximum.at) << seed;
  }
}

TEST(ReferenceMeter, NetIsAlwaysDeliveredLessReceivedAndNeitherEverFalls) {
  Life life(99);
  ReferenceMeter meter = metrology::meter();
  EnergyPair before;
  for (int i = 0; i < 2000; ++i) {
    life.disturb(meter);
    meter.run(life.load(), life.time());
    const EnergyPair now = meter.totals();
    ASSERT_EQ(meter.net(), now.delivered - now.received);
    ASSERT_GE(now.delivered, before.delivered);
    ASSERT_GE(now.received, before.received);
    before = now;
  }
}

// Check V14 of metrology reference 3.2: |M sum(E) - M (R2 - R1)| < M (r + Ke), where E is what the recorder
// says (pulses times Ke) and R what the registers show.
TEST(ReferenceMeter, IntervalsSumToTheRegisterDeltaWithinTheDerivedBound) {
  constexpr int kMultiplier = 40;
  const char* const kes[] = {"0.6", "1.2", "7.2", "1.8", "12"};
  double closest = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Life life(seed);
    MeterProgram program;
    program.ke_wh = decimal(kes[seed % 5]);
    program.digits = 9;
    program.decimals = static_cast<std::int32_t>(seed % 4);
    InitialState initial = new_year();
    initial.delivered = Energy::of(static_cast<Int128>(life.random()) * 12345);
    ReferenceMeter meter = metrology::meter(program, initial);
    meter.run(life.load(), life.time());
    const auto to_an_end = [&] {  // readings are taken at interval ends
      const auto past = meter.clock().reading().time_since_epoch() % std::chrono::microseconds{15min};
      meter.run(life.load(), std::chrono::microseconds{15min} - past);
    };
    to_an_end();
    meter.take_intervals();
    const std::int64_t r1 = program.format().steps(decimal(meter.registers().delivered)).value();
    for (int i = 0; i < 30; ++i) {
      life.disturb(meter);
      meter.run(life.load(), life.time());
    }
    to_an_end();
    const std::int64_t r2 = program.format().steps(decimal(meter.registers().delivered)).value();
    Int128 recorded = 0;
    const Int128 ke = Energy::from_wh(program.ke_wh).value().units();
    for (const IntervalRecord& record : meter.intervals()) {
      ASSERT_FALSE(record.flags.has(Flag::Overflow));
      recorded += ke * record.delivered_pulses;
    }
    const Int128 r = program.format().resolution().units();
    const Int128 difference = kMultiplier * (recorded - (r2 - r1) * r);
    const Int128 size = difference < 0 ? -difference : difference;
    ASSERT_TRUE(size < kMultiplier * (r + ke)) << seed;
    closest = std::max(closest, static_cast<double>(size) / static_cast<double>(kMultiplier * (r + ke)));
  }
  EXPECT_GT(closest, 0.3) << "a bound that nothing comes near would prove nothing";
}

TEST(ReferenceMeter, TakingTheRecordsLeavesNoneAndCanReuseTheirRoom) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(5000), 24h);
  auto day = meter.take_intervals();
  EXPECT_EQ(day.size(), 96U);
  EXPECT_TRUE(meter.intervals().empty());
  const IntervalRecord* room = day.data();
  meter.take_intervals(std::move(day));
  meter.run(watts(5000), 24h);
  EXPECT_EQ(meter.intervals().size(), 96U);
  EXPECT_EQ(meter.intervals().data(), room);
  EXPECT_EQ(meter.take_demand_trace().size(), 192U);
  EXPECT_TRUE(meter.demand_trace().empty());
}

TEST(ReferenceMeter, WithoutATraceTheMaximumIsTheSame) {
  MeterProgram program;
  program.traces_demand = false;
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(5000), 1h);
  meter.trace_demand();
  EXPECT_TRUE(meter.demand_trace().empty());
  EXPECT_EQ(meter.demand().maximum.kw, 5.0);
}

TEST(ReferenceMeter, AClockOutsideItsRangeIsRefusedAndStays) {
  ReferenceMeter meter = metrology::meter();
  using std::chrono::microseconds;
  for (const microseconds by : {microseconds::max(), microseconds::min(), microseconds{-500'000h},
                                microseconds{std::chrono::days{3'000'000}}}) {
    EXPECT_FALSE(meter.set_clock(by)) << by.count();
  }
  EXPECT_EQ(meter.clock().ahead(), 0us);
  EXPECT_TRUE(meter.intervals().empty());
  EXPECT_TRUE(meter.set_clock(std::chrono::days{43 * 365})) << "2069: meters have been seen there";
}

TEST(ReferenceMeter, ATierThatDoesNotExistIsRefused) {
  ReferenceMeter meter = metrology::meter();
  EXPECT_FALSE(meter.select_tier('E'));
  EXPECT_EQ(meter.tiers().active(), 'A');
}

struct BadProgram {
  const char* name;
  std::function<void(MeterProgram&)> spoil;
  const char* says;
};

TEST(MeterProgram, ImpossibleOnesAreRefusedInWords) {
  const BadProgram cases[] = {
      {"Ke 0", [](auto& p) { p.ke_wh = decimal("0"); }, "Ke is 0 Wh"},
      {"Ke negative", [](auto& p) { p.ke_wh = decimal("-1.2"); }, "Ke is -1.2 Wh"},
      {"Ke huge", [](auto& p) { p.ke_wh = decimal("1000001"); }, "Ke"},
      {"Ke not a whole number of units", [](auto& p) { p.ke_wh = decimal("1.000000000000000001"); }, "Ke: "},
      {"Kh 0", [](auto& p) { p.kh_wh = decimal("0"); }, "Kh"},
      {"Kt negative", [](auto& p) { p.kt_wh = decimal("-1"); }, "Kt"},
      {"no digits", [](auto& p) { p.digits = 0; }, "0 digits"},
      {"ten digits", [](auto& p) { p.digits = 10; }, "10 digits"},
      {"all decimals", [](auto& p) { p.decimals = 5; }, "5 decimals"},
      {"no interval", [](auto& p) { p.interval = 0s; }, "interval of 0 s"},
      {"interval backwards", [](auto& p) { p.interval = -900s; }, "interval of -900 s"},
      {"interval of 7 minutes", [](auto& p) { p.interval = 420s; }, "divide a day"},
      {"interval of two days", [](auto& p) { p.interval = 172'800s; }, "divide a day"},
      {"12 bits", [](auto& p) { p.channel_bits = 12; }, "8 or 16"},
      {"starting power negative", [](auto& p) { p.starting_power_w = -1; }, "starting power"},
      {"starting power not a number", [](auto& p) { p.starting_power_w = std::nan(""); }, "starting power"},
      {"starting power without end", [](auto& p) { p.starting_power_w = INFINITY; }, "starting power"},
      {"window", [](auto& p) { p.demand.window = 1000s; }, "divide a day"},
  };
  for (const BadProgram& c : cases) {
    MeterProgram program;
    c.spoil(program);
    const auto made = ReferenceMeter::create(program, new_year());
    ASSERT_FALSE(made) << c.name;
    EXPECT_NE(made.error().message.find(c.says), std::string::npos) << c.name << ": " << made.error().message;
    EXPECT_FALSE(program.check()) << c.name;
  }
}

TEST(MeterProgram, AShortDemandWindowIsOnlyRemarkedUpon) {
  MeterProgram program;
  EXPECT_TRUE(program.check().value().empty());
  program.demand.window = 300s;
  EXPECT_EQ(program.check().value().size(), 1U);
  EXPECT_TRUE(ReferenceMeter::create(program, new_year()));
}

TEST(InitialState, ImpossibleOnesAreRefused) {
  InitialState state = new_year();
  state.delivered = wh("-1");
  EXPECT_FALSE(ReferenceMeter::create({}, state));
  state = new_year();
  state.tier = 'X';
  EXPECT_FALSE(ReferenceMeter::create({}, state));
  state = new_year();
  state.utc_offset = 15h;
  EXPECT_FALSE(ReferenceMeter::create({}, state));
  state = new_year();
  state.start = at("1969-12-31T23:59:59Z");
  EXPECT_FALSE(ReferenceMeter::create({}, state));
}

}  // namespace
}  // namespace ami::metrology
