#include "tools/fieldsim/networks/gridstream/network.h"

#include <array>

#include "adapters/gridstream/peer/head_end.h"
#include "tools/fieldsim/multispeak/side.h"

namespace ami::fieldsim::gridstream {
namespace {

constexpr std::array kKeys{multispeak_keys::kListen,         multispeak_keys::kCallback,
                           multispeak_keys::kRegistersEvery, multispeak_keys::kIntervals,
                           multispeak_keys::kFiles,          multispeak_keys::kCatchUp};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  return make_multispeak_side({ami::gridstream::peer::head_end(), true, true}, setup, around);
}

}  // namespace

NetworkKind network() {
  return {"gridstream", "GS", "RF_MESH", kKeys, make};
}

}  // namespace ami::fieldsim::gridstream
