// The 26 checks of validation (metrology reference 3.2): their numbers, names and the quality codes they
// give.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "meter_model/quantity/quality.h"

namespace ami::vee {

// In the order of the reference, which is the order they run in.
enum class Check : std::uint8_t {
  Identity,             // V01
  SystemTime,           // V02
  MeterTime,            // V03
  Transport,            // V04
  Diagnostics,          // V05
  IntervalSize,         // V06
  Continuity,           // V07 gap, duplicate, overlap
  Overflow,             // V08
  TestMode,             // V09
  PowerFailure,         // V10
  ClockChanged,         // V11
  PhysicalMaximum,      // V12
  Sign,                 // V13
  IntervalSum,          // V14 energy tolerance
  TouSum,               // V15
  NetIdentity,          // V16
  RegisterMonotone,     // V17
  Spike,                // V18
  HighLow,              // V19
  ZeroRun,              // V20
  Frozen,               // V21
  UseWhileOff,          // V22
  Demand,               // V23
  Timestamps,           // V24
  ProlongedEstimation,  // V25
  Configuration,        // V26
};
inline constexpr std::size_t kChecks = 26;

// Where a check's bound comes from. Assumed figures are thresholds of VeeConfig.
enum class Footing : std::uint8_t { Exact, Derived, Assumed };

struct CheckInfo {
  Check check;
  std::string_view id;     // "V14"
  std::string_view title;  // "energy tolerance (sum check)"
  Footing footing;
  std::span<const QualityCode> codes;  // what it may give; system 2, the head-end
};
const CheckInfo& info(Check check);
std::span<const CheckInfo> all_checks();  // V01 … V26
std::optional<Check> check_from(std::string_view id);

// Which checks run.
class CheckSet {
 public:
  static CheckSet all() { return CheckSet(std::bitset<kChecks>().set()); }
  CheckSet() = default;
  CheckSet(std::initializer_list<Check> checks) {
    for (const Check check : checks) add(check);
  }
  void add(Check check) { bits_.set(static_cast<std::size_t>(check)); }
  [[nodiscard]] bool has(Check check) const { return bits_.test(static_cast<std::size_t>(check)); }
  [[nodiscard]] bool none() const { return bits_.none(); }
  friend bool operator==(const CheckSet&, const CheckSet&) = default;

 private:
  explicit CheckSet(std::bitset<kChecks> bits) : bits_(bits) {}
  std::bitset<kChecks> bits_;
};

}  // namespace ami::vee
