// Landis+Gyr Gridstream RF Mesh, through Command Center.
#include "adapters/gridstream/family.h"

#include <utility>

#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/lg_delimited/link/files_interface.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::gridstream {
namespace {

constexpr const char* kFamily = "gridstream";
constexpr const char* kSilence =
    "AE-1641 rev. 6, COMMUNICATIONS, Landis+Gyr EMS, paragraph on the RF Mesh endpoint (rf_mesh.transmits) "
    "does not say "
    "that the module operates the disconnect switch";

multispeak::Profile multispeak_profile() {
  multispeak::Profile profile;
  profile.family = kFamily;
  profile.title =
      "Feed of the gridstream family, interface multispeak (Landis+Gyr Command Center, Gridstream RF Mesh)";
  profile.claim = "MultiSpeak 3.0 as public integrator pages describe Command Center (MR_CB, CD_CB)";
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .intervals = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .demand_reset = true,
                 .backfill = true};
  profile.evidence_helps = true;
  profile.silence = kSilence;
  // The pages name no outage detection role; a meter that answers a read has power.
  profile.ping = multispeak::PingWay::Read;
  profile.assumed =
      "GetReadingsByDate, interval callbacks and the switch's state are not in the public lists: ask "
      "GetMethods; field "
      "names, rate periods and event codes are the head-end's";
  return profile;
}

cim::Profile cim_profile() {
  cim::Profile profile;
  profile.family = kFamily;
  profile.title = "Feed of the gridstream family, interface cim (Landis+Gyr Command Center, CIM 1.2 and 2.0)";
  profile.claim = "IEC 61968-9 messages as a public sample and integrator pages show them of Command Center";
  profile.events = "maps/cim-lg-events.yaml";
  profile.edition = cim::Edition::CommandCenter;
  profile.credentials = cim::CredentialPlace::Body;  // CIM 1.2; 2.0 has them in the SOAP header
  profile.evidence_helps = true;
  profile.silence = kSilence;
  profile.ping = cim::PingWay::Read;
  profile.assumed =
      "only events are shown by a public sample: how Command Center wraps readings and controls is not";
  return profile;
}

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(multispeak::interface_of(multispeak_profile()));
  all.push_back(lg_delimited::files_interface_of(
      {kFamily, "Feed of the gridstream family, interface files (Landis+Gyr Command Center: ~ files)",
       "Command Center ~ files: EMED01 by its column names; MEPMD01 where a site confirmed its form"}));
  all.push_back(cim::interface_of(cim_profile()));
  return all;
}

}  // namespace ami::gridstream
