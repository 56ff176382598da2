#include "tools/fieldsim/drop_box/stated.h"

#include <cstddef>

namespace ami::fieldsim {
namespace {

UtcInstant cut(UtcInstant at, std::chrono::microseconds resolution) {
  const auto past = at.time_since_epoch() % resolution;
  return at - (past.count() < 0 ? past + resolution : past);
}

}  // namespace

void cut_times(virtual_meter::Collected& collected, std::chrono::microseconds resolution) {
  for (virtual_meter::Interval& one : collected.intervals) one.end = cut(one.end, resolution);
  for (virtual_meter::Reading& one : collected.readings) one.clock = cut(one.clock, resolution);
  for (virtual_meter::Event& one : collected.events) one.at = cut(one.at, resolution);
}

Decimal thousand(const Decimal& kilo) {
  constexpr std::int32_t kKilo = 3;
  return kilo.shifted(kKilo).value();  // a register's exponent is far from its bounds
}

void add_energy(Content& content, std::string_view meter, const virtual_meter::Reading& reading) {
  const auto add = [&](std::string_view type, const Decimal& kwh) {
    const std::string raw = kwh.to_string();
    Content::Register line;
    line.meter = meter;
    line.reading_type = type;
    line.at = reading.clock;
    line.value = thousand(kwh);
    line.raw = raw;
    content.add(line);
  };
  add(reading_type::kDelivered, reading.energy.delivered_kwh);
  if (reading.energy.received_kwh) add(reading_type::kReceived, *reading.energy.received_kwh);
  if (!reading.energy.tiers_kwh) return;
  for (std::size_t i = 0; i < reading.energy.tiers_kwh->size(); ++i)
    add(reading_type::tier(static_cast<char>('A' + static_cast<int>(i))), (*reading.energy.tiers_kwh)[i]);
}

}  // namespace ami::fieldsim
