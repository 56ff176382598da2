#include "meter_model/quantity/reading_type.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <span>

#include "meter_model/quantity/quoted.h"
#include "meter_model/quantity/reading_type_names.h"

namespace ami {
namespace {

using Part = ReadingType::Part;

// Parts whose values have names: each value must be in its list.
std::span<const CodeName> names_of(Part part) {
  switch (part) {
    case Part::MacroPeriod:
      return macro_period_names();
    case Part::Aggregate:
      return aggregate_names();
    case Part::MeasuringPeriod:
      return measuring_period_names();
    case Part::Accumulation:
      return accumulation_names();
    case Part::FlowDirection:
      return flow_direction_names();
    case Part::Commodity:
      return commodity_names();
    case Part::MeasurementKind:
      return measurement_kind_names();
    case Part::Phases:
      return phase_names();
    case Part::Unit:
      return unit_names();
    default:
      return {};
  }
}

constexpr std::array<std::string_view, 18> kPartNames = {"macroPeriod",
                                                         "aggregate",
                                                         "measuringPeriod",
                                                         "accumulation",
                                                         "flowDirection",
                                                         "commodity",
                                                         "measurementKind",
                                                         "interharmonic num.",
                                                         "interharmonic den.",
                                                         "argument num.",
                                                         "argument den.",
                                                         "tou",
                                                         "cpp",
                                                         "consumptionTier",
                                                         "phases",
                                                         "multiplier",
                                                         "uom",
                                                         "currency"};

constexpr std::int32_t kLargestMultiplier = 12;  // pico to tera: what scales in the field stay inside of
constexpr std::int32_t kLargestOther = 65535;

bool acceptable(Part part, std::int32_t value) {
  if (part == Part::Multiplier) return value >= -kLargestMultiplier && value <= kLargestMultiplier;
  const auto names = names_of(part);
  if (names.empty()) return value >= 0 && value <= kLargestOther;
  return !name_of_code(names, value).empty();
}

// One part: an integer without plus sign or leading zeros, so that printing gives the text back.
bool read_part(std::string_view text, std::int32_t& value) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0') || text == "-0") return false;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size();
}

bool one_of(std::int32_t value, std::initializer_list<std::int32_t> wanted) {
  return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

constexpr std::int32_t kMonthly = 13, kBilling = 8;
constexpr std::int32_t kAverage = 2, kMaximum = 8, kMinimum = 9;
constexpr std::int32_t kInterval15 = 2, kFixedBlock15 = 53;
constexpr std::int32_t kBulk = 1, kContinuousCumulative = 2, kCumulative = 3, kDelta = 4, kIndicating = 6,
                       kSummation = 9, kTimeDelay = 10, kInstantaneous = 12;
constexpr std::int32_t kForward = 1, kNet = 4, kReverse = 19, kTotal = 20, kTotalByPhase = 21;
constexpr std::int32_t kCurrent = 4, kDemand = 8, kEnergy = 12, kLoadSide = 13, kPower = 37,
                       kSwitchPosition = 43, kVoltage = 54, kVolume = 58, kDemandReset = 122,
                       kSwitchArmed = 146;
constexpr std::int32_t kAmpere = 5, kVolt = 29, kWatt = 38, kWatthour = 72, kCount = 111;

bool is_electricity(const ReadingType& type) {
  return one_of(type[Part::Commodity], {1, 2});
}

void fold_energy(ReadingType& type) {
  auto& p = type.parts;
  const bool register_read = p[Part::MeasuringPeriod] == 0 && p[Part::Aggregate] == 0 &&
                             one_of(p[Part::Accumulation], {kBulk, kSummation});
  if (!register_read) return;
  // A TOU register counts selectively in time; many systems write it as a bulk quantity.
  if (p[Part::Tou] > 0) p[Part::Accumulation] = kSummation;
  // Monthly is how one feed labels its running dial registers, bulk and TOU alike. The billing-period bulk
  // code (8.0.0.1…) is a type of its own and stays.
  if (p[Part::MacroPeriod] == kMonthly) p[Part::MacroPeriod] = 0;
}

void fold_demand(ReadingType& type) {
  auto& p = type.parts;
  const std::int32_t accumulation = p[Part::Accumulation];
  if (accumulation == kIndicating && p[Part::Aggregate] == kMaximum) {
    const bool monthly = p[Part::MacroPeriod] == kMonthly;
    // A monthly maximum is the billing period's; one that names no window is met for the 15-minute block.
    // 8.8.0.6… (billing period, no window) is met nowhere: which window it means is not known, so it stays.
    if (monthly) p[Part::MacroPeriod] = kBilling;
    if (p[Part::MacroPeriod] == kBilling &&
        (p[Part::MeasuringPeriod] == kInterval15 || (monthly && p[Part::MeasuringPeriod] == 0))) {
      p[Part::MeasuringPeriod] = kFixedBlock15;
    }
    return;
  }
  // Cumulative demand is the sum of maxima; written bare it means those of the 15-minute block.
  if (one_of(accumulation, {kCumulative, kContinuousCumulative}) && p[Part::MacroPeriod] == 0 &&
      p[Part::Aggregate] == 0 && p[Part::MeasuringPeriod] == 0) {
    p[Part::Aggregate] = kMaximum;
    p[Part::MeasuringPeriod] = kFixedBlock15;
  }
}

void fold_voltage(ReadingType& type) {
  auto& p = type.parts;
  if (p[Part::MacroPeriod] != 0) return;
  if (p[Part::Aggregate] == 0 && p[Part::MeasuringPeriod] == 0 && p[Part::Accumulation] == kIndicating) {
    p[Part::Accumulation] = kInstantaneous;
  }
  if (one_of(p[Part::Aggregate], {kAverage, kMaximum, kMinimum}) && p[Part::MeasuringPeriod] != 0 &&
      p[Part::Accumulation] == kSummation) {
    p[Part::Accumulation] = kIndicating;
  }
}

}  // namespace

Result<ReadingType> ReadingType::parse(std::string_view text) {
  ReadingType type;
  std::string_view rest = text;
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    const std::size_t dot = rest.find('.');
    const bool last = i + 1 == type.parts.size();
    if (last != (dot == std::string_view::npos)) {
      return permanent("reading type needs exactly 18 parts separated by dots: " + quoted(text));
    }
    const auto part = static_cast<Part>(i);
    const std::string_view piece = rest.substr(0, dot);
    const auto where = [&] {
      return " in part " + std::to_string(i + 1) + " (" + std::string(kPartNames[i]) + ") of reading type " +
             quoted(text, 120);
    };
    if (!read_part(piece, type.parts[i])) return permanent("not an integer: " + quoted(piece) + where());
    if (!acceptable(part, type.parts[i])) return permanent("unknown value " + quoted(piece) + where());
    rest.remove_prefix(last ? rest.size() : dot + 1);
  }
  return type;
}

