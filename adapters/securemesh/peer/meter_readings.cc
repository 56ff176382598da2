#include "adapters/securemesh/peer/meter_readings.h"

#include <optional>
#include <utility>

namespace ami::securemesh::peer {
namespace {

using virtual_meter::Collected;

constexpr const char* kNeverSet = "1970-01-01T00:00:00Z";

std::string energy_type(const char* accumulation, int flow, int tier) {
  return std::string("13.0.0.") + accumulation + "." + std::to_string(flow) + ".1.12.0.0.0.0." +
         std::to_string(tier) + ".0.0.0.3.72.0";
}

std::optional<int> period_code(std::chrono::minutes length) {
  switch (length.count()) {
    case 5:
      return 6;
    case 15:
      return 2;
    case 30:
      return 5;
    case 60:
      return 7;
    default:
      return std::nullopt;
  }
}

cim::Reading reading(std::string type, std::string value, std::string at) {
  cim::Reading out;
  out.type = std::move(type);
  out.value = std::move(value);
  out.time_stamp = std::move(at);
  return out;
}

Outcome add_registers(const virtual_meter::Reading& read, cim::MeterReading& out) {
  const std::string at = to_text(read.clock);
  out.readings.push_back(reading(energy_type("1", 1, 0), read.energy.delivered_kwh.to_string(), at));
  if (read.energy.received_kwh)
    out.readings.push_back(reading(energy_type("1", 19, 0), read.energy.received_kwh->to_string(), at));
  if (read.energy.tiers_kwh) {
    for (std::size_t i = 0; i < read.energy.tiers_kwh->size(); ++i) {
      out.readings.push_back(
          reading(energy_type("9", 1, static_cast<int>(i) + 1), (*read.energy.tiers_kwh)[i].to_string(), at));
    }
  }
  constexpr std::int32_t kKilo = 3;
  const auto watts = read.demand.maximum.kw.shifted(kKilo);
  if (!watts)
    return permanent("a maximum of " + read.demand.maximum.kw.to_string() + " kW does not fit in W");
  const bool set = read.demand.maximum.at.has_value();
  out.readings.push_back(reading("13.8.0.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0", set ? watts->to_string() : "0",
                                 set ? to_text(*read.demand.maximum.at) : kNeverSet));
  return Done{};
}

Result<cim::IntervalBlock> block(const Collected& collected, int code, bool received) {
  cim::IntervalBlock out;
  out.type = "0.0." + std::to_string(code) + ".4." + (received ? "19" : "1") + ".1.12.0.0.0.0.0.0.0.0.3.72.0";
  for (const virtual_meter::Interval& interval : collected.intervals) {
    const auto kwh = kwh_of(collected, received ? interval.received_pulses : interval.delivered_pulses);
    if (!kwh) return kwh.error();
    out.readings.push_back(reading({}, kwh->to_string(), to_text(interval.end)));
  }
  return out;
}

}  // namespace

Result<cim::MeterReading> meter_readings(const Collected& collected) {
  cim::MeterReading out;
  out.meter = {collected.meter, false, {}};
  if (!collected.readings.empty()) {
    if (const Outcome added = add_registers(collected.readings.back(), out); !added) return added.error();
  }
  if (collected.intervals.empty()) return out;
  const auto code = period_code(collected.interval);
  if (!code) {
    return permanent("meter " + collected.meter + ": no code for intervals of " +
                     std::to_string(collected.interval.count()) + " min; 5, 15, 30 and 60 have one");
  }
  for (const bool received : {false, true}) {
    if (received && !collected.received_channel) continue;
    auto made = block(collected, *code, received);
    if (!made) return made.error();
    out.blocks.push_back(std::move(made.value()));
  }
  return out;
}

}  // namespace ami::securemesh::peer
