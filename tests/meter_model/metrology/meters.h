// Meters and loads for the tests: 1 January 2026, 00:00 by the meter's clock, which is UTC unless said.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "meter_model/metrology/meter.h"

namespace ami::metrology {

using namespace std::chrono_literals;

inline UtcInstant at(std::string_view rfc3339) {
  return parse_instant(rfc3339).value();
}

inline Decimal decimal(std::string_view text) {
  return Decimal::parse(text).value();
}

inline Energy wh(std::string_view text) {
  return Energy::from_wh(decimal(text)).value();
}

inline Load watts(double power) {
  return Load::constant(power).value();
}

inline InitialState new_year() {
  InitialState initial;
  initial.start = at("2026-01-01T00:00:00Z");
  return initial;
}

inline ReferenceMeter meter(const MeterProgram& program = {}, const InitialState& initial = new_year()) {
  return ReferenceMeter::create(program, initial).value();
}

inline std::string hour_of(UtcInstant instant) {  // "00:15:00" of the first day, as displayed in UTC
  return to_text(instant).substr(11, 8);
}

inline std::string flags_of(Flags flags) {
  std::string text;
  for (const auto name : names(flags)) text += (text.empty() ? "" : " ") + std::string(name);
  return text;
}

}  // namespace ami::metrology
