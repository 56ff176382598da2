#include "meter_model/virtual_meter/virtual_meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "meter_model/time/zone.h"
#include "tests/meter_model/virtual_meter/fixture.h"

namespace ami::virtual_meter {
namespace {

using namespace testing;
using metrology::Flag;

MeterSetup solar_home(std::uint32_t number, UtcInstant start) {
  MeterSetup setup = setup_of(number, start);
  setup.premises.solar_kw = 5;
  setup.premises.heating_w_per_k = 60;
  return setup;
}

TEST(VirtualMeter, SameSeedIsTheSameDayInWhateverSteps) {
  const SharedPlan plan = plan_with();
  const UtcInstant start = at("2026-07-01T04:00:00Z"), end = start + hours{36};
  MeterSetup setup = solar_home(7, start);
  setup.drift_ppb = 30'000;
  setup.faults = {{FaultKind::Outage, start + minutes{607}, start + minutes{655}, {}, 0},
                  {FaultKind::ClockOff, start + hours{20}, start + hours{22}, {400, 0}, 0}};
  VirtualMeter whole = meter_of(plan, setup);
  const Served wanted = run(whole, end);
  ASSERT_GT(wanted.intervals.size(), 140U);
  ASSERT_EQ(wanted.events.size(), 4U);
  for (const auto step : {std::chrono::microseconds{minutes{15}}, std::chrono::microseconds{minutes{7}},
                          std::chrono::microseconds{1'234'567'891}}) {
    VirtualMeter split = meter_of(plan, setup);
    Served served;
    run(split, end, served, step);
    EXPECT_EQ(served.intervals, wanted.intervals);
    EXPECT_TRUE(same(served.events, wanted.events));
    EXPECT_EQ(split.read(), whole.read());
    EXPECT_EQ(split.engine().totals(), whole.engine().totals());
  }
}

TEST(VirtualMeter, OrderOfMetersDoesNotMatter) {
  const SharedPlan plan = plan_with();
  const UtcInstant start = at("2026-01-14T05:00:00Z"), end = start + hours{24};
  const auto fleet = [&](bool backwards) {
    std::vector<std::vector<Interval>> days(20);
    Outbox out;  // one for all
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::uint32_t number = backwards ? 19 - i : i;
      VirtualMeter meter = meter_of(plan, solar_home(number, start));
      out.clear();
      meter.advance(end, out);
      days[number] = out.intervals;
    }
    return days;
  };
  const auto days = fleet(false);
  EXPECT_EQ(days, fleet(true));
  for (std::size_t i = 1; i < days.size(); ++i) EXPECT_NE(days[i], days[0]);
}

TEST(VirtualMeter, AnotherSeedIsAnotherDay) {
  const UtcInstant start = at("2026-01-14T05:00:00Z");
  SiteSetup site;
  site.seed = 2;
  VirtualMeter a = meter_of(plan_with(), setup_of(1, start));
  VirtualMeter b = meter_of(Plan::create({Site::create(site).value()}).value(), setup_of(1, start));
  EXPECT_NE(run(a, start + hours{24}).intervals, run(b, start + hours{24}).intervals);
}

TEST(VirtualMeter, RegistersHoldTheEnergyOfItsLoads) {
  const SharedPlan plan = plan_with();
  const UtcInstant start = at("2026-06-10T04:00:00Z");
  VirtualMeter meter = meter_of(plan, solar_home(3, start));
  run(meter, start + hours{48});
  double delivered_wh = 0, received_wh = 0;
  for (int i = 0; i < 192; ++i) {
    const std::int64_t quarter = quarter_of(start) + i;
    const double wh = flow(solar_home(3, start).premises, 1, 3, quarter, plan->site.sky(quarter)).net_w() / 4;
    (wh > 0 ? delivered_wh : received_wh) += std::abs(wh);
  }
  ASSERT_GT(received_wh, 1000);
  EXPECT_NEAR(meter.engine().metered().delivered.wh(), delivered_wh, 1e-6);
  EXPECT_NEAR(meter.engine().metered().received.wh(), received_wh, 1e-6);
  EXPECT_EQ(number(meter.read().energy.delivered_kwh), std::floor(12000 + delivered_wh / 1000));
  EXPECT_EQ(number(meter.read().energy.received_kwh), std::floor(300 + received_wh / 1000));
}

// V14, V15, V16, V23 and the counts of V06 over a year of civil days, both DST days included.
TEST(VirtualMeter, EveryDayOfAYearSumsUp) {
  const Zone zone = Zone::load("America/Toronto").value();
  const SharedPlan plan = plan_with();
  const double r = 1, ke = 0.0012;
  for (std::uint32_t home = 0; home < 4; ++home) {
    MeterSetup setup = solar_home(home, zone.civil_day(std::chrono::year{2026} / 1 / 1).start);
    if (home == 1) setup.initial_delivered_kwh = 99'990;  // rolls over
    if (home == 2) setup.premises.kind = PremisesKind::SmallBusiness;
    VirtualMeter meter = meter_of(plan, setup);
    EnergyRegisters before = meter.read().energy;
    int short_days = 0, long_days = 0;
    double greatest_kw = 0;
    for (std::chrono::sys_days day = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
         day < std::chrono::sys_days{std::chrono::year{2027} / 1 / 1}; day += std::chrono::days{1}) {
      const Zone::Day civil = zone.civil_day(day);
      const Served served = run(meter, civil.end);
      ASSERT_EQ(static_cast<std::int64_t>(served.intervals.size()), (civil.end - civil.start) / minutes{15});
      short_days += served.intervals.size() == 92 ? 1 : 0;
      long_days += served.intervals.size() == 100 ? 1 : 0;
      double delivered = 0, received = 0;
      UtcInstant end = civil.start;
      for (const Interval& interval : served.intervals) {
        ASSERT_EQ(interval.end, end += minutes{15});
        ASSERT_TRUE(interval.flags.none());
        delivered += interval.delivered_pulses * ke;
        received += interval.received_pulses * ke;
        greatest_kw = std::max(greatest_kw, interval.delivered_pulses * ke * 4);
      }
      ASSERT_TRUE(served.events.empty());
      const EnergyRegisters after = meter.read().energy;
      const auto delta = [](const Decimal& first, const Decimal& second) {
        const double d = number(second) - number(first);
        return d < -50'000 ? d + 100'000 : d;
      };
      const double d_delivered = delta(before.delivered_kwh, after.delivered_kwh);
      const double d_received = delta(*before.received_kwh, *after.received_kwh);
      EXPECT_LT(std::abs(delivered - d_delivered), r + ke) << home << " " << to_text(civil.start);
      EXPECT_LT(std::abs(received - d_received), r + ke) << home << " " << to_text(civil.start);
      EXPECT_LT(std::abs(delta(*before.net_kwh, *after.net_kwh) - (d_delivered - d_received)), 3 * r)
          << home << " " << to_text(civil.start);
      double tiers = 0;
      for (std::size_t i = 0; i < 4; ++i) tiers += delta((*before.tiers_kwh)[i], (*after.tiers_kwh)[i]);
      EXPECT_LT(std::abs(tiers - d_delivered), 5 * r);
      before = after;
    }
    EXPECT_EQ(short_days, 1);
    EXPECT_EQ(long_days, 1);
    // A pulse more or less in a quarter of an hour is 4.8 W, and the register is cut off at 0.01 kW.
    EXPECT_NEAR(number(meter.read().demand.maximum.kw), greatest_kw, 0.0148);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_GT(number((*before.tiers_kwh)[i]), 100);
    EXPECT_EQ(number((*before.tiers_kwh)[3]), 0);
  }
}

TEST(VirtualMeter, OnlyAnAxrHasARecorderAndOnlyAnSdASwitch) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  for (const char* name : {"FOCUS AX", "FOCUS AX-SD", "FOCUS AXR", "FOCUS AXR-SD"}) {
    MeterSetup setup = setup_of(1, start);
    setup.model = Model::parse(name).value();
    EXPECT_EQ(setup.model.name(), name);
    VirtualMeter meter = meter_of(plan_with(), setup);
    const Served served = run(meter, start + hours{24});
    const std::string model = name;
    EXPECT_EQ(served.intervals.size(), model.find("AXR") != std::string::npos ? 96U : 0U) << name;
    const bool sd = model.find("-SD") != std::string::npos;
    EXPECT_EQ(meter.read().service_switch.has_value(), sd) << name;
    Outbox out;
    EXPECT_EQ(meter.command(SwitchInput::Disconnect, out).ok(), sd) << name;
    EXPECT_EQ(meter.read().identity.model, name);
    EXPECT_GT(number(meter.read().energy.delivered_kwh), 12000) << name;
  }
}

TEST(VirtualMeter, AnOpenSwitchPassesNoEnergyAndALatentCloseComesWhenTheVoltageGoes) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  MeterSetup setup = setup_of(1, start);
  setup.faults = {{FaultKind::LoadSideVoltage, start + hours{3}, start + hours{5}, {}, 0}};
  VirtualMeter meter = meter_of(plan_with(), setup);
  Outbox out;
  meter.advance(start + hours{2}, out);
  EXPECT_TRUE(meter.read().service_switch->load_side_voltage);  // the grid's
  EXPECT_EQ(meter.command(SwitchInput::Disconnect, out)->state, SwitchState::Open);
  const auto held = meter.engine().totals();
  EXPECT_FALSE(meter.read().service_switch->load_side_voltage);
  EXPECT_EQ(meter.power_w(), 0);
  meter.advance(start + hours{4}, out);
  EXPECT_TRUE(meter.read().service_switch->load_side_voltage);
  const auto refused = meter.command(SwitchInput::Connect, out);
  EXPECT_EQ(refused->answer, SwitchAnswer::Refused);
  EXPECT_EQ(refused->state, SwitchState::OpenPending);
  meter.advance(start + hours{5}, out);
  EXPECT_EQ(meter.engine().totals(), held);
  meter.advance(start + hours{6}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Closed);
  EXPECT_GT(meter.engine().totals().delivered, held.delivered);
  EXPECT_EQ(kinds(out.events), (std::vector{EventKind::SwitchOpened, EventKind::LoadSideVoltageWhileOpen,
                                            EventKind::SwitchCloseFailed, EventKind::SwitchClosed}));
  EXPECT_EQ(out.events.back().true_at, start + hours{5});
  for (std::size_t i = 0; i < out.events.size(); ++i) EXPECT_EQ(out.events[i].sequence, i + 1);
  for (const Interval& interval : out.intervals) {
    EXPECT_EQ(interval.delivered_pulses == 0,
              interval.end > start + hours{2} && interval.end <= start + hours{5})
        << to_text(interval.end);
  }
}

TEST(VirtualMeter, AnArmedSwitchWaitsForTheButtonAndNoLongerThanItsTimeout) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  VirtualMeter meter = meter_of(plan_with(), setup_of(1, start));
  Outbox out;
  ASSERT_TRUE(meter.command(SwitchInput::Disconnect, out));
  EXPECT_EQ(meter.press_button(out)->answer, SwitchAnswer::Refused);
  EXPECT_EQ(meter.command(SwitchInput::Arm, out)->state, SwitchState::Armed);
  meter.advance(start + minutes{29}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Armed);
  EXPECT_EQ(meter.power_w(), 0);
  meter.advance(start + minutes{31}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Open);
  EXPECT_EQ(out.events.back().kind, EventKind::SwitchNotArmed);
  EXPECT_EQ(out.events.back().true_at, start + minutes{30});
  ASSERT_TRUE(meter.command(SwitchInput::Arm, out));
  meter.advance(start + minutes{40}, out);
  EXPECT_EQ(meter.press_button(out)->state, SwitchState::Closed);
  EXPECT_GT(meter.power_w(), 0);
  EXPECT_FALSE(meter.command(SwitchInput::Button, out));
  EXPECT_FALSE(meter.command(SwitchInput::VoltageGoes, out));
}

