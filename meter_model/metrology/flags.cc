#include "meter_model/metrology/flags.h"

#include <array>

namespace ami::metrology {
namespace {

constexpr std::uint8_t kEndDevice = 1;
constexpr std::array<FlagInfo, 9> kAll{{
    {Flag::Partial, "PARTIAL", QualityCode{kEndDevice, 4, 2}},
    {Flag::Long, "LONG", QualityCode{kEndDevice, 4, 3}},
    {Flag::Skipped, "SKIPPED", QualityCode{kEndDevice, 4, 4}},
    {Flag::Overflow, "OVERFLOW", QualityCode{kEndDevice, 4, 1}},
    {Flag::ClockForward, "CLOCK_FORWARD", QualityCode{kEndDevice, 4, 64}},
    {Flag::ClockBackward, "CLOCK_BACKWARD", QualityCode{kEndDevice, 4, 128}},
    {Flag::PowerFail, "POWER_FAIL", QualityCode{kEndDevice, 2, 32}},
    {Flag::TestMode, "TEST_MODE", QualityCode{kEndDevice, 4, 5}},
    {Flag::TierChange, "TIER_CHANGE", std::nullopt},
}};

}  // namespace

std::span<const FlagInfo> all_flags() {
  return kAll;
}

std::vector<std::string_view> names(Flags flags) {
  std::vector<std::string_view> result;
  for (const FlagInfo& info : kAll) {
    if (flags.has(info.flag)) result.push_back(info.name);
  }
  return result;
}

QualitySet quality(Flags flags) {
  QualitySet result;
  for (const FlagInfo& info : kAll) {
    if (flags.has(info.flag) && info.code) add(result, *info.code);
  }
  return result;
}

}  // namespace ami::metrology
