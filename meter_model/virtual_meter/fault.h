// What may be wrong with a virtual meter, as data: from, to, how much, and which VEE checks must notice.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::virtual_meter {

enum class FaultKind : std::uint8_t {
  // In what is served; the meter itself counts on undisturbed.
  WrongKe,
  WrongMultiplier,
  Crossed,
  StuckRegisters,
  StuckNet,
  StuckTier,
  RegisterDrop,
  MissedIntervals,
  RepeatedInterval,
  ConflictingInterval,
  FrozenIntervals,
  Spike,
  NegativeInterval,
  FullChannel,
  ShiftedStamps,
  ProgrammeChanged,
  Diagnostic,
  // In the meter.
  ClockOff,
  TestModeOn,
  LostDemandReset,
  ReverseFlow,
  WeldedSwitch,
  JammedSwitch,
  // Around it: not faults of the meter, but of the same shape.
  LoadSideVoltage,
  Outage,
  CoverRemoved,
  LowBattery,
  OverTemperature,
};
inline constexpr int kFaultKinds = 28;

// In force in [from, to). Intervals: those whose end, as stamped by the meter, lies in (from, to].
struct Fault {
  FaultKind kind{};
  UtcInstant from{};
  UtcInstant to{};
  Decimal amount{};         // see FaultInfo; 0 where the kind has none
  std::uint32_t other = 0;  // Crossed: number of the other meter, which needs the same fault with this one's
};

enum class FaultNeeds : std::uint8_t { Nothing, Recorder, Switch, Tiers };

struct FaultInfo {
  FaultKind kind;
  std::string_view name;    // "wrong_ke"
  std::string_view amount;  // what it means, with its unit; "" = none
  Decimal least, most;
  FaultNeeds needs;
  // Checks of metrology reference 3.2, blank between them. `must`: each raises its code for a civil day that
  // the fault makes visible as `shows` says (for kinds of a register: read at the day's two midnights);
  // `may`: it depends on the amount, on the loads, on where it begins and ends, and on what VEE does after a
  // first finding. Every other check stays silent.
  std::string_view must, may;
  std::string_view shows;
};
std::span<const FaultInfo> all_faults();  // in the order of FaultKind
const FaultInfo& info(FaultKind kind);
std::optional<FaultKind> fault_named(std::string_view name);

inline bool in_force(const Fault& fault, UtcInstant at) {
  return at >= fault.from && at < fault.to;
}
inline bool covers_end(const Fault& fault, UtcInstant end) {
  return end > fault.from && end <= fault.to;
}

}  // namespace ami::virtual_meter