TEST(VirtualMeter, AnInverterThatRunsAloneShowsAsLoadSideVoltageByDay) {
  const UtcInstant start = at("2026-06-20T04:00:00Z");
  MeterSetup setup = solar_home(1, start);
  setup.premises.generates_alone = true;
  setup.premises.solar_kw = 20;
  VirtualMeter meter = meter_of(plan_with(), setup);
  Outbox out;
  ASSERT_TRUE(meter.command(SwitchInput::Disconnect, out));
  meter.advance(start + hours{1}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Open);
  meter.advance(start + hours{13}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::OpenEnergised);
  meter.advance(start + hours{23}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Open);
  EXPECT_EQ(meter.engine().metered(), metrology::EnergyPair{});
}

TEST(VirtualMeter, TheModuleRepeatsWhatTheMeterReportsWhereItIsSetSo) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  Plan draft{Site::create({}).value()};
  draft.module_reports = true;
  VirtualMeter meter = meter_of(Plan::create(std::move(draft)).value(), setup_of(1, start));
  Outbox out;
  ASSERT_TRUE(meter.command(SwitchInput::Disconnect, out));
  meter.cut_power(out);
  meter.cut_power(out);  // nothing new
  EXPECT_FALSE(meter.powered());
  const auto dark = meter.command(SwitchInput::Connect, out);
  ASSERT_FALSE(dark);
  EXPECT_EQ(dark.error().fault, ami::Fault::Transient);
  EXPECT_FALSE(meter.demand_reset({}, out));
  meter.advance(start + minutes{90}, out);
  meter.restore_power(out);
  ASSERT_EQ(out.events.size(), 6U);
  EXPECT_EQ(kinds(out.events),
            (std::vector{EventKind::SwitchOpened, EventKind::SwitchOpened, EventKind::Outage,
                         EventKind::LastGasp, EventKind::Restoration, EventKind::ModuleRestoration}));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(out.events[i].reporter, i % 2 == 0 ? Reporter::Meter : Reporter::Module);
    EXPECT_EQ(out.events[i].sequence, i / 2 + 1);
  }
  for (const Interval& interval : out.intervals) EXPECT_TRUE(interval.flags.has(Flag::PowerFail));
}

