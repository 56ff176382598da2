#include "daemon/switching/rules/gate.h"

#include "daemon/switching/rules/gate_judge.h"
#include "meter_model/approval/notice.h"

namespace ami::daemon::switching {
namespace {

using End = GateVerdict::End;

GateVerdict missing(std::string words, std::string would_change) {
  return {End::Missing, std::move(words), {}, std::move(would_change)};
}

bool by_weather(Gate::Kind kind) {
  return kind != Gate::Kind::Season && kind != Gate::Kind::Weekdays;
}

// nullopt: it is there, and fresh.
std::optional<GateVerdict> no_weather(const Gate& gate, const Protection& protection, UtcInstant now) {
  if (!protection.weather) {
    return missing("no weather is known for the place",
                   "weather of the place that is younger than " + std::to_string(gate.stale_after.count()) + " s");
  }
  const UtcInstant issued = protection.weather->issued_at;
  if (now - issued <= gate.stale_after && issued - now <= kFutureSlack) return std::nullopt;
  auto out = missing("the weather was issued at " + to_text(issued) +
                         (issued > now ? ", which is still to come" : ", which is too long ago"),
                     "weather that is younger than " + std::to_string(gate.stale_after.count()) + " s");
  out.facts["weather_issued_at"] = to_text(issued);
  return out;
}

}  // namespace

Date date_at(const Zone& zone, UtcInstant at) {
  return Date{std::chrono::floor<std::chrono::days>(zone.civil(at))};
}
std::string text_of(Date date) {
  return approval::to_text(date);
}

GateVerdict judge_gate(const Gate& gate, const Protection& protection, UtcInstant now) {
  const auto zone = Zone::load(protection.zone);
  if (protection.zone.empty() || !zone) {
    return missing("the time zone of the usage point is not known", "a time zone for the usage point");
  }
  const Date today = date_at(*zone, now);
  GateVerdict out;
  if (!by_weather(gate.kind)) {
    out = gate.kind == Gate::Kind::Season ? judge_season(gate, today) : judge_weekdays(gate, today);
  } else if (auto none = no_weather(gate, protection, now)) {
    out = std::move(*none);
  } else {
    const Weather& weather = *protection.weather;
    if (gate.kind == Gate::Kind::Forecast) {
      out = judge_forecast(gate, weather, now);
    } else if (gate.kind == Gate::Kind::FrozenDay) {
      out = judge_frozen_day(gate, weather, *zone, now);
    } else {
      out = judge_heat_advisory(gate, weather, *zone, now);
    }
    out.facts["weather_issued_at"] = to_text(weather.issued_at);
    out.facts["weather_source"] = weather.source;
    out.facts["weather_issue"] = weather.issue;
  }
  out.facts["date"] = text_of(today);
  out.facts["zone"] = protection.zone;
  return out;
}

}  // namespace ami::daemon::switching
