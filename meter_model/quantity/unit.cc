#include "meter_model/quantity/unit.h"

#include <string>

#include "meter_model/quantity/reading_type_names.h"

namespace ami {
namespace {

struct VolumeUnit {
  std::int32_t uom;
  Decimal cubic_metres;  // exact by definition
};
constexpr VolumeUnit kVolumeUnits[] = {
    {42, {1, 0}},               // cubic metre
    {119, {28316846592, -12}},  // international foot of 0.3048 m, cubed
    {120, {28316846592, -12}},
    {128, {3785411784, -12}},  // US gallon: 231 cubic inches
    {130, {454609, -8}},       // imperial gallon
    {134, {1, -3}},            // litre
    {166, {1, 0}},
    {167, {1, 0}},
};

std::string_view prefix(std::int32_t multiplier) {
  switch (multiplier) {
    case -6:
      return "u";
    case -3:
      return "m";
    case -2:
      return "c";
    case -1:
      return "d";
    case 1:
      return "da";
    case 2:
      return "h";
    case 3:
      return "k";
    case 6:
      return "M";
    case 9:
      return "G";
    default:
      return "";
  }
}

}  // namespace

std::string_view unit_symbol(std::int32_t uom) {
  return uom == 0 ? "" : name_of_code(unit_names(), uom);
}

std::string unit_symbol_scaled(const ReadingType& type) {
  const std::int32_t uom = type[ReadingType::Unit];
  const std::int32_t multiplier = type[ReadingType::Multiplier];
  const std::string symbol(unit_symbol(uom));
  if (multiplier == 0) return symbol;
  // Gas and water trade words: hundreds and thousands of cubic feet.
  if (uom == 119 && multiplier == 2) return "CCF";
  if (uom == 119 && multiplier == 3) return "MCF";
  const std::string_view si = prefix(multiplier);
  if (!si.empty() && !symbol.empty()) return std::string(si) + symbol;
  return "10^" + std::to_string(multiplier) + " " + symbol;
}

std::optional<Decimal> to_canonical(const Decimal& value, const ReadingType& type) {
  return value.shifted(type[ReadingType::Multiplier]);
}

std::optional<Decimal> to_cubic_metres(const Decimal& value, std::int32_t uom) {
  for (const VolumeUnit& unit : kVolumeUnits) {
    if (unit.uom == uom) return value.times(unit.cubic_metres);
  }
  return std::nullopt;
}

}  // namespace ami
