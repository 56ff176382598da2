#include "daemon/switching/rules/gate_judge.h"

namespace ami::daemon::switching {
namespace {

using End = GateVerdict::End;

Date after(Date date) {
  return Date{std::chrono::sys_days{date} + std::chrono::days{1}};
}

// In the season itself or not; a season that ends before it begins passes over New Year.
bool within(std::chrono::month_day day, std::chrono::month_day from, std::chrono::month_day to) {
  return from <= to ? from <= day && day <= to : day >= from || day <= to;
}

// Why the gate is closed on that day; empty = it is not.
std::string closed_on(const Gate& gate, Date date) {
  const unsigned weekday = std::chrono::weekday{std::chrono::sys_days{date}}.iso_encoding();
  if (gate.weekdays.contains(weekday)) return "on that day of the week";
  if (gate.holidays.contains(date)) return "on a holiday";
  if (gate.day_before_holiday && gate.holidays.contains(after(date))) return "on the day before a holiday";
  return {};
}

bool known(const Gate& gate, Date date) {
  if (!gate.holidays_known_until) return true;
  return (gate.day_before_holiday ? after(date) : date) <= *gate.holidays_known_until;
}

}  // namespace

GateVerdict judge_season(const Gate& gate, Date today) {
  if (!within({today.month(), today.day()}, gate.from, gate.to)) return {};
  Date end = today;
  while (within({end.month(), end.day()}, gate.from, gate.to) && end.year() - today.year() < std::chrono::years{2})
    end = after(end);
  return {End::Closed, "it is " + text_of(today) + ", within the season in which nobody is cut off", {},
          "the day " + text_of(end)};
}

GateVerdict judge_weekdays(const Gate& gate, Date today) {
  const std::string why = closed_on(gate, today);
  if (why.empty()) {
    if (known(gate, today)) return {};
    return {End::Missing, "holidays are known until " + text_of(*gate.holidays_known_until) + " only", {},
            "holidays of " + text_of(today) + " and the day after"};
  }
  constexpr int kFar = 60;
  Date next = after(today);
  for (int i = 0; i < kFar && !closed_on(gate, next).empty(); ++i) next = after(next);
  return {End::Closed, "it is " + text_of(today) + ": nobody is cut off " + why, {}, "the day " + text_of(next)};
}

}  // namespace ami::daemon::switching
