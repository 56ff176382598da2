// What stored energy may show of a switch. Values in kWh, quarter hours from 12:00 on unless said otherwise.
#include "daemon/switching/energy_series.h"

#include <gtest/gtest.h>

namespace ami::daemon::switching {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const UtcInstant kNoon = parse_instant("2026-01-15T12:00:00Z").value();
const UtcInstant kLater = kNoon + days{30};

Decimal d(const char* text) {
  return Decimal::parse(text).value();
}

// "-" is a hole.
EnergyChannel channel(std::vector<const char*> values, EnergyFlow flow = EnergyFlow::Delivered,
                      UtcInstant start = kNoon, minutes length = minutes{15}) {
  EnergyChannel out;
  out.flow = flow;
  out.length = length;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::string_view(values[i]) != "-")
      out.slots[start + length * static_cast<std::int64_t>(i)] = {d(values[i]), Weight::Full};
  }
  return out;
}

// Each item as "12:15 0 - 0.5"; a register as "R 1 2".
std::vector<std::string> told(const StoredEnergy& stored, UtcInstant from = kNoon, UtcInstant until = kLater) {
  std::vector<std::string> out;
  for (const EvidenceItem& item : energy_items(stored, kNoon, from, until)) {
    if (const auto* pair = std::get_if<RegisterPair>(&item)) {
      out.push_back("R " + pair->first_kwh.to_string() + " " + pair->second_kwh.to_string());
      continue;
    }
    const auto& run = std::get<IntervalRun>(item);
    std::string line = to_text(run.start).substr(11, 5);
    for (const auto& value : run.values_kwh) line += value ? " " + value->to_string() : " -";
    out.push_back(line);
  }
  return out;
}
using Told = std::vector<std::string>;

Judged::Says says(const StoredEnergy& stored, SwitchAction action) {
  EvidenceMeans means;
  means.interval = minutes{15};
  means.register_step_kwh = d("1");
  EvidenceFrame frame;
  frame.action = action;
  frame.sent_at = frame.since = kNoon;
  auto out = Judged::Says::Nothing;
  for (const EvidenceItem& item : energy_items(stored, kNoon, kNoon, kLater)) {
    const Judged judged = judge(frame, means, item);
    if (judged.says == Judged::Says::Against) return judged.says;
    if (judged.says == Judged::Says::For) out = judged.says;
  }
  return out;
}
using Says = Judged::Says;

TEST(EnergySeries, ZerosInARowAreToldAndMissingOnesEndTheRow) {
  EXPECT_EQ(told({{channel({"0", "0.000", "0"})}, {}}), (Told{"12:00 0 0 0"}));
  EXPECT_EQ(told({{channel({"0", "-", "0", "0", "-", "0"})}, {}}), (Told{"12:30 0 0"}));
  EXPECT_EQ(told({{channel({"0", "-", "0", "-", "0"})}, {}}), Told{}) << "never two in a row";
  EXPECT_EQ(told({{channel({})}, {}}), Told{});
}

TEST(EnergySeries, OneStepOfBeforeHidesNeitherZerosNorLaterEnergy) {
  EXPECT_EQ(says({{channel({"0.001", "0", "0"})}, {}}, SwitchAction::Open), Says::For);
  EXPECT_EQ(says({{channel({"0.001", "-", "5"})}, {}}, SwitchAction::Open), Says::Against);
  EXPECT_EQ(says({{channel({"0.001", "0", "0", "0.001"})}, {}}, SwitchAction::Open), Says::Against)
      << "two steps are energy: only one can be of before";
}

// 25 h apart no row of intervals holds two of them: they are energy all the same.
TEST(EnergySeries, StepsFarApartAreEnergyTogether) {
  EnergyChannel crawling;
  for (const int hour : {0, 25, 50}) crawling.slots[kNoon + hours{hour}] = {d("0.001"), Weight::Full};
  EXPECT_EQ(says({{crawling}, {}}, SwitchAction::Open), Says::Against);
  EnergyChannel shifted;  // the recorder's clock was set in between
  shifted.slots[kNoon] = shifted.slots[kNoon + minutes{52}] = {d("0.001"), Weight::Full};
  EXPECT_EQ(says({{shifted}, {}}, SwitchAction::Open), Says::Against);
  EXPECT_EQ(says({{channel({"0.001"}), channel({"0.001"})}, {}}, SwitchAction::Open), Says::Nothing)
      << "one step of each of two channels may be of before";
  EXPECT_EQ(says({{channel({"0.001"}, EnergyFlow::Delivered, kNoon - hours{25}), channel({"0.001"})}, {}},
                 SwitchAction::Open),
            Says::Nothing)
      << "what was before it counts for nothing";
}

