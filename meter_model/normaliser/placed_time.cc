#include "meter_model/normaliser/placed_time.h"

#include <algorithm>

namespace ami {
namespace {

PlacedTime checked(UtcInstant at, const TimeBounds& bounds) {
  if (at < bounds.not_before) return {std::nullopt, "time_before_epoch"};
  if (at > bounds.not_after) return {std::nullopt, "time_in_future"};
  return {at, nullptr};
}

// What the stated times alone say. Bounds are left out: absent times count on from a neighbour even where
// that one is refused.
std::vector<PlacedTime> resolve(const std::vector<StatedTime>& times, std::chrono::seconds step,
                                const std::optional<Zone>& zone) {
  std::vector<PlacedTime> placed;
  placed.reserve(times.size());
  const bool needs_zone = std::ranges::any_of(
      times, [](const StatedTime& time) { return time.present() && !time.utc_offset.has_value(); });
  if (needs_zone && zone) {
    for (const ResolvedTime& one : resolve_series(times, *zone, step)) {
      placed.push_back({one.instant, one.instant ? nullptr : one.problem});
    }
    return placed;
  }
  for (const StatedTime& time : times) {
    if (time.utc_offset) {
      placed.push_back({UtcInstant{time.civil.time_since_epoch() - *time.utc_offset}, nullptr});
    } else {
      placed.push_back({std::nullopt, "no_zone"});
    }
  }
  return placed;
}

}  // namespace

PlacedTime place_time(const StatedTime& time, const std::optional<Zone>& zone, const TimeBounds& bounds) {
  if (!time.present()) return {std::nullopt, "missing_time"};
  const PlacedTime placed = resolve({time}, std::chrono::seconds{0}, zone).front();
  return placed.at ? checked(*placed.at, bounds) : placed;
}

std::vector<PlacedTime> place_series(const std::vector<SeriesValue>& values, std::chrono::seconds interval,
                                     const std::optional<Zone>& zone, const TimeBounds& bounds,
                                     const StatedTime& start) {
  if (start.present() && !values.empty() && !values.front().time.present()) {
    std::vector<SeriesValue> from_start;  // that one counts as the element before the first
    from_start.reserve(values.size() + 1);
    from_start.push_back({{}, {}, start, {}});
    from_start.insert(from_start.end(), values.begin(), values.end());
    std::vector<PlacedTime> placed = place_series(from_start, interval, zone, bounds);
    placed.erase(placed.begin());
    return placed;
  }
  const auto stated = [](const SeriesValue& value) { return value.time.present(); };
  if (!values.empty() && interval.count() > 0 && stated(values.front()) &&
      std::none_of(values.begin() + 1, values.end(), stated)) {
    // The common case: one time, and the others count on from it.
    PlacedTime next = resolve({values.front().time}, interval, zone).front();
    std::vector<PlacedTime> placed;
    placed.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      placed.push_back(next.at ? checked(*next.at, bounds) : next);
      if (next.at) next.at = *next.at + interval;
    }
    return placed;
  }
  std::vector<StatedTime> times;
  times.reserve(values.size());
  for (const SeriesValue& value : values) times.push_back(value.time);
  std::vector<PlacedTime> placed = resolve(times, interval, zone);
  PlacedTime last{std::nullopt, "missing_time"};  // of the element before, bounds not applied
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (times[i].present()) {
      last = placed[i];
    } else if (interval.count() <= 0) {
      last = {std::nullopt, "missing_time"};
    } else if (last.at) {
      last.at = *last.at + interval;
    }
    placed[i] = last.at ? checked(*last.at, bounds) : last;
  }
  return placed;
}

}  // namespace ami
