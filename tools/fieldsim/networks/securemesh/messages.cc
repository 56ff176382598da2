#include "tools/fieldsim/networks/securemesh/messages.h"

#include <utility>

#include "adapters/securemesh/peer/meter_readings.h"
#include "adapters/wire/cim/codec/encode.h"
#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim::securemesh {

using virtual_meter::Collected;

Result<cim::MeterReading> state(const Collected& collected, Content& content) {
  auto said = ami::securemesh::peer::meter_readings(collected);
  if (!said) return said.error();
  if (!collected.readings.empty()) {
    const virtual_meter::Reading& reading = collected.readings.back();  // the only one that is written
    add_energy(content, collected.meter, reading);
    // A maximum that was never set stands at 1970: no reading.
    if (const auto& maximum = reading.demand.maximum; maximum.at) {
      Content::Register line;
      line.meter = collected.meter;
      line.reading_type = reading_type::kMaximum;
      line.unit = "W";
      line.at = *maximum.at;
      line.value = thousand(maximum.kw);
      content.add(line);
    }
  }
  content.add_intervals(collected, false);
  content.add_intervals(collected, true);
  return said;
}

std::vector<cim::Event> events_of(const Collected& collected, Content& content) {
  std::vector<cim::Event> events;
  for (const virtual_meter::Event& one : collected.events) {
    const std::string_view code = virtual_meter::code_of(one.kind);
    if (code.empty()) continue;
    cim::Event event;
    event.type = std::string(code);
    event.created = to_text(one.at);
    event.meter.id = collected.meter;
    events.push_back(std::move(event));
    content.add(Content::Event{collected.meter, code, virtual_meter::name_of(one.kind), one.at, code});
  }
  return events;
}

std::string published(const std::string& id, UtcInstant now, cim::Soap soap, std::vector<cim::MeterReading> readings,
                      std::vector<cim::Event> events) {
  cim::Message message;
  message.kind = cim::Kind::Event;
  message.soap = soap;
  message.header.verb = "created";
  message.header.noun = readings.empty() ? "EndDeviceEvents" : "MeterReadings";
  message.header.message_id = id;
  message.header.timestamp = to_text(now);
  message.header.source = "simulated head-end";
  message.meter_readings = std::move(readings);
  message.events = std::move(events);
  return cim::encode(message);
}

}  // namespace ami::fieldsim::securemesh