std::string ReadingType::to_string() const {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += '.';
    out += std::to_string(parts[i]);
  }
  return out;
}

ReadingType ReadingType::canonical() const {
  ReadingType type = *this;
  switch (type[Part::MeasurementKind]) {
    case kEnergy:
      if (is_electricity(type)) fold_energy(type);
      break;
    case kDemand:
      if (is_electricity(type)) fold_demand(type);
      break;
    case kVoltage:
      fold_voltage(type);
      break;
    default:
      break;
  }
  return type;
}

ReadingType ReadingType::unscaled() const {
  ReadingType type = *this;
  type.parts[Multiplier] = 0;
  return type;
}

bool same_meaning(const ReadingType& a, const ReadingType& b) {
  return a.canonical().unscaled() == b.canonical().unscaled();
}

namespace {

Quantity energy_quantity(const ReadingType& type) {
  if (!is_electricity(type)) return Quantity::Other;
  if (type[Part::Unit] == kCount) return Quantity::PulseCount;
  if (type[Part::Unit] != kWatthour) return Quantity::Other;
  switch (type[Part::FlowDirection]) {
    case kForward:
      return Quantity::EnergyDelivered;
    case kReverse:
      return Quantity::EnergyReceived;
    case kNet:
      return Quantity::EnergyNet;
    case kTotal:
    case kTotalByPhase:
      return Quantity::EnergyTotal;  // one phase: by phase or not is the same
    default:
      return Quantity::Other;
  }
}

Quantity demand_quantity(const ReadingType& type) {
  if (!is_electricity(type) || type[Part::Unit] != kWatt || type[Part::Aggregate] != kMaximum)
    return Quantity::Other;
  const std::int32_t accumulation = type[Part::Accumulation];
  if (accumulation == kCumulative) return Quantity::DemandCumulative;
  if (accumulation == kContinuousCumulative) return Quantity::DemandContinuousCumulative;
  if (!one_of(accumulation, {kIndicating, kTimeDelay})) return Quantity::Other;
  if (type[Part::FlowDirection] == kForward) return Quantity::DemandMaxDelivered;
  if (type[Part::FlowDirection] == kReverse) return Quantity::DemandMaxReceived;
  return Quantity::Other;
}

Quantity when(bool condition, Quantity quantity) {
  return condition ? quantity : Quantity::Other;
}

}  // namespace

