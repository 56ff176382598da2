// A channel's civil days before the one that is judged, as far as an estimate, an average or a count asks for
// them. Only for the sources of this folder. All of them ask facts.history; without it there are no such
// days.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "daemon/validation/day_scene.h"
#include "meter_model/vee/estimation.h"

namespace ami::validation {

// Whose codes become marks. A check takes the vendor's only, for a judgement never rests on an earlier one;
// an estimate does not learn from a day that was found wanting.
enum class Words : std::uint8_t { Vendors, All };

struct EarlierPeriod {
  std::chrono::sys_days first{}, last{};  // civil, both of them
  Words words = Words::Vendors;
};

struct EarlierDays {
  std::vector<vee::LikeDay> days;  // with a value at least, the latest first; view what follows
  std::deque<std::vector<std::int64_t>> values;
  std::deque<std::vector<vee::Marks>> marks;
};
// Whole grids of the length and phase of `grid`.
EarlierDays earlier_days(const DayScene& scene, ChannelId channel, const vee::ChannelDay& grid,
                         const EarlierPeriod& period);
// Days with an outage among these, whatever their marks say.
void mark_outages(const DayScene& scene, std::span<const vee::Span> outages, EarlierDays& earlier);

// What V19 compares with: the same calendar month of the year before, and the thirty days before.
EarlierPeriod same_month_last_year(const DayScene& scene);
EarlierPeriod last_thirty_days(const DayScene& scene);
// Mean of the whole days of the period, at a thousandth. A day with a mark of suspect, estimated, edited,
// test or overflown values is none. nullopt: fewer than twenty days.
std::optional<Decimal> average_use(const DayScene& scene, ChannelId channel, const vee::ChannelDay& grid,
                                   const EarlierPeriod& period);
// Whether any value of the period is above zero, of whatever length.
bool any_energy(const DayScene& scene, ChannelId channel, const EarlierPeriod& period);

// Civil days in a row up to the day before, at most 62, of which something was estimated, by us or the
// vendor. `bound`: as many are asked for at once.
int estimated_days_before(const DayScene& scene, ChannelId channel, const vee::ChannelDay& grid, int bound);

}  // namespace ami::validation
