#include "meter_model/virtual_meter/site.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/counter_random.h"

namespace ami::virtual_meter {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kTilt = 23.44 * std::numbers::pi / 180;
constexpr double kYearDays = 365.25;

seconds offset_in(const Zone& zone, UtcInstant at) {
  return std::chrono::duration_cast<seconds>(zone.civil(at).time_since_epoch() - at.time_since_epoch());
}

// The first minute with the offset that `high` has; `low` has another one.
UtcInstant change_between(const Zone& zone, UtcInstant low, UtcInstant high) {
  const seconds after = offset_in(zone, high);
  while (high - low > minutes{1}) {
    const UtcInstant middle =
        low + std::chrono::duration_cast<minutes>(high - low) / 2;  // stays on whole minutes
    (offset_in(zone, middle) == after ? high : low) = middle;
  }
  return high;
}

double within(double value, double low, double high) {
  return std::clamp(value, low, high);
}

}  // namespace

Result<Site> Site::create(const SiteSetup& setup) {
  const auto in = [](double value, double low, double high) { return value >= low && value <= high; };
  if (!in(setup.latitude_deg, -66, 66)) {
    return permanent("latitude " + std::to_string(setup.latitude_deg) + "; -66 to 66 degrees are possible");
  }
  if (!in(setup.longitude_deg, -180, 180)) {
    return permanent("longitude " + std::to_string(setup.longitude_deg) +
                     "; -180 to 180 degrees are possible");
  }
  if (!in(setup.mean_c, -30, 40)) {
    return permanent("a mean temperature of " + std::to_string(setup.mean_c) +
                     " degrees C; -30 to 40 are possible");
  }
  if (!in(setup.swing_c, 0, 40)) {
    return permanent("a yearly swing of " + std::to_string(setup.swing_c) +
                     " degrees C; 0 to 40 are possible");
  }
  const auto zone = Zone::load(setup.zone);
  if (!zone) return zone.error();
  Site site(setup);
  UtcInstant before = kFirstInstant - days{1};
  site.changes_.push_back({before, offset_in(*zone, before)});
  for (UtcInstant at = before + days{1}; at <= kLastInstant + days{1}; at += days{1}) {
    const seconds offset = offset_in(*zone, at);
    if (offset != site.changes_.back().offset) {
      site.changes_.push_back({change_between(*zone, before, at), offset});
    }
    before = at;
  }
  return site;
}

seconds Site::utc_offset(UtcInstant at) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), at,
                                      [](UtcInstant t, const Change& change) { return t < change.from; });
  return (after == changes_.begin() ? after : after - 1)->offset;
}

seconds Site::standard_offset(UtcInstant at) const {
  seconds least = utc_offset(at);
  for (const int months : {3, 6, 9}) least = std::min(least, utc_offset(at - days{30 * months}));
  return least;
}

Sky Site::sky(std::int64_t quarter) const {
  const UtcInstant start = quarter_start(quarter);
  const auto civil = start.time_since_epoch() + utc_offset(start);
  const auto day = std::chrono::floor<days>(civil);
  const std::chrono::sys_days date{day};
  const std::chrono::year_month_day calendar{date};
  const auto day_of_year =
      static_cast<double>((date - std::chrono::sys_days{calendar.year() / std::chrono::January / 1}).count());

  Sky sky;
  sky.day = static_cast<std::int32_t>(day.count());
  sky.minute_of_day = static_cast<std::int16_t>(std::chrono::floor<minutes>(civil - day).count());
  sky.month = static_cast<std::uint8_t>(static_cast<unsigned>(calendar.month()));
  const unsigned weekday = std::chrono::weekday{date}.iso_encoding();
  sky.weekend = weekday >= 6;

  const double two_pi = 2 * std::numbers::pi;
  const double hemisphere = setup_.latitude_deg < 0 ? -1 : 1;
  const double solstice = std::cos(two_pi * (day_of_year + 10) / kYearDays);  // 1 at the December solstice
  sky.darkness = solstice * hemisphere;

  const double latitude = setup_.latitude_deg * std::numbers::pi / 180;
  const double declination = -kTilt * solstice;
  const double solar_hours = static_cast<double>(quarter % 96) / 4 + 0.125 + setup_.longitude_deg / 15;
  const double hour_angle = two_pi * (solar_hours - 12) / 24;
  const double height = std::sin(latitude) * std::sin(declination) +
                        std::cos(latitude) * std::cos(declination) * std::cos(hour_angle);
  if (height > 0) {
    const double clearness = 0.3 + 0.7 * uniform(setup_.seed, Stream::Clearness, 0, sky.day);
    const double hour = 0.85 + 0.3 * uniform(setup_.seed, Stream::CloudHour, 0, quarter / 4);
    sky.sun = within(height * clearness * hour, 0, 1);
  }
  // The warmest days come some weeks after the longest, the warmest hours some hours after noon.
  const double season = std::cos(two_pi * (day_of_year - 22) / kYearDays) * hemisphere;
  const double whim = 8 * uniform(setup_.seed, Stream::Warmth, 0, sky.day) - 4;
  const double hour = std::cos(two_pi * (solar_hours - 15) / 24);
  sky.outside_c = setup_.mean_c - setup_.swing_c * season + whim + 4.5 * hour;
  return sky;
}

}  // namespace ami::virtual_meter
