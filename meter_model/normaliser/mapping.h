// A feed's mapping: vendor's words -> our vocabulary. Data (YAML), versioned, never code.
//
//   version: 3                     # kept with every reading
//   wire: cmep                     # prefix of channel keys
//   units:                         # first rule that fits wins
//     - {unit: KWHREG, measure: MEPMD01, commodity: E, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
//     - {unit: KWH, kind: interval, reading_type: "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}
//     - {unit: kWh, measure: Summation, tou: "*", reading_type: "0.0.0.9.1.1.12.0.0.0.0.{tou}.0.0.0.3.72.0"}
//     - {unit: VrmsA-N, kind: interval, reading_type: "...128.0.29.0", phases_by_form: {2S: 768}}
//     - {unit: SKWHREG, reading_type: ..., assumed: "S prefix read as plain kWh; no public source"}
//   tou: {TOTAL: 0, ON-PEAK: 1}    # vendor's label -> index; a label not listed = unknown_tou_label
//   flags: {"": {quality: [2.0.0]}, R: {}, E: {quality: [2.8.0]}, N: {missing: true},  # by leading letter(s)
//           "=4": {quality: [1.4.2]}}  # "=" and a whole flag, where a vendor's numbers have meanings
//   raw_scale: {"lp:1": "0.0005"}  # only where a site knows it
// For wires that speak the standard's own words:
//   units: [{unit: "*", reading_type: "{unit}"}]  # the unit is a whole reading type, taken as sent
//   flags_are_codes: true          # a flag is quality codes system.category.index, parted by blanks
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/observation/observation.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quality.h"

namespace ami {

struct UnitRule {
  std::string unit;
  std::string measure;    // empty = any
  std::string commodity;  // empty = any
  std::optional<SeriesKind> kind;
  std::optional<std::string> channel;  // exact vendor channel; nullopt = any
  std::optional<std::string> tou;  // exact label; "*" = any label that tou: maps to 1 or more; nullopt = any
  std::string reading_type;        // template: {period} from the interval length, {tou} from the label
  std::map<std::string, int> phases_by_form;  // meter form -> phases part (a 2S meter sees only L1-L2: 768)
  std::string assumed;                        // why this is only assumed; empty = documented
};

struct FlagRule {
  QualitySet quality;
  bool missing = false;      // flag says that there is no value: never store one
  bool claims_value = true;  // an empty value under this flag is missing AND quarantined
};

struct Mapping {
  int version = 0;
  std::string wire;
  std::vector<UnitRule> units;
  std::map<std::string, int, std::less<>> tou;
  // Key: flag letters without the vendor's number suffix, or "=" and a whole flag.
  std::map<std::string, FlagRule, std::less<>> flags;
  std::map<std::string, Decimal, std::less<>> raw_scale;
  bool flags_are_codes = false;
};

// The rule of a flag that is quality codes parted by blanks; nullopt = it is not. A code that only our own
// validation may say adds nothing; it stays in the flag as sent.
std::optional<FlagRule> rule_of_codes(std::string_view flag);

// The rule of a flag as written: that of "=" and the whole flag, else that of its letters without the vendor's
// number suffix. Null: the mapping does not know it; a number alone is not the empty flag.
const FlagRule* flag_rule(const Mapping& mapping, std::string_view flag);

// Versions are 1 to 999. With an overlay, readings carry base * 1000 + overlay, so that both can be told.
inline constexpr int kMappingVersionsPerBase = 1000;

// Rules of `overlay` come first, maps are merged over `base`. Used for a feed's own assumptions. An overlay
// that states no version or wire leaves the base's.
Mapping overlay(Mapping base, const Mapping& overlay);

}  // namespace ami
