// Each fault against a twin without it: what differs, when, and nothing else.
#include "meter_model/virtual_meter/fault.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/meter_model/virtual_meter/fixture.h"

namespace ami::virtual_meter {
namespace {

using namespace testing;
using enum FaultKind;
using EventKind::ClockAdjusted, EventKind::ConfigChanged, EventKind::LoadSideVoltageWhileOpen,
    EventKind::LowBatteryCleared, EventKind::RamError, EventKind::Restoration, EventKind::ReverseEnergy,
    EventKind::SwitchArmFailed, EventKind::SwitchCloseFailed, EventKind::SwitchOpened,
    EventKind::SwitchOpenFailed, EventKind::TestModeStart, EventKind::TestModeStop;

// Three civil days from Tuesday 13 January 2026, Toronto; the fault's default window is in the second and
// reaches into the third.
const UtcInstant kStart = at("2026-01-13T05:00:00Z");
const UtcInstant kFrom = kStart + hours{30}, kTo = kStart + hours{60};

// What may differ: I intervals in the window, J intervals just beyond it, E energy registers, D demand,
// P identity, C clock, X diagnostic bit, S switch, N number. Capital = it does; small = it may.
struct Case {
  FaultKind kind;
  Decimal amount{};
  std::string during{}, after{};
  std::vector<EventKind> events{};
  UtcInstant from = kFrom, to = kTo;
};

std::vector<Case> cases() {
  const UtcInstant noon = kStart + hours{36}, next = noon + minutes{15};
  return {
      {WrongKe, {15, -1}, "I"},
      {WrongMultiplier, {2, 0}, "E"},
      {Crossed, {}, "N"},
      {StuckRegisters, {}, "E"},
      {StuckNet, {}, "E"},
      {StuckTier, {0, 0}, "E"},
      {RegisterDrop, {500, 0}, "E"},
      {MissedIntervals, {}, "I"},
      {RepeatedInterval, {}, "I"},
      {ConflictingInterval, {}, "I", "", {}, noon, next},
      {FrozenIntervals, {}, "I"},
      {Spike, {8000, 0}, "I", "", {}, noon, next},
      {NegativeInterval, {}, "I", "", {}, noon, next},
      {FullChannel, {}, "I", "", {}, noon, next},
      {ShiftedStamps, {86400, 0}, "IJ", "", {}, noon, next},
      {ProgrammeChanged, {72, -1}, "P", "", {ConfigChanged}},
      {Diagnostic, {}, "X", "", {RamError}},
      {ClockOff, {400, 0}, "ICed", "jed", {ClockAdjusted, ClockAdjusted}},
      {TestModeOn, {}, "IEd", "jEd", {TestModeStart, TestModeStop}},
      {LostDemandReset, {}, "D", "D"},
      {ReverseFlow, {}, "IEd", "jEd", {ReverseEnergy}},
      {WeldedSwitch, {}, "IEd", "jEd"},
      {JammedSwitch, {}, "SIed", "SJEd"},
      {LoadSideVoltage, {}, "S", "", {LoadSideVoltageWhileOpen}},
      {Outage, {}, "IEdS", "jEd", {EventKind::Outage, Restoration}},
      {CoverRemoved, {}, "", "", {EventKind::CoverRemoved}},
      {LowBattery, {}, "", "", {EventKind::LowBattery, LowBatteryCleared}},
      {OverTemperature, {}, "", "", {EventKind::OverTemperature}},
  };
}

// Registers to a watt-hour, so that nothing hides behind the resolution.
const SharedPlan& fine_plan() {
  static const SharedPlan plan = [] {
    Plan draft{Site::create({}).value()};
    draft.tou = TouSchedule::three_tiers();
    draft.program.digits = 9;
    draft.program.decimals = 3;
    draft.demand_decimals = 4;
    return Plan::create(std::move(draft)).value();
  }();
  return plan;
}

struct Course {
  Served served;
  EnergyRegisters midnights[4];
  Reading middle, end;
  std::uint32_t answers_for = 0;
};

// The same script for both twins: an open switch for the faults behind one, a disconnect and a demand reset
// in the middle for those that swallow them.
Course course(const Case& about, bool faulty) {
  MeterSetup setup = setup_of(11, kStart);
  setup.premises.heating_w_per_k = 80;
  setup.premises.solar_kw = 8;
  if (faulty) setup.faults = {{about.kind, about.from, about.to, about.amount, 12}};
  VirtualMeter meter = meter_of(fine_plan(), setup);
  Course out;
  const auto until = [&](UtcInstant to) { run(meter, to, out.served, hours{1}); };
  Outbox box;
  const UtcInstant middle = about.to - about.from > hours{1} ? kStart + hours{40} : about.from + minutes{10};
  for (const UtcInstant stop :
       {kStart, kStart + hours{24}, kStart + hours{29}, middle, kStart + hours{48}, kStart + hours{72}}) {
    until(stop);
    const auto midnight = (stop - kStart) / hours{24};
    if ((stop - kStart) % hours{24} == hours{0}) out.midnights[midnight] = meter.read().energy;
    if (stop == kStart + hours{29} && (about.kind == WeldedSwitch || about.kind == LoadSideVoltage)) {
      EXPECT_TRUE(meter.command(SwitchInput::Disconnect, box));
    }
    if (stop != middle) continue;
    if (about.kind == LostDemandReset) {
      EXPECT_EQ(*meter.demand_reset({}, box), metrology::ResetResult::Done);
    }
    if (about.kind == JammedSwitch) {
      const auto result = meter.command(SwitchInput::Disconnect, box);
      EXPECT_EQ(result->answer, faulty ? SwitchAnswer::Refused : SwitchAnswer::Done);
      EXPECT_EQ(box.events.back().kind, faulty ? SwitchOpenFailed : SwitchOpened);
    }
    out.middle = meter.read();
    out.answers_for = meter.answers_for();
  }
  out.end = meter.read();
  return out;
}

std::string differences(const Reading& a, const Reading& b) {
  std::string out;
  if (!(a.energy == b.energy)) out += 'E';
  if (!(a.demand == b.demand)) out += 'D';
  if (!(a.identity == b.identity)) out += 'P';
  if (a.clock != b.clock) out += 'C';
  if (a.diagnostic != b.diagnostic) out += 'X';
  if (!(a.service_switch == b.service_switch)) out += 'S';
  return out;
}

void expect_as_documented(const std::string& seen, const std::string& documented, const std::string& where) {
  for (const char aspect : std::string("IJEDPCXSN")) {
    const bool does = documented.find(aspect) != std::string::npos;
    const bool may = documented.find(static_cast<char>(std::tolower(aspect))) != std::string::npos;
    const bool differs = seen.find(aspect) != std::string::npos;
    if (!may) {
      EXPECT_EQ(differs, does) << where << ": " << aspect << " of " << seen;
    }
  }
}

std::vector<Interval> part(const Course& course, const Case& about, bool inside) {
  std::vector<Interval> out;
  for (const Interval& interval : course.served.intervals) {
    if ((interval.end > about.from && interval.end <= about.to) == inside) out.push_back(interval);
  }
  return out;
}

TEST(VirtualFault, ShowsWhereItIsDocumentedAndNowhereElse) {
  std::set<FaultKind> seen_kinds;
  for (const Case& about : cases()) {
    seen_kinds.insert(about.kind);
    const std::string name{info(about.kind).name};
    const Course clean = course(about, false), faulty = course(about, true);
    std::string during = differences(clean.middle, faulty.middle);
    if (part(clean, about, true) != part(faulty, about, true)) during += 'I';
    if (clean.answers_for != faulty.answers_for) during += 'N';
    std::string after = differences(clean.end, faulty.end);
    if (part(clean, about, false) != part(faulty, about, false)) after += 'J';
    expect_as_documented(during, about.during.substr(0, about.during.find('J')), name + " during");
    std::string documented_after = about.after;
    if (about.during.find('J') != std::string::npos) documented_after += 'J';
    expect_as_documented(after, documented_after, name + " after");
    EXPECT_EQ(kinds(faulty.served.events), about.events) << name;
    if (about.after.find('j') != std::string::npos && about.kind != ClockOff) {
      // What was not measured leaves the pulse carry elsewhere: a pulse sooner or later, no more.
      const auto left = part(clean, about, false), right = part(faulty, about, false);
      ASSERT_EQ(left.size(), right.size()) << name;
      for (std::size_t i = 0; i < left.size(); ++i) {
        EXPECT_EQ(left[i].end, right[i].end) << name;
        EXPECT_EQ(left[i].flags, right[i].flags) << name;
        EXPECT_NEAR(left[i].delivered_pulses, right[i].delivered_pulses, 1) << name;
        EXPECT_NEAR(left[i].received_pulses, right[i].received_pulses, 1) << name;
      }
    }
    EXPECT_TRUE(clean.served.events.empty()) << name;
    EXPECT_TRUE(clean.midnights[1] == faulty.midnights[1]) << name;
  }
  EXPECT_EQ(seen_kinds.size(), static_cast<std::size_t>(kFaultKinds));
}

std::set<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::set<std::string> out;
  for (std::string word; in >> word;) out.insert(word);
  return out;
}

TEST(VirtualFault, TableIsCompleteAndNamesRealChecks) {
  std::set<std::string_view> names;
  int index = 0;
  for (const FaultInfo& row : all_faults()) {
    EXPECT_EQ(static_cast<int>(row.kind), index++);
    EXPECT_EQ(fault_named(row.name), row.kind);
    EXPECT_FALSE(row.shows.empty());
    EXPECT_TRUE(names.insert(row.name).second);
    const auto must = words(row.must), may = words(row.may);
    for (const auto& all : {must, may}) {
      for (const std::string& check : all) {
        ASSERT_EQ(check.size(), 3U) << row.name;
        const int number = std::stoi(check.substr(1));
        EXPECT_TRUE(check[0] == 'V' && number >= 1 && number <= 26) << row.name;
      }
    }
    for (const std::string& check : must) EXPECT_FALSE(may.contains(check)) << row.name << check;
  }
  EXPECT_EQ(fault_named("wrong_kf"), std::nullopt);
}

TEST(VirtualFault, DocumentationHasTheTableWordForWord) {
  std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/docs/virtual-meter.md");
  ASSERT_TRUE(file);
  std::set<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.insert(line);
  const auto cell = [](std::string_view text) { return " | " + std::string(text.empty() ? "-" : text); };
  for (const FaultInfo& row : all_faults()) {
    const std::string line = "| `" + std::string(row.name) + "`" + cell(row.amount) + cell(row.shows) +
                             cell(row.must) + cell(row.may) + " |";
    EXPECT_TRUE(lines.contains(line)) << line;
  }
}

// Delivered pulses of the second day as a reader keeps them: identical duplicates once.
struct DayOfIntervals {
  std::vector<Interval> kept;
  bool conflict = false;
};
DayOfIntervals second_day(const Course& course) {
  DayOfIntervals out;
  std::map<UtcInstant, Interval> by_end;
  for (const Interval& interval : course.served.intervals) {
    if (interval.end <= kStart + hours{24} || interval.end > kStart + hours{48}) continue;
    const auto [at, added] = by_end.try_emplace(interval.end, interval);
    if (added) out.kept.push_back(interval);
    if (!added && !(at->second == interval)) out.conflict = true;
  }
  return out;
}

// Checks on intervals, from the words of metrology reference 3.2.
TEST(VirtualFault, RaisesExactlyTheIntervalChecksThatItNames) {
  const double ke = 0.0012;
  for (const Case& about : cases()) {
    const Course faulty = course(about, true);
    const DayOfIntervals day = second_day(faulty);
    std::vector<double> kwh;
    bool full = false, negative = false, frozen = false, dark = false, test = false;
    int same = 0;
    double greatest = 0;
    for (std::size_t i = 0; i < day.kept.size(); ++i) {
      const Interval& interval = day.kept[i];
      kwh.push_back(interval.delivered_pulses * ke);
      full = full || interval.delivered_pulses == 65535;
      negative = negative || interval.delivered_pulses < 0;
      const bool repeats = i > 0 && interval.delivered_pulses != 0 &&
                           interval.delivered_pulses == day.kept[i - 1].delivered_pulses;
      same = repeats ? same + 1 : 1;
      frozen = frozen || same >= 8;
      dark = dark || interval.flags.has(metrology::Flag::PowerFail);
      test = test || interval.flags.has(metrology::Flag::TestMode);
    }
    for (const Interval& interval : faulty.served.intervals) {
      greatest = std::max(greatest, interval.delivered_pulses * ke * 4);
    }
    std::sort(kwh.begin(), kwh.end(), std::greater<>());
    ASSERT_GE(kwh.size(), 3U);
    const double floor_kwh = 0.3;
    const std::map<std::string, bool> raised{
        {"V07", day.conflict || day.kept.size() < 96},
        {"V08", full},
        {"V09", test},
        {"V10", dark},
        {"V12", kwh[0] > 1.1 * 12},
        {"V13", negative || about.kind == ReverseFlow},  // by its event, where the programme is one-way
        {"V18", kwh[0] > floor_kwh && (kwh[0] - kwh[2]) / kwh[2] > 1.8},
        {"V21", frozen},
        {"V23", greatest - number(faulty.end.demand.maximum.kw) > ke * 4 + 0.0001},
    };
    const FaultInfo& row = info(about.kind);
    for (const auto& [check, found] : raised) {
      if (words(row.may).contains(check)) continue;
      EXPECT_EQ(found, words(row.must).contains(check)) << row.name << " " << check;
    }
  }
}

// The sums of metrology reference 3.2, worked out here for the second day.
TEST(VirtualFault, RaisesExactlyTheSumChecksThatItNames) {
  const double r = 0.001, ke = 0.0012;
  for (const Case& about : cases()) {
    const Course faulty = course(about, true);
    const EnergyRegisters& first = faulty.midnights[1];
    const EnergyRegisters& last = faulty.midnights[2];
    double sum = 0;
    for (const Interval& interval : second_day(faulty).kept) sum += interval.delivered_pulses * ke;
    const double delivered = number(last.delivered_kwh) - number(first.delivered_kwh);
    const double received = number(last.received_kwh) - number(first.received_kwh);
    const double net = number(last.net_kwh) - number(first.net_kwh);
    double tiers = 0;
    for (std::size_t i = 0; i < 4; ++i) tiers += number((*last.tiers_kwh)[i]) - number((*first.tiers_kwh)[i]);
    constexpr double kBinary = 1e-9;  // of the doubles here
    const std::map<std::string, bool> raised{
        {"V14", std::abs(sum - delivered) >= r + ke - kBinary},
        {"V15", std::abs(tiers - delivered) >= 5 * r - kBinary},
        {"V16", std::abs(net - (delivered - received)) >= 3 * r - kBinary},
        {"V17", delivered < 0},
    };
    const FaultInfo& row = info(about.kind);
    for (const auto& [check, found] : raised) {
      if (words(row.may).contains(check)) continue;
      EXPECT_EQ(found, words(row.must).contains(check)) << row.name << " " << check;
    }
  }
}

// Intervals of the window, by kind.
TEST(VirtualFault, ChangesIntervalsAsItsAmountSays) {
  for (const Case& about : cases()) {
    if (about.during.find('I') == std::string::npos) continue;
    const auto clean = part(course(about, false), about, true);
    const auto faulty = part(course(about, true), about, true);
    const std::string name{info(about.kind).name};
    ASSERT_FALSE(clean.empty());
    switch (about.kind) {
      case WrongKe:
        for (std::size_t i = 0; i < clean.size(); ++i) {
          EXPECT_EQ(faulty.at(i).delivered_pulses, (clean[i].delivered_pulses * 3 + 1) / 2);
          EXPECT_EQ(faulty.at(i).received_pulses, (clean[i].received_pulses * 3 + 1) / 2);
        }
        break;
      case MissedIntervals:
      case ShiftedStamps:
        EXPECT_TRUE(faulty.empty()) << name;
        break;
      case RepeatedInterval:
        ASSERT_EQ(faulty.size(), clean.size() * 2);
        for (std::size_t i = 0; i < faulty.size(); ++i) EXPECT_EQ(faulty[i], clean[i / 2]);
        break;
      case ConflictingInterval:
        ASSERT_EQ(faulty.size(), 2U);
        EXPECT_EQ(faulty[0], clean[0]);
        EXPECT_EQ(faulty[1].end, clean[0].end);
        EXPECT_EQ(faulty[1].delivered_pulses, clean[0].delivered_pulses + 1);
        break;
      case FrozenIntervals:
        for (const Interval& interval : faulty) {
          EXPECT_EQ(interval.delivered_pulses, clean[0].delivered_pulses);
        }
        break;
      case Spike:
        EXPECT_EQ(faulty.at(0).delivered_pulses, clean[0].delivered_pulses + 6666);
        break;
      case NegativeInterval:
        EXPECT_EQ(faulty.at(0).delivered_pulses, -clean[0].delivered_pulses);
        EXPECT_LT(faulty.at(0).delivered_pulses, 0);
        break;
      case FullChannel:
        EXPECT_EQ(faulty.at(0).delivered_pulses, 65535);
        EXPECT_TRUE(faulty.at(0).flags.has(metrology::Flag::Overflow));
        break;
      case TestModeOn:
      case FaultKind::Outage:
        for (const Interval& interval : faulty) {
          EXPECT_EQ(interval.delivered_pulses, 0);
          EXPECT_TRUE(interval.flags.has(about.kind == TestModeOn ? metrology::Flag::TestMode
                                                                  : metrology::Flag::PowerFail));
        }
        break;
      case ReverseFlow:
        for (std::size_t i = 1; i < clean.size(); ++i) {
          EXPECT_NEAR(faulty.at(i).delivered_pulses, clean[i].received_pulses, 1);
          EXPECT_NEAR(faulty.at(i).received_pulses, clean[i].delivered_pulses, 1);
        }
        break;
      case WeldedSwitch:
        for (std::size_t i = 0; i < clean.size(); ++i) {
          EXPECT_EQ(clean[i].delivered_pulses + clean[i].received_pulses, 0);
          EXPECT_GT(faulty.at(i).delivered_pulses + faulty.at(i).received_pulses, 0);
        }
        break;
      default:
        break;
    }
  }
}

TEST(VirtualFault, CrossedMetersAnswerForEachOtherWithTheirOwnSerials) {
  MeterSetup one = setup_of(1, kStart), two = setup_of(2, kStart);
  one.faults = {{Crossed, kFrom, kTo, {}, 2}};
  two.faults = {{Crossed, kFrom, kTo, {}, 1}};
  VirtualMeter a = meter_of(fine_plan(), one), b = meter_of(fine_plan(), two);
  run(a, kFrom - minutes{1});
  EXPECT_EQ(a.answers_for(), 1U);
  run(a, kFrom);
  run(b, kFrom);
  EXPECT_EQ(a.answers_for(), 2U);
  EXPECT_EQ(b.answers_for(), 1U);
  EXPECT_EQ(a.read().identity.serial, "0000000001");
  EXPECT_NE(a.read().identity.module, b.read().identity.module);
  run(a, kTo);
  EXPECT_EQ(a.answers_for(), 1U);
}

TEST(VirtualFault, BegunBeforeTheMeterCountsFromTheMetersStart) {
  MeterSetup setup = setup_of(1, kStart);
  setup.faults = {{FaultKind::Outage, kStart - hours{5}, kStart + hours{1}, {}, 0},
                  {FaultKind::CoverRemoved, kStart - hours{5}, kStart - hours{4}, {}, 0}};
  VirtualMeter meter = meter_of(fine_plan(), setup);
  const Served served = run(meter, kStart + hours{2});
  EXPECT_EQ(kinds(served.events), (std::vector{EventKind::Outage, Restoration}));
  EXPECT_EQ(served.events[0].true_at, kStart);
}

TEST(VirtualFault, AJammedSwitchFailsItsLatentCloseToo) {
  MeterSetup setup = setup_of(1, kStart);
  setup.faults = {{LoadSideVoltage, kStart + hours{1}, kStart + hours{4}, {}, 0},
                  {JammedSwitch, kStart + hours{3}, kStart + hours{6}, {}, 0}};
  VirtualMeter meter = meter_of(fine_plan(), setup);
  Outbox out;
  ASSERT_TRUE(meter.command(SwitchInput::Disconnect, out));
  meter.advance(kStart + hours{2}, out);
  EXPECT_EQ(meter.command(SwitchInput::Connect, out)->state, SwitchState::OpenPending);
  meter.advance(kStart + hours{5}, out);
  EXPECT_EQ(meter.switch_state(), SwitchState::Open);
  EXPECT_EQ(out.events.back().kind, SwitchCloseFailed);
  EXPECT_EQ(meter.command(SwitchInput::Arm, out)->answer, SwitchAnswer::Refused);
  EXPECT_EQ(out.events.back().kind, SwitchArmFailed);
  const auto before = out.events.size();
  EXPECT_EQ(meter.press_button(out)->answer, SwitchAnswer::Refused);
  EXPECT_EQ(out.events.size(), before);
  meter.advance(kStart + hours{7}, out);
  EXPECT_EQ(meter.command(SwitchInput::Connect, out)->state, SwitchState::Closed);
}

}  // namespace
}  // namespace ami::virtual_meter
