// Quality codes that say what our own validation found. Nobody else may say them: a mapping that gives one to
// a vendor's flag is refused, so whoever reads can tell the vendor's words from ours.
#pragma once

#include <algorithm>
#include <array>

#include "meter_model/quantity/quality.h"
#include "meter_model/vee/codes.h"

namespace ami {

// Metrology reference 4.3; system 2 is the head-end, that is we.
inline constexpr QualityCode kValidated{2, 0, 1};                   // our validation ran
inline constexpr QualityCode kSuspect = vee::code::kSuspect;        // V17: a register that ran backwards
inline constexpr QualityCode kSumCheckFailed = vee::code::kFailed;  // V14: intervals against their registers

// Every code of the checks (vee/codes.h) but 2.8.0: that a value is estimated, a sender may say.
inline constexpr std::array kFindings{
    kValidated,
    vee::code::kDiagnostic,
    vee::code::kCrc,
    vee::code::kRam,
    vee::code::kRom,
    vee::code::kClockError,
    vee::code::kPowerFail,
    vee::code::kReverse,
    vee::code::kOverflow,
    vee::code::kPartial,
    vee::code::kLong,
    vee::code::kTestData,
    vee::code::kConfigurationChanged,
    vee::code::kClockChanged,
    vee::code::kClockForward,
    vee::code::kClockBackward,
    vee::code::kOutOfRange,
    vee::code::kErrorCode,
    vee::code::kSuspect,
    vee::code::kKnownMissing,
    vee::code::kFailed,
    vee::code::kZero,
    vee::code::kInactiveUse,
    vee::code::kAbove,
    vee::code::kPercentAbove,
    vee::code::kPercentBelow,
    vee::code::kTouSum,
};

// Codes of runs of values, which may go on over midnight: V20's and V21's.
inline constexpr std::array kOfRuns{vee::code::kZero, vee::code::kSuspect};

constexpr bool is_finding(const QualityCode& code) {
  return std::find(kFindings.begin(), kFindings.end(), code) != kFindings.end();
}

}  // namespace ami
