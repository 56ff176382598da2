// The kinds of gates. Only for the sources of this folder.
#pragma once

#include "daemon/switching/rules/gate.h"
#include "meter_model/time/zone.h"

namespace ami::daemon::switching {

using Date = std::chrono::year_month_day;

Date date_at(const Zone& zone, UtcInstant at);
std::string text_of(Date date);  // "2026-11-15"

GateVerdict judge_season(const Gate& gate, Date today);
GateVerdict judge_weekdays(const Gate& gate, Date today);

// `weather` is there and fresh.
GateVerdict judge_forecast(const Gate& gate, const Weather& weather, UtcInstant now);
GateVerdict judge_frozen_day(const Gate& gate, const Weather& weather, const Zone& zone, UtcInstant now);
GateVerdict judge_heat_advisory(const Gate& gate, const Weather& weather, const Zone& zone, UtcInstant now);

}  // namespace ami::daemon::switching
