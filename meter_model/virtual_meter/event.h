// Events that a meter and its module report, with their canonical codes (metrology reference 4.4).
#pragma once

#include <cstdint>
#include <string_view>

#include "meter_model/time/instant.h"

namespace ami::virtual_meter {

enum class EventKind : std::uint8_t {
  Outage,
  LastGasp,
  Restoration,
  ModuleRestoration,
  CoverRemoved,
  ReverseEnergy,
  SwitchOpened,
  SwitchClosed,
  SwitchArmed,
  SwitchNotArmed,
  SwitchOpenFailed,
  SwitchCloseFailed,
  SwitchArmFailed,
  LoadSideVoltageWhileOpen,
  LowBattery,
  LowBatteryCleared,
  ClockAdjusted,
  DemandReset,
  TestModeStart,
  TestModeStop,
  ConfigChanged,
  RamError,
  OverTemperature,
};
inline constexpr int kEventKinds = 23;

std::string_view name_of(EventKind kind);  // "OUTAGE", as the table of record (config/codes/events.yaml)
std::string_view code_of(EventKind kind);  // "3.26.0.47"

// The meter and the module that sits in it each keep a log of their own and number it from 1.
enum class Reporter : std::uint8_t { Meter, Module };

struct Event {
  EventKind kind{};
  Reporter reporter = Reporter::Meter;
  std::uint32_t sequence = 0;  // in the reporter's log, without gaps
  UtcInstant at{};             // as the meter's clock showed it
  UtcInstant true_at{};
};

}  // namespace ami::virtual_meter
