#include "meter_model/vee/day_grid.h"

#include <algorithm>

namespace ami::vee {
namespace {

using std::chrono::microseconds;

microseconds remainder(microseconds value, microseconds length) {
  const microseconds rest = value % length;
  return rest < microseconds::zero() ? rest + length : rest;
}

}  // namespace

DayGrid day_grid(const Span& day, std::chrono::seconds length, std::chrono::seconds phase) {
  const microseconds past = remainder(day.from.time_since_epoch() - phase, length);
  const UtcInstant first = past == microseconds::zero() ? day.from : day.from + (length - past);
  if (first >= day.to) return {first, length, 0};
  const auto count = (day.to - first + length - microseconds{1}) / length;
  return {first, length, static_cast<std::size_t>(count)};
}

std::chrono::seconds civil_phase(const Zone& zone, UtcInstant standard, std::chrono::seconds length) {
  const CivilTime face = zone.civil(standard);
  const microseconds since_midnight =
      face.time_since_epoch() - std::chrono::floor<std::chrono::days>(face.time_since_epoch());
  return std::chrono::floor<std::chrono::seconds>(
      remainder(standard.time_since_epoch() - since_midnight, length));
}

Span civil_day(const Zone& zone, std::chrono::year_month_day date) {
  const Zone::Day day = zone.civil_day(date);
  return {day.start, day.end};
}

Span civil_month(const Zone& zone, std::chrono::year_month month) {
  const auto next = month + std::chrono::months{1};
  return {zone.civil_day(month / std::chrono::day{1}).start,
          zone.civil_day(next / std::chrono::day{1}).start};
}

DayClass day_class(std::chrono::year_month_day date, std::span<const std::chrono::year_month_day> holidays) {
  if (std::ranges::find(holidays, date) != holidays.end()) return DayClass::Holiday;
  const std::chrono::weekday weekday{std::chrono::sys_days{date}};
  const bool weekend = weekday == std::chrono::Saturday || weekday == std::chrono::Sunday;
  return weekend ? DayClass::Weekend : DayClass::Weekday;
}

}  // namespace ami::vee