Quantity quantity_of(const ReadingType& any_type) {
  const ReadingType type = any_type.canonical();
  const std::int32_t unit = type[Part::Unit];
  switch (type[Part::MeasurementKind]) {
    case 0:
      return Quantity::Unknown;
    case kEnergy:
      return energy_quantity(type);
    case kDemand:
      return demand_quantity(type);
    case kPower:
      return when(unit == kWatt && one_of(type[Part::Accumulation], {kIndicating, kInstantaneous}),
                  Quantity::PowerInstantaneous);
    case kVoltage:
      return when(unit == kVolt, Quantity::Voltage);
    case kCurrent:
      return when(unit == kAmpere, Quantity::Current);
    case kVolume:
      return when(one_of(unit, {42, 119, 120, 128, 130, 134, 166, 167}), Quantity::Volume);
    case kDemandReset:
      return when(unit == kCount, Quantity::DemandResetCount);
    case kLoadSide:
      return Quantity::LoadSideEnergised;
    case kSwitchPosition:
      return Quantity::SwitchPosition;
    case kSwitchArmed:
      return Quantity::SwitchArmed;
    default:
      return Quantity::Other;
  }
}

std::string_view name_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::Unknown:
      return "UNKNOWN";
    case Quantity::EnergyDelivered:
      return "ENERGY_DELIVERED";
    case Quantity::EnergyReceived:
      return "ENERGY_RECEIVED";
    case Quantity::EnergyNet:
      return "ENERGY_NET";
    case Quantity::EnergyTotal:
      return "ENERGY_TOTAL";
    case Quantity::DemandMaxDelivered:
      return "DEMAND_MAX_DELIVERED";
    case Quantity::DemandMaxReceived:
      return "DEMAND_MAX_RECEIVED";
    case Quantity::DemandCumulative:
      return "DEMAND_CUMULATIVE";
    case Quantity::DemandContinuousCumulative:
      return "DEMAND_CONTINUOUS_CUMULATIVE";
    case Quantity::PowerInstantaneous:
      return "POWER_INSTANTANEOUS";
    case Quantity::Voltage:
      return "VOLTAGE";
    case Quantity::Current:
      return "CURRENT";
    case Quantity::Volume:
      return "VOLUME";
    case Quantity::DemandResetCount:
      return "DEMAND_RESET_COUNT";
    case Quantity::PulseCount:
      return "PULSE_COUNT";
    case Quantity::LoadSideEnergised:
      return "LOAD_SIDE_ENERGISED";
    case Quantity::SwitchPosition:
      return "SWITCH_POSITION";
    case Quantity::SwitchArmed:
      return "SWITCH_ARMED";
    case Quantity::Other:
      return "OTHER";
  }
  return "UNKNOWN";
}

bool is_interval(const ReadingType& type) {
  const std::int32_t accumulation = type[Part::Accumulation];
  if (accumulation == kDelta) return true;
  // The maximum demand of a billing period is an aggregate of intervals too, but one value a period: a
  // register.
  return type[Part::Aggregate] != 0 && type[Part::MeasuringPeriod] != 0 && type[Part::MacroPeriod] == 0 &&
         !one_of(accumulation, {kCumulative, kContinuousCumulative});
}

}  // namespace ami
