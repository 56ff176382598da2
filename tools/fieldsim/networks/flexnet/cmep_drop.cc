#include "tools/fieldsim/networks/flexnet/cmep_drop.h"

#include <chrono>

#include "adapters/flexnet/peer/cmep_export.h"
#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim::flexnet {

CmepFile make_cmep(const std::string& network, std::vector<virtual_meter::Collected> meters, const Zone& zone,
                   UtcInstant created) {
  CmepFile made{{}, Content(network), {}};
  ami::flexnet::peer::ExportSettings settings;
  settings.zone = zone;
  settings.created = std::chrono::floor<std::chrono::minutes>(created);
  // Tiers A to D as config/maps/cmep.yaml reads the labels; assumed there, so here.
  settings.tou_labels = {"ON-PEAK", "OFF-PEAK", "PART-PEAK", "PEAK-2"};
  for (virtual_meter::Collected& meter : meters) {
    cut_times(meter, std::chrono::minutes{1});
    const auto records = ami::flexnet::peer::export_records({&meter, 1}, settings);
    if (!records) {
      made.left_out = records.error().message;
      continue;
    }
    made.bytes += *records;
    made.content.add_intervals(meter, false, "KWH");
    made.content.add_intervals(meter, true, "GKWH");
    for (const virtual_meter::Reading& reading : meter.readings) add_energy(made.content, meter.meter, reading);
  }
  return made;
}

}  // namespace ami::fieldsim::flexnet
