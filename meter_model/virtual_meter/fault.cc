#include "meter_model/virtual_meter/fault.h"

#include <array>
#include <cstddef>

namespace ami::virtual_meter {
namespace {

using enum FaultKind;
using enum FaultNeeds;

constexpr Decimal kNone{};

constexpr std::array<FaultInfo, kFaultKinds> kFaults{{
    {WrongKe,
     "wrong_ke",
     "factor on the pulses of the recorder",
     {1, -1},
     {10, 0},
     Recorder,
     "V14",
     "V12 V18 V19 V20 V21 V23",
     "pulses of both channels times the factor, rounded; registers and stated Ke stay"},
    {WrongMultiplier,
     "wrong_multiplier",
     "factor on the energy registers",
     {1, -2},
     {1000, 0},
     Nothing,
     "V14",
     "V15 V17 V19",
     "delivered, received, net and tiers times the factor; recorder and demand stay"},
    {Crossed, "crossed", "", kNone, kNone, Nothing, "V01", "V03 V06 V07 V14 V15 V16 V17 V18 V19 V23",
     "answers under the other meter's number, with its own serial and module"},
    {StuckRegisters, "stuck_registers", "", kNone, kNone, Nothing, "V14", "V19",
     "all energy registers keep the value of `from`; recorder and demand go on"},
    {StuckNet, "stuck_net", "", kNone, kNone, Nothing, "V16", "",
     "the net register keeps the value of `from`"},
    {StuckTier,
     "stuck_tier",
     "index of the tier, 0 = A",
     {0, 0},
     {3, 0},
     Tiers,
     "V15",
     "",
     "the register of one tier keeps the value of `from`"},
    {RegisterDrop,
     "register_drop",
     "kWh, more than the day uses",
     {1, 0},
     {1000000, 0},
     Nothing,
     "V14 V16 V17",
     "V15 V19",
     "the delivered register is lower by the amount, not below zero"},
    {MissedIntervals, "missed_intervals", "", kNone, kNone, Recorder, "V07", "V06 V14 V18",
     "the recorder's intervals are not served"},
    {RepeatedInterval, "repeated_interval", "", kNone, kNone, Recorder, "", "",
     "each interval is served twice, alike: no check may speak"},
    {ConflictingInterval, "conflicting_interval", "", kNone, kNone, Recorder, "V07", "V14",
     "each interval is served twice, the second time with one more delivered pulse"},
    {FrozenIntervals, "frozen_intervals", "", kNone, kNone, Recorder, "V21", "V14 V18 V19 V20 V22 V23",
     "delivered pulses of the first interval repeat; eight intervals are needed to tell"},
    {Spike,
     "spike",
     "Wh added to an interval",
     {1, 0},
     {100000, 0},
     Recorder,
     "V14 V18 V23",
     "V12 V19",
     "delivered pulses are higher by the amount; meant for one interval, and well above the day's greatest"},
    {NegativeInterval, "negative_interval", "", kNone, kNone, Recorder, "V13", "V14 V18 V19 V20",
     "delivered pulses with a minus sign"},
    {FullChannel, "full_channel", "", kNone, kNone, Recorder, "V08 V14", "V12 V18 V19 V21 V23",
     "the delivered channel is at its greatest count, with OVERFLOW"},
    {ShiftedStamps,
     "shifted_stamps",
     "seconds ahead",
     {3600, 0},
     {2000000000, 0},
     Recorder,
     "V24",
     "V03 V06 V07 V14 V18",
     "ends of intervals are later; the clock itself is right"},
    {ProgrammeChanged,
     "programme_changed",
     "Ke in Wh that the meter states",
     {1, -3},
     {1000, 0},
     Nothing,
     "V26",
     "V01 V12 V14 V19 V23",
     "the stated Ke; CONFIG_CHANGED at `from`; pulses stay what they were"},
    {Diagnostic, "diagnostic", "", kNone, kNone, Nothing, "V05", "", "diagnostic bit; RAM_ERROR at `from`"},
    {ClockOff,
     "clock_off",
     "seconds, ahead is positive",
     {-86400, 0},
     {86400, 0},
     Nothing,
     "V03",
     "V06 V07 V11 V14 V17 V18 V23 V24",
     "the clock is set so at `from` and back at `to`, CLOCK_ADJUSTED each time; more than 180 s to tell"},
    {TestModeOn, "test_mode_on", "", kNone, kNone, Nothing, "V09", "V06 V18 V19 V20",
     "registers, tiers, recorder and demand rest; TEST_MODE_START and TEST_MODE_STOP"},
    {LostDemandReset, "lost_demand_reset", "", kNone, kNone, Nothing, "", "V23",
     "a demand reset is answered as done but nothing happens: only count and maximum tell"},
    {ReverseFlow, "reverse_flow", "", kNone, kNone, Nothing, "V13", "V18 V19 V20",
     "delivered and received change places; REVERSE_ENERGY at `from`; V13 needs a one-way programme"},
    {WeldedSwitch, "welded_switch", "", kNone, kNone, Switch, "V22", "",
     "an open switch carries current; visible only while the switch says open"},
    {JammedSwitch, "jammed_switch", "", kNone, kNone, Switch, "", "",
     "commands fail with SWITCH_OPEN_FAILED, SWITCH_CLOSE_FAILED or SWITCH_ARM_FAILED; the button does "
     "nothing"},
    {LoadSideVoltage, "load_side_voltage", "", kNone, kNone, Switch, "", "",
     "a generator holds voltage behind an open switch; LOAD_SIDE_VOLTAGE_WHILE_OPEN"},
    {Outage, "outage", "", kNone, kNone, Nothing, "V10", "V06 V18 V19 V20",
     "nothing is measured; intervals with POWER_FAIL; OUTAGE and RESTORATION"},
    {CoverRemoved, "cover_removed", "", kNone, kNone, Nothing, "", "", "COVER_REMOVED at `from`"},
    {LowBattery, "low_battery", "", kNone, kNone, Nothing, "", "", "LOW_BATTERY, then LOW_BATTERY_CLEARED"},
    {OverTemperature, "over_temperature", "", kNone, kNone, Nothing, "", "", "OVER_TEMPERATURE at `from`"},
}};

}  // namespace

std::span<const FaultInfo> all_faults() {
  return kFaults;
}

const FaultInfo& info(FaultKind kind) {
  return kFaults.at(static_cast<std::size_t>(kind));
}

std::optional<FaultKind> fault_named(std::string_view name) {
  for (const FaultInfo& row : kFaults) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

}  // namespace ami::virtual_meter
