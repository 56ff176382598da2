// Trilliant SecureMesh RES-3000-FocusAX-P, through the vendor's head-end. Of its interface little is public:
// one customer's bridge moved CIM readings and events, one integrator's notes name MultiSpeak. Which of the
// three ways below a site has is for the site to confirm.
#include "adapters/securemesh/family.h"

#include <utility>

#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::securemesh {
namespace {

constexpr const char* kFamily = "securemesh";
constexpr const char* kToBeConfirmed = "the interface itself: Trilliant via CIM, to be confirmed per site";

// AE-1641 states that the module operates the disconnect switch (config/approvals/ae-1641.yaml); which meters
// it may stand in is the approval's to say, not an adapter's.
cim::Profile cim_profile() {
  cim::Profile profile;
  profile.family = kFamily;
  profile.title =
      "Feed of the securemesh family, interface cim (Trilliant via CIM, to be confirmed per site)";
  profile.claim = "IEC 61968-9 (CIM) messages over HTTP; interface to be confirmed per site";
  profile.files_title =
      "Feed of the securemesh family, interface cim_files (Trilliant via CIM, to be confirmed per site)";
  profile.files_claim = "IEC 61968-9 (CIM) messages as dropped files; interface to be confirmed per site";
  profile.events = "maps/cim-trilliant-events.yaml";
  profile.can.switch_open = true;
  profile.can.switch_close = true;
  profile.assumed = kToBeConfirmed;
  return profile;
}

multispeak::Profile multispeak_profile() {
  multispeak::Profile profile;
  profile.family = kFamily;
  profile.title =
      "Feed of the securemesh family, interface multispeak (Trilliant via MultiSpeak 4.1, to be confirmed "
      "per site)";
  profile.claim = "MultiSpeak 4.1; interface to be confirmed per site";
  profile.versions = {multispeak::Version::V41};
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .intervals = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .switch_open = true,
                 .switch_close = true};
  profile.assumed = "the interface itself: one integrator's note names Trilliant among users of MultiSpeak";
  return profile;
}

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(cim::interface_of(cim_profile()));
  all.push_back(cim::files_of(cim_profile()));
  all.push_back(multispeak::interface_of(multispeak_profile()));
  return all;
}

}  // namespace ami::securemesh
