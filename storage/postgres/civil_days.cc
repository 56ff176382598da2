#include "storage/postgres/civil_days.h"

#include <algorithm>

namespace ami::storage {

void CivilDays::learn(const std::set<MeterId>& meters) {
  std::vector<std::int64_t> unknown;
  for (const MeterId meter : meters) {
    const auto [entry, fresh] = meters_.try_emplace(meter);
    if (!fresh) continue;
    entry->second.home = &utc_;
    unknown.push_back(meter);
  }
  if (unknown.empty()) return;
  Params params;
  params.array(unknown);
  const Rows found =
      Rows::query(session_.raw(),
                  "SELECT m.meter_id, m.utility_id, m.key, u.zone FROM unnest($1::bigint[]) AS k"
                  " (meter_id) JOIN meter m USING (meter_id) JOIN utility u USING (utility_id)",
                  params);
  for (int i = 0; i < found.size(); ++i) {
    Meter& meter = meters_.at(found.i8(i, 0));
    meter.of.utility = found.i4(i, 1);
    meter.of.key = found.text(i, 2);
    meter.home = &zones_.of(std::string(found.text(i, 3)));
  }
  // One row an installation and detail of its usage point; a join, as GiST wants it.
  const Rows rows = Rows::query(
      session_.raw(),
      "SELECT i.meter_id, i.installation_id, i.usage_point_id, lower(i.valid), upper(i.valid),"
      " i.multiplier_mantissa, i.multiplier_exponent, lower(i.valid * d.valid), upper(i.valid * d.valid),"
      " coalesce(d.zone, '') FROM unnest($1::bigint[]) AS k (meter_id) JOIN installation i USING (meter_id)"
      " LEFT JOIN usage_point_detail d ON d.usage_point_id = i.usage_point_id AND d.valid && i.valid"
      " ORDER BY i.meter_id, lower(i.valid) NULLS FIRST, lower(i.valid * d.valid) NULLS FIRST",
      params);
  const auto period = [&](int i, int column) {
    return Period{rows.maybe_at(i, column).value_or(UtcInstant::min()),
                  rows.maybe_at(i, column + 1).value_or(UtcInstant::max())};
  };
  for (int i = 0; i < rows.size(); ++i) {
    Meter& meter = meters_.at(rows.i8(i, 0));
    const std::int64_t installation = rows.i8(i, 1);
    if (meter.of.stays.empty() || meter.of.stays.back().installation != installation) {
      meter.of.stays.push_back(
          {rows.i8(i, 0), installation, rows.i8(i, 2), period(i, 3), {rows.i8(i, 5), rows.i2(i, 6)}});
    }
    const std::string zone(rows.text(i, 9));
    // Without a detail both bounds are absent, which would read as for ever.
    const bool described = !rows.null(i, 7) || !rows.null(i, 8) || !zone.empty();
    meter.places.push_back(
        {described ? period(i, 7) : period(i, 3), zone.empty() ? meter.home : &zones_.of(zone)});
  }
}

const Zone& CivilDays::zone(MeterId id, Day date) const {
  const Meter& meter = meters_.at(id);
  if (meter.places.empty()) return *meter.home;
  const UtcInstant noon = UtcInstant{date} + std::chrono::hours{12};
  // The last that begins by then; before the first, the first.
  const auto after =
      std::ranges::upper_bound(meter.places, noon, {}, [](const Place& p) { return p.period.from; });
  return after == meter.places.begin() ? *after->zone : *std::prev(after)->zone;
}

Zone::Day CivilDays::day(MeterId meter, Day date) const {
  return zone(meter, date).civil_day(std::chrono::year_month_day{date});
}

std::vector<Day> CivilDays::dates(MeterId meter, UtcInstant from, UtcInstant to) const {
  std::vector<Day> out;
  using std::chrono::days;
  for (Day date = std::chrono::floor<days>(from) - days{1}; date <= std::chrono::floor<days>(to) + days{1};
       date += days{1}) {
    const Zone::Day civil = day(meter, date);
    if (civil.start < to && civil.end > from) out.push_back(date);
  }
  return out;
}

}  // namespace ami::storage