TEST(VirtualMeter, ClockDriftsAndIsSetRight) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  MeterSetup setup = setup_of(1, start);
  setup.drift_ppb = 100'000;  // 100 ppm: 8.64 s a day
  VirtualMeter meter = meter_of(plan_with(), setup);
  Outbox out;
  meter.advance(start + hours{240}, out);
  const std::chrono::microseconds ahead = meter.clock() - meter.now();
  EXPECT_EQ(ahead, std::chrono::microseconds{86'400'000});
  EXPECT_EQ(out.intervals.size(), 960U);
  for (const Interval& interval : out.intervals) EXPECT_TRUE(interval.flags.none());
  ASSERT_TRUE(meter.set_clock(-ahead, out));
  EXPECT_EQ(out.events.back().kind, EventKind::ClockAdjusted);
  EXPECT_EQ(meter.clock(), meter.now());
  meter.advance(start + hours{250}, out);
  EXPECT_EQ(meter.clock() - meter.now(), std::chrono::microseconds{3'600'000});
  EXPECT_FALSE(meter.set_clock(std::chrono::days{365 * 9000}, out));

  setup.drift_ppb = -100'000;
  VirtualMeter slow = meter_of(plan_with(), setup);
  out.clear();
  slow.advance(start + hours{240}, out);
  EXPECT_EQ(out.intervals.size(), 959U);  // 86.4 s short of the last end
}

