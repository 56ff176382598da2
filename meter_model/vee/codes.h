// Quality codes of the checks (metrology reference 3.2, last column, and 4.3). System 2 is the head-end: us.
#pragma once

#include "meter_model/quantity/quality.h"

namespace ami::vee::code {

inline constexpr QualityCode kDiagnostic{2, 1, 0}, kCrc{2, 1, 6}, kRam{2, 1, 7}, kRom{2, 1, 8},
    kClockError{2, 1, 9};
inline constexpr QualityCode kPowerFail{2, 2, 32};
inline constexpr QualityCode kReverse{2, 3, 4};
inline constexpr QualityCode kOverflow{2, 4, 1}, kPartial{2, 4, 2}, kLong{2, 4, 3}, kTestData{2, 4, 5},
    kConfigurationChanged{2, 4, 6}, kClockChanged{2, 4, 9}, kClockForward{2, 4, 64},
    kClockBackward{2, 4, 128};
inline constexpr QualityCode kOutOfRange{2, 5, 256}, kErrorCode{2, 5, 257}, kSuspect{2, 5, 258},
    kKnownMissing{2, 5, 259};
inline constexpr QualityCode kFailed{2, 6, 0}, kZero{2, 6, 1}, kInactiveUse{2, 6, 2}, kAbove{2, 6, 3},
    kPercentAbove{2, 6, 5}, kPercentBelow{2, 6, 6}, kTouSum{2, 6, 9};
inline constexpr QualityCode kEstimated{2, 8, 0};

}  // namespace ami::vee::code
