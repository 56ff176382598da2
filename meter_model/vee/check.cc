#include "meter_model/vee/check.h"

#include <algorithm>
#include <array>

#include "meter_model/vee/codes.h"

namespace ami::vee {
namespace {

template <QualityCode... codes>
constexpr std::array kCodes{codes...};

constexpr std::array<CheckInfo, kChecks> kAll{{
    {Check::Identity, "V01", "identity", Footing::Exact, kCodes<code::kErrorCode>},
    {Check::SystemTime, "V02", "system time", Footing::Assumed, kCodes<code::kClockError>},
    {Check::MeterTime, "V03", "meter time", Footing::Assumed, kCodes<code::kClockError, code::kClockChanged>},
    {Check::Transport, "V04", "transport integrity", Footing::Exact, kCodes<code::kCrc>},
    {Check::Diagnostics, "V05", "device diagnostics", Footing::Exact,
     kCodes<code::kRam, code::kRom, code::kDiagnostic>},
    {Check::IntervalSize, "V06", "interval size and alignment", Footing::Exact,
     kCodes<code::kPartial, code::kLong, code::kErrorCode>},
    {Check::Continuity, "V07", "gap, duplicate, overlap", Footing::Exact,
     kCodes<code::kKnownMissing, code::kSuspect>},
    {Check::Overflow, "V08", "pulse overflow", Footing::Exact, kCodes<code::kOverflow>},
    {Check::TestMode, "V09", "test mode", Footing::Exact, kCodes<code::kTestData>},
    {Check::PowerFailure, "V10", "power failure", Footing::Exact, kCodes<code::kPowerFail>},
    {Check::ClockChanged, "V11", "time changed", Footing::Exact,
     kCodes<code::kClockChanged, code::kClockForward, code::kClockBackward>},
    {Check::PhysicalMaximum, "V12", "physical maximum", Footing::Assumed, kCodes<code::kAbove>},
    {Check::Sign, "V13", "sign", Footing::Exact, kCodes<code::kOutOfRange, code::kReverse>},
    {Check::IntervalSum, "V14", "energy tolerance (sum check)", Footing::Derived, kCodes<code::kFailed>},
    {Check::TouSum, "V15", "TOU sum", Footing::Derived, kCodes<code::kTouSum>},
    {Check::NetIdentity, "V16", "net identity", Footing::Derived, kCodes<code::kFailed>},
    {Check::RegisterMonotone, "V17", "register monotone", Footing::Exact, kCodes<code::kSuspect>},
    {Check::Spike, "V18", "spike", Footing::Assumed, kCodes<code::kAbove>},
    {Check::HighLow, "V19", "high and low use", Footing::Assumed,
     kCodes<code::kPercentAbove, code::kPercentBelow>},
    {Check::ZeroRun, "V20", "run of zeros", Footing::Assumed, kCodes<code::kZero>},
    {Check::Frozen, "V21", "frozen value", Footing::Assumed, kCodes<code::kSuspect>},
    {Check::UseWhileOff, "V22", "use while inactive or open", Footing::Exact, kCodes<code::kInactiveUse>},
    {Check::Demand, "V23", "demand against intervals", Footing::Derived, kCodes<code::kFailed>},
    {Check::Timestamps, "V24", "timestamps", Footing::Assumed, kCodes<code::kErrorCode>},
    {Check::ProlongedEstimation, "V25", "prolonged estimation", Footing::Assumed, kCodes<code::kEstimated>},
    {Check::Configuration, "V26", "configuration", Footing::Exact, kCodes<code::kConfigurationChanged>},
}};

}  // namespace

const CheckInfo& info(Check check) {
  return kAll[static_cast<std::size_t>(check)];
}

std::span<const CheckInfo> all_checks() {
  return kAll;
}

std::optional<Check> check_from(std::string_view id) {
  const auto* found = std::ranges::find(kAll, id, &CheckInfo::id);
  if (found == kAll.end()) return std::nullopt;
  return found->check;
}

}  // namespace ami::vee