TEST(VirtualMeter, DemandResetKeepsThePreviousMaximum) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  VirtualMeter meter = meter_of(plan_with(), setup_of(1, start));
  Outbox out;
  meter.advance(start + hours{24}, out);
  const DemandRead before = meter.read().demand;
  ASSERT_GT(number(before.maximum.kw), 0.3);
  ASSERT_TRUE(before.maximum.at.has_value());
  EXPECT_EQ(*meter.demand_reset(0, out), metrology::ResetResult::Done);
  EXPECT_EQ(*meter.demand_reset(0, out), metrology::ResetResult::AlreadyDone);
  const DemandRead after = meter.read().demand;
  EXPECT_EQ(after.previous, before.maximum);
  EXPECT_EQ(after.maximum.kw, Decimal{});
  EXPECT_EQ(after.resets, 1U);
  EXPECT_EQ(kinds(out.events), std::vector{EventKind::DemandReset});
}

TEST(VirtualMeter, AOneWayProgrammeServesNeitherReceivedNorNet) {
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  Plan draft{Site::create({}).value()};
  draft.received_channel = false;
  const SharedPlan plan = Plan::create(std::move(draft)).value();
  const VirtualMeter meter = meter_of(plan, setup_of(1, start));
  EXPECT_FALSE(meter.read().energy.received_kwh);
  EXPECT_FALSE(meter.read().energy.net_kwh);
  EXPECT_FALSE(meter.read().energy.tiers_kwh);
  EXPECT_FALSE(VirtualMeter::create(plan, solar_home(1, start)));
}

