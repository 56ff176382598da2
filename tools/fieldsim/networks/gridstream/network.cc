#include "tools/fieldsim/networks/gridstream/network.h"

#include <array>

#include "adapters/gridstream/peer/head_end.h"
#include "tools/fieldsim/multispeak/side.h"
#include "tools/fieldsim/networks/gridstream/cim_events.h"

namespace ami::fieldsim::gridstream {
namespace {

constexpr std::array kKeys{multispeak_keys::kListen,         multispeak_keys::kCallback,
                           multispeak_keys::kRegistersEvery, multispeak_keys::kIntervals,
                           multispeak_keys::kFiles,          multispeak_keys::kCatchUp,
                           OwnKey{"cim", "",
                                  "URL where events are posted as CIM messages, instead of by the callbacks of "
                                  "MultiSpeak; empty: by those."}};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  std::unique_ptr<EventWay> events;
  if (const std::string& url = setup.own.at("cim"); !url.empty()) {
    auto made = cim_events(setup.name, url, around);
    if (!made) return made.error();
    events = std::move(made).value();
  }
  return make_multispeak_side({ami::gridstream::peer::head_end(), true, true}, setup, around, std::move(events));
}

}  // namespace

NetworkKind network() {
  return {"gridstream", "GS", "RF_MESH", kKeys, make};
}

}  // namespace ami::fieldsim::gridstream
