#include <algorithm>

#include "daemon/validation/day_scene.h"
#include "meter_model/vee/day_grid.h"

namespace ami::validation {
namespace {

constexpr std::int32_t kDeltaData = 4, kNet = 4, kReverse = 19;  // accumulation; flow direction

// Of the meter at the day's begin; where nothing is known of that time, the first of the day.
const storage::MeterDetail* detail_of(const MeterDayFacts& facts) {
  for (const storage::MeterDetail& detail : facts.assets.details) {
    if (detail.valid.to > facts.day.from && detail.valid.from < facts.day.to) return &detail;
  }
  return nullptr;
}

// An instant of the year at which the zone keeps standard time: the one with the smaller offset.
UtcInstant standard_instant(const Zone& zone, const Period& day) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(day.from)};
  const UtcInstant january{std::chrono::sys_days{date.year() / 1 / 1}};
  const UtcInstant july{std::chrono::sys_days{date.year() / 7 / 1}};
  const auto offset = [&](UtcInstant at) {
    return zone.civil(at).time_since_epoch() - at.time_since_epoch();
  };
  return offset(january) <= offset(july) ? january : july;
}

Decimal multiplier_of(const MeterDayFacts& facts) {
  for (const storage::MeterStay& stay : facts.stays) {
    if (stay.period.to > facts.day.from && stay.period.from < facts.day.to) return stay.multiplier;
  }
  return {1, 0};
}

}  // namespace

std::string_view family_of(const ChannelInfo& channel) {
  const std::string_view key = channel.key;
  return key.substr(0, key.find(':'));
}

bool is_consumption(const ReadingType& type) {
  return type[ReadingType::Accumulation] == kDeltaData;
}

vee::ChannelProgramme programme_of(const DayScene& scene, const TypedChannel& channel,
                                   std::chrono::seconds interval, std::vector<std::string>& assumed) {
  vee::ChannelProgramme programme;
  programme.interval = interval;
  programme.grid_phase =
      vee::civil_phase(scene.zone, standard_instant(scene.zone, scene.facts.day), std::chrono::hours{24});
  programme.multiplier = multiplier_of(scene.facts);
  programme.is_signed = channel.type[ReadingType::FlowDirection] == kNet;
  programme.is_received = channel.type[ReadingType::FlowDirection] == kReverse;
  const std::string& unit = channel.info.unit;
  const bool electric = unit == "Wh" || unit == "VAh" || unit == "varh";
  if (!electric) return programme;  // pulse and dial of a rule are those of the electricity meter

  vee::ProgrammeQuery query;
  query.quantity = name_of(channel.quantity);
  if (const auto* detail = detail_of(scene.facts)) {
    query.model = detail->model;
    query.form = detail->form;
    query.class_a = detail->class_a;
  }
  const vee::ProgrammeRule known = vee::programme_of(scene.config.programmes, query);
  vee::state(known, programme);
  if (!known.assumed.empty()) assumed.push_back(known.assumed);
  return programme;
}

}  // namespace ami::validation
