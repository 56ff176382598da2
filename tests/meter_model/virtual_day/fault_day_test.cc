// Each injected fault raises exactly its own codes: all that its row of fault.cc says must be raised, none
// that it does not name.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "meter_model/virtual_meter/fault.h"
#include "tests/meter_model/virtual_day/day_judge.h"
#include "tests/meter_model/virtual_day/injection.h"

namespace ami::virtual_day {
namespace {

using virtual_meter::FaultInfo;
using virtual_meter::FaultKind;
using enum virtual_meter::FaultKind;
using Year = std::chrono::year;

std::set<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::set<std::string> out;
  for (std::string word; in >> word;) out.insert(word);
  return out;
}

constexpr int kVariants = 25;  // of each fault

// What a kind raises, by metrology reference 3.2 (last column).
struct Row {
  FaultKind kind;
  std::set<std::string> codes;
};
std::vector<Row> rows() {
  return {
      {WrongKe, {"V14 2.6.0"}},
      {WrongMultiplier, {"V14 2.6.0"}},
      {Crossed, {"V01 2.5.257"}},
      {StuckRegisters, {"V14 2.6.0"}},
      {StuckNet, {"V16 2.6.0"}},
      {StuckTier, {"V15 2.6.9"}},
      {RegisterDrop, {"V14 2.6.0", "V16 2.6.0", "V17 2.5.258"}},
      {MissedIntervals, {"V07 2.5.259"}},
      {RepeatedInterval, {}},
      {ConflictingInterval, {"V07 2.5.258"}},
      {FrozenIntervals, {"V21 2.5.258"}},
      {Spike, {"V14 2.6.0", "V18 2.6.3", "V23 2.6.0"}},
      {NegativeInterval, {"V13 2.5.256"}},
      {FullChannel, {"V08 2.4.1", "V14 2.6.0"}},
      {ShiftedStamps, {"V24 2.5.257"}},
      {ProgrammeChanged, {"V26 2.4.6"}},
      {Diagnostic, {"V05 2.1.7"}},
      {ClockOff, {"V03 2.1.9"}},
      {TestModeOn, {"V09 2.4.5"}},
      {LostDemandReset, {}},
      {ReverseFlow, {"V13 2.3.4"}},
      {WeldedSwitch, {"V22 2.6.2"}},
      {JammedSwitch, {}},
      {LoadSideVoltage, {}},
      {Outage, {"V10 2.2.32"}},
      {CoverRemoved, {}},
      {LowBattery, {}},
      {OverTemperature, {}},
  };
}

class InjectedFault : public testing::TestWithParam<Row> {};

TEST_P(InjectedFault, RaisesExactlyItsOwnCodes) {
  const Row& row = GetParam();
  const FaultInfo& about = virtual_meter::info(row.kind);
  const auto must = words(about.must);
  auto allowed = words(about.may);
  allowed.insert(must.begin(), must.end());
  for (const std::string& code : row.codes) EXPECT_TRUE(must.contains(code.substr(0, 3))) << code;

  std::mt19937_64 random(7000 + static_cast<std::uint64_t>(row.kind));
  Sites sites;
  for (int variant = 0; variant < kVariants; ++variant) {
    const Script script = injected(row.kind, random);
    SCOPED_TRACE(describe(script));
    Script twin = script;
    twin.faults.clear();
    const auto clean = judge_days(heard_from(run(twin, sites), twin), twin.date);
    EXPECT_TRUE(checks_of(clean).empty()) << "without the fault:\n" << to_text(clean);

    const Course course = run(script, sites);
    const auto days = judge_days(heard_from(course, script), script.date);
    const auto checks = checks_of(days), codes = codes_of(days);
    for (const std::string& check : must)
      EXPECT_TRUE(checks.contains(check)) << check << '\n' << to_text(days);
    for (const std::string& check : checks)
      EXPECT_TRUE(allowed.contains(check)) << check << '\n' << to_text(days);
    const bool by_an_interval = row.kind == ClockOff && codes.contains("V03 2.4.9");
    for (const std::string& code : row.codes) {
      if (!by_an_interval) {
        EXPECT_TRUE(codes.contains(code)) << code << '\n' << to_text(days);
      }
    }
    // A check gives the codes that its row of the table has, and no others.
    for (const JudgedDay& day : days) {
      for (const vee::Finding& finding : day.findings) {
        const auto own = vee::info(finding.check).codes;
        EXPECT_NE(std::ranges::find(own, finding.quality), own.end()) << to_text(days);
      }
    }
    // The day before the fault is as it would have been, unless the clock went back into it.
    if (row.kind != ClockOff) {
      EXPECT_TRUE(days.front().findings.empty()) << to_text(days);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, InjectedFault, testing::ValuesIn(rows()), [](const auto& row) {
  return std::string(virtual_meter::info(row.param.kind).name);
});

TEST(InjectedFaults, AreAllThatThereAre) {
  std::set<FaultKind> kinds;
  for (const Row& row : rows()) kinds.insert(row.kind);
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(virtual_meter::kFaultKinds));
}

// A head-end that multiplies with what the meter states carries the wrong constant into every value.
TEST(InjectedFaults, AProgrammeChangedWithItsNewKeInTheValuesRaisesOnlyWhatItsRowNames) {
  const FaultInfo& about = virtual_meter::info(ProgrammeChanged);
  auto allowed = words(about.may);
  allowed.merge(words(about.must));
  std::mt19937_64 random(99);
  Sites sites;
  for (int variant = 0; variant < kVariants; ++variant) {
    const Script script = injected(ProgrammeChanged, random);
    const Course course = run(script, sites);
    Heard heard = heard_from(course, script);
    const Decimal stated = script.faults[0].amount;
    const UtcInstant from = course.day.from + script.faults[0].from;
    for (HeardChannel& channel : heard.channels) {
      for (HeardValue& value : channel.values) {
        if (value.end <= from) continue;
        const std::int64_t pulses = value.value.mantissa / script.program.ke_wh.mantissa;
        value.value = stated.times({pulses, 0}).value();
      }
    }
    const auto days = judge_days(heard, script.date);
    const auto checks = checks_of(days);
    EXPECT_TRUE(checks.contains("V14")) << describe(script);
    EXPECT_TRUE(checks.contains("V26")) << describe(script);
    for (const std::string& check : checks)
      EXPECT_TRUE(allowed.contains(check)) << check << ' ' << describe(script) << '\n' << to_text(days);
  }
}

}  // namespace
}  // namespace ami::virtual_day
