// Meters for tests of the virtual meter.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meter_model/virtual_meter/virtual_meter.h"

namespace ami::virtual_meter::testing {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline UtcInstant at(std::string_view text) {
  return parse_instant(text).value();
}

inline SharedPlan plan_with(bool tiers = true, std::string zone = "America/Toronto") {
  SiteSetup site;
  site.zone = std::move(zone);
  Plan plan{Site::create(site).value()};
  if (tiers) plan.tou = TouSchedule::three_tiers();
  return Plan::create(std::move(plan)).value();
}

inline MeterSetup setup_of(std::uint32_t number, UtcInstant start) {
  MeterSetup setup;
  setup.number = number;
  setup.start = start;
  setup.initial_delivered_kwh = 12000;
  setup.initial_received_kwh = 300;
  return setup;
}

inline VirtualMeter meter_of(const SharedPlan& plan, MeterSetup setup) {
  return VirtualMeter::create(plan, std::move(setup)).value();
}

struct Served {
  std::vector<Interval> intervals;
  std::vector<Event> events;
};

// Advances in steps of this length; what the meter said is appended.
inline void run(VirtualMeter& meter, UtcInstant to, Served& served, std::chrono::microseconds step) {
  Outbox out;
  while (meter.now() < to) {
    out.clear();
    meter.advance(std::min(to, meter.now() + step), out);
    served.intervals.insert(served.intervals.end(), out.intervals.begin(), out.intervals.end());
    served.events.insert(served.events.end(), out.events.begin(), out.events.end());
  }
}
inline Served run(VirtualMeter& meter, UtcInstant to) {
  Served served;
  run(meter, to, served, to - meter.now());
  return served;
}

inline double number(const Decimal& value) {
  return std::stod(value.to_string());
}
inline double number(const std::optional<Decimal>& value) {
  return number(value.value());
}

inline std::vector<EventKind> kinds(const std::vector<Event>& events) {
  std::vector<EventKind> out;
  for (const Event& event : events) out.push_back(event.kind);
  return out;
}

inline bool equal_events(const Event& a, const Event& b) {
  return a.kind == b.kind && a.reporter == b.reporter && a.sequence == b.sequence && a.at == b.at &&
         a.true_at == b.true_at;
}
inline bool same(const std::vector<Event>& a, const std::vector<Event>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal_events(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace ami::virtual_meter::testing
