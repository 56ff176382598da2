// Two small judgements: the seal's security check, and the temperature range.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "meter_model/approval/verdict.h"
#include "meter_model/quantity/decimal.h"

namespace ami::approval {

// Outcome of the cold-start check (SEALING). It is destructive on a meter that is not secured: it is for the
// meter shop, and a head-end never offers it. This only judges what a shop has recorded.
enum class ColdStart : std::uint8_t {
  Secure,             // every message of the notice was shown
  NotShown,           // some message is missing: nothing is proven
  SealSecurityFailed  // the cold start went through
};
std::string_view name_of(ColdStart outcome);  // "SECURE", "NOT_SHOWN", "SEAL_SECURITY_FAILED"
ColdStart judge_cold_start(const Notice& notice, std::span<const std::string> messages, bool proceeded);

struct TemperatureVerdict {
  Stated in_range = Stated::NotStated;  // No: the reading is qualified, never dropped
  std::string message;
  Grounds grounds;
};
TemperatureVerdict judge_temperature(const Notice& notice, const Decimal& celsius);

}  // namespace ami::approval
