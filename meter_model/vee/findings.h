// Quality codes that say what our own validation found. Nobody else may say them: a mapping that gives one to
// a vendor's flag is refused, so whoever reads can tell the vendor's words from ours.
#pragma once

#include <array>

#include "meter_model/quantity/quality.h"

namespace ami {

// Metrology reference 4.3; system 2 is the head-end, that is we.
inline constexpr QualityCode kValidated{2, 0, 1};       // our validation ran
inline constexpr QualityCode kSuspect{2, 5, 258};       // V17: a register that ran backwards
inline constexpr QualityCode kSumCheckFailed{2, 6, 0};  // V14: intervals against the registers of their block

inline constexpr std::array kFindings{kValidated, kSuspect, kSumCheckFailed};

constexpr bool is_finding(const QualityCode& code) {
  for (const QualityCode& finding : kFindings) {
    if (code == finding) return true;
  }
  return false;
}

}  // namespace ami
