// The virtual meters of a network: what they say is what the same meters say by themselves, and it is told
// once.
#include "tools/fieldsim/world.h"

#include <gtest/gtest.h>

#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim {
namespace {

using namespace std::chrono_literals;
using virtual_meter::Fault;
using virtual_meter::FaultKind;
using virtual_meter::SwitchInput;
using virtual_meter::SwitchState;

const UtcInstant kStart = parse_instant("2024-03-09T18:00:00Z").value();

// Stands where the test puts it.
class StandingClock : public sdk::Clock {
 public:
  UtcInstant now() override { return at; }
  sdk::Awaitable<bool> wait(std::chrono::milliseconds) override { co_return true; }
  UtcInstant at = kStart;
};

class Field : public ::testing::Test {
 protected:
  Field() : path(run.folder / "l.jsonl"), ledger(Ledger::open(path.string(), [] { return kStart; }).value()) {
    virtual_meter::Plan with{virtual_meter::Site::create({}).value()};
    with.program.digits = 8;
    with.program.decimals = 2;
    with.module_reports = true;
    plan.network = "n";
    plan.plan = virtual_meter::Plan::create(std::move(with)).value();
    plan.history = 6h;
    for (std::uint32_t i = 0; i < 4; ++i) {
      MeterPlan meter;
      meter.name = "M" + std::to_string(i);
      meter.setup.number = i + 1;
      meter.setup.start = kStart;
      meter.setup.initial_delivered_kwh = 1000;
      plan.meters.push_back(meter);
    }
  }
  World& world() {
    if (!made) made = World::create(plan, clock, ledger).value();
    return *made;
  }
  void advance(std::chrono::seconds by) {
    clock.at += by;
    testing::drive(io, world().advance(clock.at));
  }
  std::vector<std::string> lines() {
    ledger.flush();
    return testing::lines_of(path);
  }

