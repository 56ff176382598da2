// The dials of a meter around a civil day, and which belong together. Only for the sources of this folder.
//
// A reading belongs to the day in (day.from, day.to] that holds it: the one at midnight ends a day. What is
// judged between two readings belongs to the day of the later one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "daemon/validation/day_scene.h"

namespace ami::validation {

struct RegisterLine {
  const TypedChannel* channel = nullptr;
  std::vector<const storage::RegisterRow*> rows;  // ascending
  std::vector<vee::RegisterRead> reads;           // one a row
};

// By channel.
std::vector<RegisterLine> register_lines(const DayScene& scene);

// The readings of the day and the one before them; none without a reading of the day.
std::span<const vee::RegisterRead> judged_reads(std::span<const vee::RegisterRead> reads, const Period& day);

// The dial that counts what the interval channel records.
struct Pairing {
  const RegisterLine* line = nullptr;
  std::string words;  // how it was chosen, or why there is none
};
Pairing dial_of(const DayScene& scene, const std::vector<RegisterLine>& lines, const TypedChannel& interval);
// Of the other direction of flow; null: none, or several.
const RegisterLine* opposite_dial_of(const DayScene& scene, const std::vector<RegisterLine>& lines,
                                     const TypedChannel& interval);

// Interval channels of the same quantity that record the other direction of flow.
std::vector<ChannelId> opposite_intervals_of(const DayScene& scene, const TypedChannel& interval);

// The maximum demand register of the interval channel and what it covers; `dial` becomes its channel.
std::optional<vee::DemandRead> demand_of(const DayScene& scene, const std::vector<RegisterLine>& lines,
                                         const TypedChannel& interval, const TypedChannel*& dial);

// Average use of a day in the period that earlier readings bracket, at a thousandth: the same month of last
// year, and the last thirty days.
struct AverageUse {
  std::optional<Decimal> same_month_last_year, last_period;
};
AverageUse average_use(const DayScene& scene, const RegisterLine& line,
                       const vee::ChannelProgramme& programme, const vee::MeterDay& meter);

// Readings of several dials at the same two instants, the later one in the day.
struct Identity {
  enum class Kind : std::uint8_t { TouSum, Net } kind = Kind::TouSum;
  std::vector<const RegisterLine*> lines;  // bulk, then tiers; or net, delivered, received
  std::vector<std::pair<vee::RegisterRead, vee::RegisterRead>> spans;  // one a line
};
// V15 and V16. Tiers that never counted say that no tariff is programmed: they are left out.
std::vector<Identity> identities_of(const DayScene& scene, const std::vector<RegisterLine>& lines);

}  // namespace ami::validation
