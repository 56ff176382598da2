// The days before that an estimate may learn from. Only for the sources of this folder.
#pragma once

#include <deque>
#include <vector>

#include "daemon/validation/day_scene.h"
#include "meter_model/vee/day_grid.h"

namespace ami::validation {

struct LikeDays {
  std::vector<vee::LikeDay> days;  // view what follows
  std::deque<std::vector<std::int64_t>> values;
  std::deque<std::vector<vee::Marks>> marks;
};
// Whole grids of the channel's length on the phase of `first_start`. Asks facts.history; without it there are
// none.
LikeDays like_days(const DayScene& scene, ChannelId channel, UtcInstant first_start,
                   std::chrono::seconds length, std::span<const vee::Span> outages);

}  // namespace ami::validation
