#include "tools/fieldsim/networks/ssn/exports.h"

#include <utility>

#include "adapters/ssn/peer/export_document.h"
#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim::ssn {
namespace {

using virtual_meter::Collected;

// Table of record, multiplier 0: the cumulative demand of 15-minute blocks.
constexpr std::string_view kCumulativeDemand = "0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.0.38.0";

void tell(const Collected& meter, Content& content) {
  for (const virtual_meter::Reading& reading : meter.readings) {
    add_energy(content, meter.meter, reading);
    const std::string raw = reading.demand.cumulative_kw.to_string();
    Content::Register demand;
    demand.meter = meter.meter;
    demand.reading_type = kCumulativeDemand;
    demand.unit = "W";
    demand.at = reading.clock;
    demand.value = thousand(reading.demand.cumulative_kw);
    demand.channel = "1011";
    demand.raw = raw;
    content.add(demand);
  }
  content.add_intervals(meter, false, "1");
  content.add_intervals(meter, true, "2");
  for (const virtual_meter::Event& event : meter.events) {
    const std::string_view name = virtual_meter::name_of(event.kind);
    content.add(Content::Event{meter.meter, virtual_meter::code_of(event.kind), name, event.at, name});
  }
}

}  // namespace

Export make_export(const std::string& network, std::vector<Collected> meters, const Zone& zone,
                   const std::string& document_id, UtcInstant created) {
  Export made{{}, Content(network), {}};
  for (Collected& meter : meters) cut_times(meter, std::chrono::milliseconds{1});
  const ami::ssn::peer::ExportSettings settings{zone, created, document_id};
  auto bytes = ami::ssn::peer::export_document(meters, settings);
  if (!bytes) {
    made.left_out = bytes.error().message;
    std::erase_if(meters, [&](const Collected& meter) {
      return !ami::ssn::peer::export_document({&meter, 1}, settings).ok();
    });
    bytes = ami::ssn::peer::export_document(meters, settings);
    if (!bytes) return made;
  }
  made.bytes = std::move(*bytes);
  for (const Collected& meter : meters) tell(meter, made.content);
  return made;
}

}  // namespace ami::fieldsim::ssn
