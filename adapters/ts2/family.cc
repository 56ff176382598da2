// Landis+Gyr TS2 on the power line, through Command Center. What its Zigbee option holds is asset data of the
// meter, not a reading.
#include "adapters/ts2/family.h"

#include <chrono>

#include "adapters/wire/lg_delimited/link/files_interface.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::ts2 {
namespace {

constexpr const char* kFamily = "ts2";

multispeak::Profile multispeak_profile() {
  multispeak::Profile profile;
  profile.family = kFamily;
  profile.title = "Feed of the ts2 family, interface multispeak (Landis+Gyr Command Center, TS2 power line)";
  profile.claim = "MultiSpeak 3.0 as public integrator pages describe Command Center (MR_CB, CD_CB)";
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .intervals = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .demand_reset = true,
                 .backfill = true,
                 .switch_open = true,  // the notice: clause ts2.disconnect
                 .switch_close = true,
                 .switch_state = true};
  profile.ping = multispeak::PingWay::Read;
  // Bits cross the line slowly: an answer takes minutes to hours.
  profile.expiry = std::chrono::hours{4};
  profile.targets = 20;
  profile.assumed =
      "expiry of 4 h; GetReadingsByDate, interval callbacks and InitiateCDStateRequest are not in the public "
      "lists: ask "
      "GetMethods; field names, rate periods and event codes are the head-end's";
  return profile;
}

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(multispeak::interface_of(multispeak_profile()));
  all.push_back(lg_delimited::files_interface_of(
      {kFamily, "Feed of the ts2 family, interface files (Landis+Gyr Command Center: ~ files)",
       "Command Center ~ files: EMED01 by its column names; MEPMD01 where a site confirmed its form"}));
  return all;
}

}  // namespace ami::ts2