TEST(EnergySeries, LongestRowOfZerosIsTold) {
  EXPECT_EQ(told({{channel({"0", "0", "0.001", "0", "0", "0"})}, {}}), (Told{"12:30 0.001", "12:45 0 0 0"}));
  EXPECT_EQ(told({{channel({"0", "0", "0", "-", "0", "0"})}, {}}), (Told{"12:00 0 0 0"}));
}

TEST(EnergySeries, EnergyBehindAHoleIsEnergy) {
  EXPECT_EQ(told({{channel({"0", "0", "-", "0.25"})}, {}}), (Told{"12:45 0.25", "12:00 0 0"}));
  EXPECT_EQ(says({{channel({"0", "0", "-", "0.25"})}, {}}, SwitchAction::Open), Says::Against);
  EXPECT_EQ(says({{channel({"-", "-", "0.25"})}, {}}, SwitchAction::Close), Says::For);
}

TEST(EnergySeries, ReceivedEnergyCountsAsEnergyAndItsZerosAsNothing) {
  EXPECT_EQ(told({{channel({"0", "0", "0"}, EnergyFlow::Received)}, {}}), Told{});
  const StoredEnergy generator{{channel({"0", "0", "0"}), channel({"0", "0.5", "0"}, EnergyFlow::Received)}, {}};
  EXPECT_EQ(says(generator, SwitchAction::Open), Says::Against);
  EXPECT_EQ(says(generator, SwitchAction::Close), Says::For);
  EXPECT_EQ(says({{channel({"0", "0", "0"}), channel({"0", "0", "0"}, EnergyFlow::Received)}, {}}, SwitchAction::Open),
            Says::For);
}

TEST(EnergySeries, TwoChannelsOfDeliveredEnergyMustBothBeZero) {
  EXPECT_EQ(told({{channel({"0", "0", "0"}), channel({"0", "0", "0"})}, {}}), (Told{"12:00 0 0 0"}));
  EXPECT_EQ(told({{channel({"0", "0", "0"}), channel({"0", "-", "0"})}, {}}), Told{})
      << "a hole of one is not filled by the other's zero";
  EXPECT_EQ(says({{channel({"0", "0", "0"}), channel({"0", "0.7", "0"})}, {}}, SwitchAction::Open), Says::Against);
}

TEST(EnergySeries, ChannelThatIsLateStillCounts) {
  // The first one told before the open and has not come since: its file is late.
  const StoredEnergy late{{channel({"0.4", "0.4"}, EnergyFlow::Delivered, kNoon - hours{5}), channel({"0", "0", "0"})}, {}};
  EXPECT_EQ(told(late), Told{});
}

TEST(EnergySeries, ModuleExchangedMeansAnotherChannelAfterAFewDays) {
  // The old module's channel ended 4 days ago; the new one has its own.
  const UtcInstant old_end = kNoon - days{4};
  const StoredEnergy exchanged{{channel({"0.4", "0.4"}, EnergyFlow::Delivered, old_end), channel({"0", "0"})}, {}};
  EXPECT_EQ(told(exchanged), (Told{"12:00 0 0"}));
}

