// ReadingType: the 18-part code of IEC 61968-9 (parts and enumerations: metrology reference 4.1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami {

struct ReadingType {
  // Indices into `parts` (the standard counts them from 1).
  enum Part : std::size_t {
    MacroPeriod,
    Aggregate,
    MeasuringPeriod,
    Accumulation,
    FlowDirection,
    Commodity,
    MeasurementKind,
    InterharmonicNumerator,
    InterharmonicDenominator,
    ArgumentNumerator,
    ArgumentDenominator,
    Tou,
    Cpp,
    ConsumptionTier,
    Phases,
    Multiplier,
    Unit,
    Currency
  };
  std::array<std::int32_t, 18> parts{};

  // Exactly 18 integers separated by dots. Parts we have names for are checked against 4.1; others only for
  // range.
  static Result<ReadingType> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::int32_t operator[](Part part) const { return parts[part]; }

  // The form that we emit (metrology reference 4.2). Folded synonyms (modules reference 5.1): TOU energy
  // registers with accumulation 1 -> 9; monthly energy registers 13.0.0.{1,9} -> 0.0.0…;
  // maxima 13.8.0.6, 13.8.2.6, 8.8.2.6 -> 8.8.53.6; bare cumulative demand 0.0.0.{2,3} -> 0.8.53…; voltage
  // now 6 -> 12; voltage aggregates 9 -> 6. Phases stay as they are: only the meter's form says what 128
  // means.
  [[nodiscard]] ReadingType canonical() const;
  // Multiplier 0: the type of a value in the unit itself.
  [[nodiscard]] ReadingType unscaled() const;

  bool operator==(const ReadingType&) const = default;
};

// Same quantity, whatever the scale and whichever accepted spelling: canonical().unscaled() are equal.
bool same_meaning(const ReadingType& a, const ReadingType& b);

// What back offices ask for by name; the reading type is the second, equal truth.
enum class Quantity : std::uint8_t {
  Unknown,
  EnergyDelivered,
  EnergyReceived,
  EnergyNet,
  EnergyTotal,
  DemandMaxDelivered,
  DemandMaxReceived,
  DemandCumulative,
  DemandContinuousCumulative,
  PowerInstantaneous,
  Voltage,
  Current,
  Volume,
  DemandResetCount,
  PulseCount,
  LoadSideEnergised,
  SwitchPosition,
  SwitchArmed,
  Other
};
Quantity quantity_of(const ReadingType& type);
std::string_view name_of(Quantity quantity);    // "ENERGY_DELIVERED"
bool is_interval(const ReadingType& type);      // deltaData, or an aggregate over a measuring period
std::string describe(const ReadingType& type);  // "energy delivered, 15 min delta, TOU A, kWh"

// measuringPeriod code of an interval length in seconds (900 -> 2); nullopt = no code exists. The way back
// also knows demand windows (53 -> 900; a rolling window gives its whole length).
std::optional<int> measuring_period_code(std::int64_t seconds);
std::optional<std::int64_t> measuring_period_seconds(int code);

}  // namespace ami
