// What the parts of the judge share while they look at one meter-day. Only for the sources of this folder.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "daemon/validation/judge.h"
#include "meter_model/quantity/reading_type.h"
#include "meter_model/time/zone.h"

namespace ami::validation {

using storage::ChannelId;
using storage::ChannelInfo;
using storage::MeterDayFacts;
using storage::Period;

// A channel and what its reading type says.
struct TypedChannel {
  ChannelInfo info;
  ReadingType type;
  Quantity quantity = Quantity::Unknown;
};

struct DayScene {
  const MeterDayFacts& facts;
  const Rules& rules;
  const vee::VeeConfig& config;
  const Zone& zone;
  UtcInstant now;
  UtcInstant due;  // what is not there then is missing
  // Without the codes of our own validation: a judgement never rests on an earlier one.
  std::map<storage::QualityId, vee::Marks> marks;
  std::map<ChannelId, TypedChannel> channels;  // of the dictionary, but for those of no known reading type
  std::set<ChannelId> recorded;                // with an interval value in the window, or not long before it

  [[nodiscard]] vee::Marks marks_of(storage::QualityId id) const {
    const auto found = marks.find(id);
    return found == marks.end() ? vee::Marks{} : found->second;
  }
  [[nodiscard]] bool is_late() const { return now >= due; }
};

// "cmep" of "cmep:KWH": channels of one vendor's interface belong together.
std::string_view family_of(const ChannelInfo& channel);

// Energy or volume that adds up: quantities of an interval, and the dials that count them.
bool is_consumption(const ReadingType& interval_type);

// How the channel is programmed, as far as it is known, and where the meter's standard midnight lies.
vee::ChannelProgramme programme_of(const DayScene& scene, const TypedChannel& channel,
                                   std::chrono::seconds interval, std::vector<std::string>& assumed);

}  // namespace ami::validation
