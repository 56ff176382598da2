// Units of measure: symbols of ReadingType uom codes, and exact conversions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/reading_type.h"

namespace ami {

// Symbol of a uom code with multiplier 0: 72 "Wh", 38 "W", 29 "V", 42 "m3", 119 "ft3", 128 "USgal", 130
// "ImpGal", 134 "L", … ; "" when we have no name for it.
std::string_view unit_symbol(std::int32_t uom);
// Symbol with its multiplier: (72, 3) -> "kWh", (119, 2) -> "CCF".
std::string unit_symbol_scaled(const ReadingType& type);

// Value in the unit itself (multiplier 0): 0.1815 kWh -> 181.5 Wh. Exact; nullopt = exponent out of range.
std::optional<Decimal> to_canonical(const Decimal& value, const ReadingType& type);

// Volume in cubic metres, exact: 1 CCF = 100 ft3 = 2.8316846592 m3, 1 US gal = 3.785411784e-3 m3, 1 imperial
// gal = 4.54609e-3 m3. nullopt: not a volume, or out of range. Compensated and uncompensated volumes keep
// their kind: the caller holds the reading type.
std::optional<Decimal> to_cubic_metres(const Decimal& value, std::int32_t uom);

}  // namespace ami
