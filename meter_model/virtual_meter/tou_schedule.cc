#include "meter_model/virtual_meter/tou_schedule.h"

#include <string>

namespace ami::virtual_meter {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr std::array<const char*, 4> kNames{"winter weekdays", "winter weekends", "summer weekdays",
                                            "summer weekends"};

std::size_t row_of(TouSeason season, TouDay day) {
  return static_cast<std::size_t>(season) * 2 + static_cast<std::size_t>(day);
}

}  // namespace

Result<TouSchedule> TouSchedule::create(const std::vector<TouSwitch>& switches, int first_summer_month,
                                        int last_summer_month) {
  if (first_summer_month < 1 || last_summer_month > 12 || first_summer_month > last_summer_month) {
    return permanent("summer from month " + std::to_string(first_summer_month) + " to " +
                     std::to_string(last_summer_month) + "; 1 to 12 in ascending order are possible");
  }
  TouSchedule out;
  out.first_summer_month_ = first_summer_month;
  out.last_summer_month_ = last_summer_month;
  if (switches.empty()) return out;
  std::array<int, 4> last{-1, -1, -1, -1};
  for (const TouSwitch& change : switches) {
    const std::size_t row = row_of(change.season, change.day);
    const std::string where =
        std::string(kNames.at(row)) + ", minute " + std::to_string(change.minute_of_day);
    if (change.minute_of_day < 0 || change.minute_of_day >= 1440 || change.minute_of_day % 15 != 0) {
      return permanent("tiers of " + where + ": multiples of 15 from 0 to 1425 are possible");
    }
    if (change.tier < 'A' || change.tier > 'D') {
      return permanent("tiers of " + where + ": there are tiers A to D");
    }
    if (last.at(row) < 0 ? change.minute_of_day != 0 : change.minute_of_day <= last.at(row)) {
      return permanent("tiers of " + where + ": they begin at minute 0 and ascend");
    }
    last.at(row) = change.minute_of_day;
    for (auto quarter = static_cast<std::size_t>(change.minute_of_day / 15); quarter < 96; ++quarter) {
      out.tiers_.at(row).at(quarter) = change.tier;
    }
  }
  for (std::size_t row = 0; row < last.size(); ++row) {
    if (last.at(row) < 0) return permanent("no tiers are stated for " + std::string(kNames.at(row)));
  }
  out.none_ = false;
  return out;
}

TouSchedule TouSchedule::three_tiers() {
  using enum TouSeason;
  using enum TouDay;
  return create({{Winter, Weekday, 0, 'A'},
                 {Winter, Weekday, 7 * 60, 'C'},
                 {Winter, Weekday, 11 * 60, 'B'},
                 {Winter, Weekday, 17 * 60, 'C'},
                 {Winter, Weekday, 19 * 60, 'A'},
                 {Winter, Weekend, 0, 'A'},
                 {Summer, Weekday, 0, 'A'},
                 {Summer, Weekday, 7 * 60, 'B'},
                 {Summer, Weekday, 11 * 60, 'C'},
                 {Summer, Weekday, 17 * 60, 'B'},
                 {Summer, Weekday, 19 * 60, 'A'},
                 {Summer, Weekend, 0, 'A'}})
      .value();
}

char TouSchedule::tier(CivilTime civil) const {
  if (none_) return 'A';
  const auto day = std::chrono::floor<days>(civil);
  const std::chrono::year_month_day date{std::chrono::sys_days{day.time_since_epoch()}};
  const int month = static_cast<int>(static_cast<unsigned>(date.month()));
  const bool summer = month >= first_summer_month_ && month <= last_summer_month_;
  const bool weekend =
      std::chrono::weekday{std::chrono::sys_days{day.time_since_epoch()}}.iso_encoding() >= 6;
  const auto quarter = static_cast<std::size_t>(std::chrono::floor<minutes>(civil - day) / minutes{15});
  return tiers_[row_of(summer ? TouSeason::Summer : TouSeason::Winter,
                       weekend ? TouDay::Weekend : TouDay::Weekday)][quarter];
}

}  // namespace ami::virtual_meter
