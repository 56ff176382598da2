#include "meter_model/vee/threshold_watch.h"

namespace ami::vee {
namespace {

// Late data touch old days; a day further back than so many others is not reported again by mistake, but
// forgotten: `count` ignores it.
constexpr std::size_t kDaysKept = 400;

}  // namespace

ThresholdWatch::ThresholdWatch(Decimal above_percent, std::uint64_t from_meters)
    : above_percent_(above_percent), from_meters_(from_meters) {}

std::optional<ThresholdSuspect> ThresholdWatch::count(std::chrono::sys_days day, Check check,
                                                      std::uint64_t hit, std::uint64_t meters) {
  if (meters == 0 || meters < from_meters_ || is_suspect(day, check)) return std::nullopt;
  if (said_.size() >= kDaysKept && day < said_.begin()->first) return std::nullopt;
  const Decimal hundredfold{static_cast<std::int64_t>(hit), 2};
  const auto allowed = above_percent_.times({static_cast<std::int64_t>(meters), 0});
  if (!allowed || hundredfold <= *allowed) return std::nullopt;
  said_[day].add(check);
  if (said_.size() > kDaysKept) said_.erase(said_.begin());
  return ThresholdSuspect{day, check, hit, meters};
}

bool ThresholdWatch::is_suspect(std::chrono::sys_days day, Check check) const {
  const auto found = said_.find(day);
  return found != said_.end() && found->second.has(check);
}

}  // namespace ami::vee