  testing::FieldRun run;  // for its folder
  boost::asio::io_context io;
  StandingClock clock;
  std::filesystem::path path;
  Ledger ledger;
  WorldPlan plan;
  std::unique_ptr<World> made;
};

// The same setups driven without a World, and the sum of the intervals against the registers' advance.
TEST_F(Field, WhatIsTakenIsWhatTheMeterSaysByItself) {
  const auto setups = plan.meters;
  advance(6h);
  for (MeterIndex i = 0; i < world().size(); ++i) {
    auto alone = virtual_meter::VirtualMeter::create(plan.plan, setups[i].setup).value();
    virtual_meter::Outbox out;
    alone.advance(kStart + 6h, out);
    const auto collected = world().take(i);
    EXPECT_EQ(collected.meter, setups[i].name);
    EXPECT_EQ(collected.intervals, out.intervals);
    ASSERT_EQ(collected.readings.size(), 1U);
    EXPECT_EQ(collected.readings[0], alone.read());
    std::int64_t pulses = 0;
    for (const auto& interval : collected.intervals) pulses += interval.delivered_pulses;
    const Decimal wh = collected.ke_wh.times({pulses, 0}).value();
    const Decimal advanced = collected.readings[0].energy.delivered_kwh.minus({1000, 0})->shifted(3).value();
    // The register is cut to 10 Wh, and less than a pulse of 1.2 Wh is still to come.
    EXPECT_LE(advanced, wh.plus({12, -1}).value());
    EXPECT_GE(advanced, wh.minus({10, 0}).value());
  }
}

TEST_F(Field, WhatWasTakenIsNotTakenAgain) {
  advance(1h);
  EXPECT_EQ(world().take(0).intervals.size(), 4U);
  EXPECT_TRUE(world().take(0).intervals.empty());
  advance(30min);
  EXPECT_EQ(world().take(0).intervals.size(), 2U);
}

TEST_F(Field, StepsMakeNoDifference) {
  auto other_ledger = Ledger::open("", [] { return kStart; }).value();
  StandingClock other_clock;
  auto other = World::create(plan, other_clock, other_ledger).value();
  for (int i = 0; i < 12; ++i) {
    other_clock.at += 7min;
    (void)other->powered(0);  // advances it
  }
  other_clock.at = kStart + 2h;
  testing::drive(io, other->advance(kStart + 2h));
  advance(2h);
  EXPECT_EQ(world().take(0).intervals, other->take(0).intervals);
}

TEST_F(Field, AMeterWithoutPowerSaysNothingButItsLastGaspAndAllOfItLater) {
  plan.meters[0].setup.faults = {{FaultKind::Outage, kStart + 20min, kStart + 80min, {}, 0}};
  advance(1h);
  const auto dark = world().take(0);
  EXPECT_TRUE(dark.intervals.empty());
  EXPECT_TRUE(dark.readings.empty());
  ASSERT_EQ(dark.events.size(), 1U);
  EXPECT_EQ(dark.events[0].kind, virtual_meter::EventKind::LastGasp);
  EXPECT_FALSE(world().powered(0));
  EXPECT_EQ(world().read_now(0, "t-1", "test"), std::nullopt);
  advance(1h);
  const auto lit = world().take(0);
  EXPECT_EQ(lit.intervals.size(), 8U);
  EXPECT_EQ(lit.readings.size(), 1U);
  EXPECT_EQ(lit.events.size(), 3U);  // outage and restoration of the meter, restoration of the module
}

TEST_F(Field, CrossedMetersAnswerForEachOther) {
  plan.meters[0].setup.faults = {{FaultKind::Crossed, kStart + 1h, kStart + 2h, {}, 2}};
  plan.meters[1].setup.faults = {{FaultKind::Crossed, kStart + 1h, kStart + 2h, {}, 1}};
  advance(90min);
  EXPECT_EQ(world().take(0).meter, "M1");
  EXPECT_EQ(world().take(1).meter, "M0");
  EXPECT_EQ(world().answering_for(*world().find("M0")), 1U);
  EXPECT_EQ(world().take(2).meter, "M2");
  advance(1h);
  EXPECT_EQ(world().take(0).meter, "M0");
  EXPECT_EQ(world().answering_for(0), 0U);
}

TEST_F(Field, OnlyTheLastHoursCanBeAskedForAgain) {
  for (int i = 0; i < 8; ++i) {
    advance(1h);
    (void)world().take(0);
  }
  const auto all = world().recorded(0, kStart, kStart + 24h);
  EXPECT_EQ(all.intervals.size(), 24U);  // six hours of quarters
  EXPECT_EQ(all.intervals.front().end, kStart + 2h + 15min);
  EXPECT_GE(all.readings.size(), 6U);
  EXPECT_EQ(all.readings.back().clock, kStart + 8h);
  const auto some = world().recorded(0, kStart + 4h, kStart + 5h);
  ASSERT_EQ(some.intervals.size(), 4U);
  EXPECT_EQ(some.intervals.front().end, kStart + 4h + 15min);
  ASSERT_EQ(some.readings.size(), 1U);  // [from, to)
  EXPECT_EQ(some.readings.front().clock, kStart + 4h);
}

TEST_F(Field, WhatIsOutOfServiceSaysNothingAndIsNotFound) {
  plan.meters[0].removed = kStart + 1h;
  plan.meters[1].installed = kStart + 1h;
  plan.meters[1].setup.start = kStart + 1h;
  EXPECT_TRUE(world().find("M0"));
  EXPECT_FALSE(world().find("M1"));
  advance(2h);
  EXPECT_FALSE(world().find("M0"));
  EXPECT_TRUE(world().find("M1"));
  EXPECT_TRUE(world().take(0).readings.empty());
  EXPECT_EQ(world().take(1).intervals.size(), 4U);
  EXPECT_FALSE(world().find("nobody"));
}

TEST_F(Field, EveryExecutionIsALineOfTheLedger) {
  clock.at += 10min;
  const Effect opened = world().act(0, SwitchInput::Disconnect, "t-1", "test");
  EXPECT_TRUE(opened.ok());
  EXPECT_EQ(opened.state, SwitchState::Open);
  EXPECT_EQ(world().act(0, SwitchInput::Disconnect, "t-2", "test").result, "already_there");
  EXPECT_EQ(world().act(0, SwitchInput::Arm, "t-3", "test").state, SwitchState::Armed);
  EXPECT_EQ(world().press_button(0, "page").state, SwitchState::Closed);
  EXPECT_EQ(world().cut_power(0, "page").result, "done");
  EXPECT_EQ(world().act(0, SwitchInput::Connect, "t-4", "test").result, "no_power");
  EXPECT_EQ(world().restore_power(0, "page").result, "done");
  EXPECT_EQ(world().demand_reset(0, "t-5", "test").result, "done");
  const auto all = lines();
  ASSERT_EQ(all.size(), 8U);
  for (const std::string& line : all) {
    EXPECT_NE(line.find(R"("network":"n","meter":"M0","step":"executed")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("at":"2024-03-09T18:10:00Z")"), std::string::npos) << line;
  }
  EXPECT_NE(all[0].find(R"("command":"open","transaction":"t-1","by":"test","result":"done","state":"OPEN")"),
            std::string::npos);
  EXPECT_NE(all[5].find(R"("command":"close","transaction":"t-4","by":"test","result":"no_power")"),
            std::string::npos);
}

TEST_F(Field, AJammedSwitchDoesNotMoveUntilItIsFreed) {
  EXPECT_EQ(world().jam(0, true, "page").result, "done");
  EXPECT_TRUE(world().jammed(0));
  const Effect stuck = world().act(0, SwitchInput::Disconnect, "t", "test");
  EXPECT_EQ(stuck.result, "refused");
  EXPECT_EQ(stuck.state, SwitchState::Closed);
  const auto events = world().take(0).events;
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].kind, virtual_meter::EventKind::SwitchOpenFailed);
  (void)world().jam(0, false, "page");
  EXPECT_EQ(world().act(0, SwitchInput::Disconnect, "t", "test").state, SwitchState::Open);
}

TEST_F(Field, WithoutASwitchNothingCanBeSwitchedOrJammed) {
  plan.meters[0].setup.model = {true, false};
  EXPECT_EQ(world().act(0, SwitchInput::Disconnect, "t", "test").result, "no_switch");
  EXPECT_EQ(world().jam(0, true, "page").result, "no_switch");
  EXPECT_FALSE(world().jammed(0));
  EXPECT_EQ(world().switch_state(0), std::nullopt);
}

TEST_F(Field, TwoMetersOfOneNameOrNumberAreRefused) {
  auto names = plan;
  names.meters[1].name = "M0";
  const auto same_name = World::create(std::move(names), clock, ledger);
  ASSERT_FALSE(same_name.ok());
  EXPECT_NE(same_name.error().message.find("are called M0"), std::string::npos);
  auto numbers = plan;
  numbers.meters[1].setup.number = 1;
  const auto same_number = World::create(std::move(numbers), clock, ledger);
  ASSERT_FALSE(same_number.ok());
  EXPECT_NE(same_number.error().message.find("M1"), std::string::npos);
  auto impossible = plan;
  impossible.meters[2].setup.drift_ppb = 2'000'000;
  const auto drifts = World::create(std::move(impossible), clock, ledger);
  ASSERT_FALSE(drifts.ok());
  EXPECT_NE(drifts.error().message.find("M2: a clock drift"), std::string::npos);
}

}  // namespace
}  // namespace ami::fieldsim
