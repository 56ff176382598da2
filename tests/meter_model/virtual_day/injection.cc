#include "tests/meter_model/virtual_day/injection.h"

#include <algorithm>
#include <initializer_list>

namespace ami::virtual_day {

using virtual_meter::FaultKind;
using enum virtual_meter::FaultKind;

namespace {

constexpr minutes kLong{2 * 1440};  // beyond the day's end

}  // namespace

Script injected(FaultKind kind, std::mt19937_64& random) {
  Script script = any_script(random);
  script.model = {true, true};
  script.tiers = true;
  script.received_channel = true;
  script.drift_ppb = 0;
  script.program.digits = 8;  // fine registers: half an hour's energy is seen
  script.program.decimals = 3;
  script.initial_delivered_kwh = 12'000;

  const auto at = [&](int first_h, int last_h) {
    return minutes{60 * first_h +
                   static_cast<int>(below(random, static_cast<std::uint64_t>(last_h - first_h) * 60))};
  };
  const auto one_of = [&](std::initializer_list<Decimal> all) {
    return all.begin()[below(random, all.size())];
  };
  Injected fault{.kind = kind};
  switch (kind) {
    case WrongMultiplier:
      fault = {kind, at(1, 18), kLong, one_of({{2, 0}, {5, -1}, {40, 0}, {1, -1}, {1000, 0}})};
      break;
    case RegisterDrop:
      fault = {kind, at(1, 22), kLong, one_of({{500, 0}, {2000, 0}, {11'000, 0}})};
      break;
    case StuckTier:  // A: nights
      fault = {kind, at(1, 5), kLong, {0, 0}};
      break;
    case Crossed:
      fault = {kind, at(1, 22), kLong, {}, script.number + 1};
      break;
    case ProgrammeChanged:
      fault = {kind, at(1, 22), kLong, one_of({{72, -1}, {24, -1}})};
      break;
    case StuckRegisters:
    case StuckNet:
    case Diagnostic:
      fault = {kind, at(1, 18), kLong};
      break;
    case ClockOff:
      fault = {kind, at(2, 8), at(10, 20), one_of({{400, 0}, {-400, 0}, {7200, 0}, {-5000, 0}, {86'400, 0}})};
      break;
    case WrongKe:
      fault = {kind, at(1, 8), at(14, 23), one_of({{2, 0}, {5, -1}, {15, -1}, {6, 0}, {10, 0}, {1, -1}})};
      break;
    case Spike: {  // well above the day's greatest interval
      fault = {kind, at(3, 20), {}, {}};
      script.program.interval = minutes{15};
      script.program.demand = {};
      fault.from -= fault.from % minutes{60};
      fault.to = fault.from + std::chrono::duration_cast<minutes>(script.program.interval);
      const double mean_wh = static_cast<double>(script.premises.annual_kwh) / 8766 *
                             static_cast<double>(script.program.interval.count()) / 3.6;
      fault.amount = {std::min<std::int64_t>(3'000 + static_cast<std::int64_t>(20 * mean_wh), 70'000), 0};
      script.premises.solar_kw = 0;
      script.premises.heating_w_per_k = 0;
      break;
    }
    case FrozenIntervals:  // from the evening's first interval: no sun, so not zero
      fault = {kind, minutes{19 * 60 + 30}, kLong};
      script.program.interval = minutes{15};
      script.premises.solar_kw = 0;
      break;
    case ShiftedStamps:
      fault = {kind, minutes{20 * 60}, kLong, one_of({{86'400, 0}, {14'400, 0}, {1'300'000'000, 0}})};
      break;
    case ReverseFlow:
      fault = {kind, at(2, 8), at(10, 22)};
      script.received_channel = false;
      script.premises.solar_kw = 0;
      break;
    case WeldedSwitch:
    case LoadSideVoltage:
      fault = {kind, at(3, 6), at(12, 22)};
      script.commands = {{minutes{90}, Act::Disconnect}};
      break;
    case JammedSwitch:
      fault = {kind, minutes{60}, at(12, 22)};
      script.commands = {{minutes{90}, Act::Disconnect}};
      break;
    case LostDemandReset:
      fault = {kind, at(1, 4), at(12, 22)};
      script.commands = {{minutes{600}, Act::DemandReset}};
      break;
    default:
      fault = {kind, at(1, 6), at(12, 22)};
      break;
  }
  if (kind == WeldedSwitch) script.premises.solar_kw = 0;
  script.faults = {fault};
  return script;
}

}  // namespace ami::virtual_day
