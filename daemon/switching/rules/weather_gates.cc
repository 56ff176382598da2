#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/switching/rules/gate_judge.h"

namespace ami::daemon::switching {
namespace {

using End = GateVerdict::End;
using Spans = std::vector<TemperatureSpan>;

// Exact: 1.8 degrees Fahrenheit a degree Celsius. nullopt: no temperature of this world.
std::optional<Decimal> fahrenheit(const Decimal& celsius) {
  const auto scaled = celsius.times({18, -1});
  return scaled ? scaled->plus({32, 0}) : std::nullopt;
}

Spans overlapping(const Spans& spans, UtcInstant from, UtcInstant to) {
  Spans out;
  std::ranges::copy_if(spans, std::back_inserter(out),
                       [&](const TemperatureSpan& one) { return one.from < to && one.to > from; });
  std::ranges::sort(out, {}, &TemperatureSpan::from);
  return out;
}

// No moment of [from, to) without a span. `spans` in order.
bool covered(const Spans& spans, UtcInstant from, UtcInstant to) {
  for (const TemperatureSpan& one : spans) {
    if (one.from > from) return false;
    from = std::max(from, one.to);
  }
  return from >= to;
}

// Did the temperature stay at or below `most` all the time?
enum class Stayed : std::uint8_t { Yes, No, NotKnown };
Stayed stayed_below(const Spans& all, UtcInstant from, UtcInstant to, const Decimal& most_f) {
  const Spans spans = overlapping(all, from, to);
  bool known = covered(spans, from, to);
  for (const TemperatureSpan& one : spans) {
    const auto high = fahrenheit(one.high_c);
    if (!high) {
      known = false;
    } else if (*high > most_f) {
      // Of a span that reaches beyond the time asked about the high may be of another moment.
      if (one.from >= from && one.to <= to) return Stayed::No;
      known = false;
    }
  }
  return known ? Stayed::Yes : Stayed::NotKnown;
}

std::string hours(std::chrono::hours span) {
  return std::to_string(span.count()) + " h";
}

}  // namespace

GateVerdict judge_forecast(const Gate& gate, const Weather& weather, UtcInstant now) {
  const UtcInstant end = now + gate.ahead;
  const Spans spans = overlapping(weather.forecast, now, end);
  GateVerdict out;
  bool known = covered(spans, now, end);
  for (const TemperatureSpan& one : spans) {
    const auto low = fahrenheit(one.low_c), high = fahrenheit(one.high_c);
    if (!low || !high || *low > *high) {
      known = false;
      continue;
    }
    const bool cold = gate.low_at_most_f && *low <= *gate.low_at_most_f;
    const bool hot = gate.high_at_least_f && *high >= *gate.high_at_least_f;
    if (!cold && !hot) continue;
    out.end = End::Closed;
    out.words = "the forecast of the next " + hours(gate.ahead) + " has a " +
                (cold ? "low of " + low->to_string() : "high of " + high->to_string()) + " F";
    out.facts["forecast_from"] = to_text(one.from);
    out.facts["low_f"] = low->to_string();
    out.facts["high_f"] = high->to_string();
    out.would_change = "a forecast without it";
    return out;
  }
  if (known) return out;
  out.end = End::Missing;
  out.words = "the forecast does not cover the next " + hours(gate.ahead);
  out.would_change = "a forecast until " + to_text(end);
  return out;
}

GateVerdict judge_frozen_day(const Gate& gate, const Weather& weather, const Zone& zone, UtcInstant now) {
  const Decimal most = gate.low_at_most_f.value_or(Decimal{32, 0});
  const Date today = date_at(zone, now);
  const auto yesterday = zone.civil_day(Date{std::chrono::sys_days{today} - std::chrono::days{1}});
  const Stayed was = stayed_below(weather.observed, yesterday.start, yesterday.end, most);
  const Stayed will = stayed_below(weather.forecast, now, now + gate.ahead, most);
  GateVerdict out;
  if (was == Stayed::No || will == Stayed::No) return out;
  if (was == Stayed::Yes && will == Stayed::Yes) {
    out.end = End::Closed;
    out.words = "yesterday did not rise above " + most.to_string() + " F, and the next " + hours(gate.ahead) +
                " will not";
    out.would_change = "a forecast that rises above it";
  } else {
    out.end = End::Missing;
    out.words = was == Stayed::NotKnown ? "the high of yesterday is not known"
                                        : "the forecast does not cover the next " + hours(gate.ahead);
    out.would_change = "observations of yesterday and a forecast of " + hours(gate.ahead);
  }
  return out;
}

GateVerdict judge_heat_advisory(const Gate& gate, const Weather& weather, const Zone& zone, UtcInstant now) {
  const std::chrono::sys_days today{date_at(zone, now)};
  const UtcInstant from = zone.civil_day(Date{today - std::chrono::days{gate.days_before}}).start;
  const UtcInstant to = zone.civil_day(Date{today}).end;
  GateVerdict out;
  for (const Weather::Advisory& one : weather.heat) {
    if (one.from >= to || one.to <= from) continue;
    out.end = End::Closed;
    out.words = "a heat advisory is or was in force from " + to_text(one.from) + " to " + to_text(one.to);
    out.facts["advisory_from"] = to_text(one.from);
    out.facts["advisory_to"] = to_text(one.to);
    out.would_change = std::to_string(gate.days_before + 1) + " days without one";
    return out;
  }
  if (weather.advisories_since && *weather.advisories_since <= from) return out;
  out.end = End::Missing;
  out.words = "heat advisories are not known since " + to_text(from);
  out.would_change = "news of heat advisories, also that there are none";
  return out;
}

}  // namespace ami::daemon::switching