TEST(VirtualMeter, NetTurnsNegativeWhereMoreIsReceived) {
  const UtcInstant start = at("2026-06-01T04:00:00Z");
  MeterSetup setup = solar_home(1, start);
  setup.initial_delivered_kwh = 100;
  setup.initial_received_kwh = 103;
  const VirtualMeter meter = meter_of(plan_with(), setup);
  EXPECT_EQ(meter.read().energy.net_kwh, (Decimal{-3, 0}));
}

std::string message(const Result<VirtualMeter>& made) {
  return made.ok() ? std::string("made") : made.error().message;
}

TEST(VirtualMeter, RefusesWhatCannotBe) {
  const SharedPlan plan = plan_with(false);
  const UtcInstant start = at("2026-05-01T04:00:00Z");
  const auto with = [&](auto change) {
    MeterSetup setup = setup_of(1, start);
    change(setup);
    return message(VirtualMeter::create(plan, setup));
  };
  const auto faulty = [&](Fault fault, const char* model = "FOCUS AXR-SD") {
    return with([&](MeterSetup& s) {
      s.model = Model::parse(model).value();
      s.faults = {fault};
    });
  };
  const UtcInstant end = start + hours{1};
  EXPECT_EQ(with([](MeterSetup&) {}), "made");
  EXPECT_NE(message(VirtualMeter::create(nullptr, setup_of(1, start))).find("plan"), std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.start = {}; }).find("1970"), std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.start += std::chrono::microseconds{1}; }).find("whole second"),
            std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.initial_received_kwh = -1; }).find("negative"), std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.drift_ppb = 2'000'000; }).find("drift"), std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.drift_ppb = INT32_MIN; }).find("drift"), std::string::npos);
  EXPECT_NE(with([](MeterSetup& s) { s.premises.solar_kw = 31; }).find("solar"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::Outage, end, start, {}, 0}).find("end after it begins"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::Outage, start, end, {1, 0}, 0}).find("has none"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::WrongKe, start, end, {20, 0}, 0}).find("0.1 to 10"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::WrongKe, start, end, {10, -1}, 0}).find("changes nothing"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::WrongKe, start, end, {2, 0}, 0}, "FOCUS AX-SD").find("no recorder"),
            std::string::npos);
  EXPECT_NE(faulty({FaultKind::WrongKe, start, end, {12345678, -7}, 0}).find("six decimals"),
            std::string::npos);
  EXPECT_NE(faulty({FaultKind::JammedSwitch, start, end, {}, 0}, "FOCUS AXR").find("no service switch"),
            std::string::npos);
  EXPECT_NE(faulty({FaultKind::StuckTier, start, end, {1, 0}, 0}).find("no tiers"), std::string::npos);
  EXPECT_NE(faulty({FaultKind::Crossed, start, end, {}, 1}).find("itself"), std::string::npos);
  EXPECT_NE(faulty({static_cast<FaultKind>(200), start, end, {}, 0}).find("unknown"), std::string::npos);
  EXPECT_NE(with([&](MeterSetup& s) {
              s.faults = {{FaultKind::Outage, start, end, {}, 0}, {FaultKind::Outage, start, end, {}, 0}};
            }).find("twice"),
            std::string::npos);
  EXPECT_FALSE(Model::parse("FOCUS AXR SD"));
  EXPECT_FALSE(Model::parse(""));
}

TEST(VirtualMeter, RefusesPlansThatCannotBe) {
  const auto with = [](auto change) {
    Plan plan{Site::create({}).value()};
    change(plan);
    const auto made = Plan::create(std::move(plan));
    return made.ok() ? std::string("made") : made.error().message;
  };
  EXPECT_EQ(with([](Plan&) {}), "made");
  EXPECT_NE(with([](Plan& p) { p.program.digits = 10; }), "made");
  EXPECT_NE(with([](Plan& p) { p.demand_decimals = 5; }).find("0 to 4"), std::string::npos);
  EXPECT_NE(with([](Plan& p) { p.multiplier = {0, 0}; }).find("multiplier"), std::string::npos);
  EXPECT_NE(with([](Plan& p) { p.arm_timeout = seconds{0}; }).find("arm timeout"), std::string::npos);
  EXPECT_NE(with([](Plan& p) {
              p.tou = TouSchedule::three_tiers();
              p.program.demand.window = seconds{1200};
            }).find("quarter of an hour"),
            std::string::npos);
}

}  // namespace
}  // namespace ami::virtual_meter
