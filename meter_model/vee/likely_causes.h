// What would explain a mismatch. Consistency only: a cause named here fits the numbers, it is not proven.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/vee/day_input.h"
#include "meter_model/vee/report.h"
#include "meter_model/vee/vee_config.h"

namespace ami::vee {

// Which identity of the meter is broken.
enum class Identity : std::uint8_t { Sum, TouSum, Demand, Wrap, Net };
std::optional<Identity> identity_of(Check check);  // V14, V15, V23, V17, V16
std::string_view name_of(Identity identity);       // "SUM"

enum class Cause : std::uint8_t {
  WrongKe,          // the ratio is that of two plausible pulse constants
  Multiplier,       // the ratio is a transformer ratio
  SwappedChannels,  // delivered for received
  MissedIntervals,  // the difference is that of intervals beside the boundary
  ClockSet,         // the clock was set between, and moved no more than this
  RegisterWrapped,  // one whole turn
};
std::string_view name_of(Cause cause);  // "WRONG_KE"

struct LikelyCause {
  Cause cause{};
  Figures figures;
  std::string words;
};

// Knowledge beyond the day itself; what is left out is not considered.
struct CauseHints {
  std::optional<Decimal> opposite_difference;  // of the other direction's register over the same time
  std::span<const Decimal> before, after;      // intervals outside the registers' time, nearest first
};

struct Diagnosis {
  Identity identity{};
  Decimal by;                       // by how much the two sides differ, signed
  std::vector<LikelyCause> causes;  // in the order of Cause; empty: nothing fits
};

// nullopt: the finding is not about an identity, or lacks its numbers. `day` is the finding's channel; null
// for findings of check_meter_day.
std::optional<Diagnosis> diagnose(const Finding& finding, const ChannelDay* day, const MeterDay& meter,
                                  const VeeConfig& config, const CauseHints& hints = {});

}  // namespace ami::vee
