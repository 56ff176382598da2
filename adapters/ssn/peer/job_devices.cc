#include "adapters/ssn/peer/job_devices.h"

#include <set>

#include "adapters/ssn/peer/export_document.h"

namespace ami::ssn::peer {

Result<std::vector<uiq_job::peer::Device>> job_devices(std::span<const virtual_meter::Collected> meters) {
  std::vector<uiq_job::peer::Device> devices;
  std::set<std::string> names, macs;
  for (const virtual_meter::Collected& collected : meters) {
    uiq_job::peer::Device device;
    device.name = collected.meter;
    device.mac = mac_of(collected);
    if (device.mac.empty()) return permanent("meter " + device.name + ": no reading says its module's id");
    if (!names.insert(device.name).second || !macs.insert(device.mac).second)
      return permanent("meter " + device.name + ": another has its name or its MAC id " + device.mac);
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace ami::ssn::peer
