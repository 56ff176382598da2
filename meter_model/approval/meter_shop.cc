#include "meter_model/approval/meter_shop.h"

#include <algorithm>

namespace ami::approval {

std::string_view name_of(ColdStart outcome) {
  switch (outcome) {
    case ColdStart::Secure:
      return "SECURE";
    case ColdStart::NotShown:
      return "NOT_SHOWN";
    case ColdStart::SealSecurityFailed:
      return "SEAL_SECURITY_FAILED";
  }
  return "NOT_SHOWN";
}

ColdStart judge_cold_start(const Notice& notice, std::span<const std::string> messages, bool proceeded) {
  if (proceeded) return ColdStart::SealSecurityFailed;
  const bool all = std::ranges::all_of(notice.cold_start_messages, [&](const std::string& wanted) {
    return std::ranges::find(messages, wanted) != messages.end();
  });
  return all && !notice.cold_start_messages.empty() ? ColdStart::Secure : ColdStart::NotShown;
}

TemperatureVerdict judge_temperature(const Notice& notice, const Decimal& celsius) {
  TemperatureVerdict verdict;
  if (!notice.least_celsius || !notice.most_celsius) {
    verdict.message = "the notice states no operating temperature";
    return verdict;
  }
  const bool inside = *notice.least_celsius <= celsius && celsius <= *notice.most_celsius;
  verdict.in_range = inside ? Stated::Yes : Stated::No;
  verdict.message = celsius.to_string() + " C is " + (inside ? "inside " : "outside ") +
                    notice.least_celsius->to_string() + " to " + notice.most_celsius->to_string() + " C";
  verdict.grounds.add(notice, notice.temperature);
  return verdict;
}

}  // namespace ami::approval
