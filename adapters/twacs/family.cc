// Aclara UMT-R-FX on TWACS, through the vendor's MultiSpeak gateway; water and gas of its EMTR-3-FX ports by
// files.
#include "adapters/twacs/family.h"

#include <chrono>

#include "adapters/twacs/port_files.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::twacs {
namespace {

multispeak::Profile multispeak_profile() {
  multispeak::Profile profile;
  profile.family = "twacs";
  profile.title = "Feed of the twacs family, interface multispeak (Aclara TWACS, electric meters)";
  profile.claim = "MultiSpeak 3.0 MR as asserted for the TWACS gateway in 2007, and OD";
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .backfill = true};
  profile.evidence_helps = true;
  profile.silence =
      "AE-1641 rev. 6, COMMUNICATIONS, Aclara, paragraph on the UMT (aclara.transmits) does not say that the "
      "module "
      "operates the disconnect switch";
  profile.ping = multispeak::PingWay::OutageDetection;
  profile.expiry = std::chrono::hours{1};
  profile.targets = 20;
  profile.assumed =
      "OD beside MR; expiry of 1 h; GetReadingsByDate: ask GetMethods; a meter that does not answer is not "
      "known to be "
      "without power";
  return profile;
}

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(multispeak::interface_of(multispeak_profile()));
  all.push_back(port_files());
  return all;
}

}  // namespace ami::twacs
