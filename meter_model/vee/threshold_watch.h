// A check that hits too many meters says more about its threshold than about the meters.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "meter_model/quantity/decimal.h"
#include "meter_model/vee/check.h"

namespace ami::vee {

struct ThresholdSuspect {
  std::chrono::sys_days day{};
  Check check{};
  std::uint64_t hit = 0;
  std::uint64_t meters = 0;
};

// Fed with counts, said once a day and check; afterwards the check's findings of that day are counted, not
// told one by one. One owner; not thread-safe.
class ThresholdWatch {
 public:
  ThresholdWatch(Decimal above_percent, std::uint64_t from_meters);

  // `hit` of `meters` had a finding of this check for this day so far (different meters, not findings).
  // The first time that this is above the share: the word to say. Fewer than from_meters: nothing yet.
  std::optional<ThresholdSuspect> count(std::chrono::sys_days day, Check check, std::uint64_t hit,
                                        std::uint64_t meters);
  [[nodiscard]] bool is_suspect(std::chrono::sys_days day, Check check) const;

 private:
  Decimal above_percent_;
  std::uint64_t from_meters_;
  std::map<std::chrono::sys_days, CheckSet> said_;  // the latest days only
};

}  // namespace ami::vee