TEST(EnergySeries, WhatWasNotMeasuredCountsForNothing) {
  const auto quality = [](const char* code) {
    ValueQuality out;
    out.codes = {QualityCode::parse(code).value()};
    return weight_of(out);
  };
  EXPECT_EQ(weight_of(ValueQuality{}), Weight::Full) << "raw";
  EXPECT_EQ(quality("2.0.0"), Weight::Full);
  EXPECT_EQ(quality("1.4.16"), Weight::Full) << "summer time";
  EXPECT_EQ(quality("2.6.2"), Weight::Full) << "use while inactive is what is looked for";
  for (const char* code : {"2.8.0", "2.7.0", "2.11.0", "2.12.0", "2.10.0", "2.5.258", "1.4.5", "1.4.1", "2.9.0"})
    EXPECT_EQ(quality(code), Weight::Nothing) << code;
  for (const char* code : {"1.2.32", "1.4.2", "1.4.3", "1.1.9"}) EXPECT_EQ(quality(code), Weight::EnergyOnly) << code;

  EnergyChannel estimated = channel({"0", "0", "0"});
  estimated.slots[kNoon + minutes{15}].weight = Weight::Nothing;
  EXPECT_EQ(told({{estimated}, {}}), Told{});
  EnergyChannel guessed = channel({"0.5", "0.5"});
  for (auto& [start, value] : guessed.slots) value.weight = Weight::Nothing;
  EXPECT_EQ(told({{guessed}, {}}), Told{}) << "estimated energy is no energy";
  EnergyChannel outage = channel({"0", "0", "0.5"});
  for (auto& [start, value] : outage.slots) value.weight = Weight::EnergyOnly;
  EXPECT_EQ(told({{outage}, {}}), (Told{"12:30 0.5"})) << "an outage is zero, opened or not; its energy is energy";
}

TEST(EnergySeries, OnlyWholeIntervalsOfItsTimeCount) {
  const StoredEnergy stored{{channel({"0.5", "0", "0", "0.9"})}, {}};
  EXPECT_EQ(told(stored, kNoon + minutes{15}, kNoon + minutes{45}), (Told{"12:15 0 0"}));
  EXPECT_EQ(told(stored, kNoon + minutes{15}, kNoon + minutes{59}), (Told{"12:15 0 0"})) << "the last had not ended";
}

TEST(EnergySeries, LengthsAreApart) {
  const StoredEnergy both{
      {channel({"0"}), channel({"0", "0"}, EnergyFlow::Delivered, kNoon + hours{1}, minutes{60})}, {}};
  EXPECT_EQ(told(both), (Told{"13:00 0 0"}));
  EnergyChannel broken = channel({"0", "0"});
  broken.length = std::chrono::seconds{0};
  EXPECT_EQ(told({{broken}, {}}), Told{});
}

TEST(EnergySeries, ValuesBeyond32BitsStayExact) {
  EXPECT_EQ(told({{channel({"9223372036854.775807", "0", "0"})}, {}}),
            (Told{"12:00 9223372036854.775807", "12:15 0 0"}));
  // Their sum does not fit: energy all the same.
  EXPECT_EQ(says({{channel({"9223372036854775.807", "9223372036854775.807"})}, {}}, SwitchAction::Open), Says::Against);
}

TEST(EnergySeries, NegativeValuesAreNeitherZeroNorEnergy) {
  EXPECT_EQ(told({{channel({"-0.5", "-1"})}, {}}), Told{});
}

Dial dial(std::vector<std::pair<int, const char*>> readings, EnergyFlow flow = EnergyFlow::Delivered) {
  Dial out;
  out.flow = flow;
  for (const auto& [hour, value] : readings) out.readings.push_back({kNoon + hours{hour}, d(value)});
  return out;
}

TEST(EnergySeries, RegistersArePairedOverTheirTime) {
  EXPECT_EQ(told({{}, {dial({{-1, "1"}, {0, "7"}, {10, "7"}, {20, "7"}})}}), (Told{"R 7 7"}));
  EXPECT_EQ(told({{}, {dial({{0, "7"}})}}), Told{}) << "one reading is no pair";
  EXPECT_EQ(told({{}, {dial({{0, "7"}, {20, "9"}}), dial({{0, "3"}, {20, "3"}})}}), (Told{"R 7 9"}))
      << "one that stands still beside one that rises";
  EXPECT_EQ(told({{}, {dial({{0, "7"}, {20, "7"}}, EnergyFlow::Received)}}), Told{});
  EXPECT_EQ(told({{}, {dial({{0, "7"}, {20, "9"}}, EnergyFlow::Received)}}), (Told{"R 7 9"}));
}

TEST(EnergySeries, DialThatWasSetBackIsLeftToTheJudge) {
  EXPECT_EQ(says({{}, {dial({{0, "9000"}, {30, "3"}})}}, SwitchAction::Open), Says::Nothing);
}

}  // namespace
}  // namespace ami::daemon::switching
