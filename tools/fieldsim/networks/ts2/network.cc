#include "tools/fieldsim/networks/ts2/network.h"

#include <array>

#include "adapters/ts2/peer/head_end.h"
#include "tools/fieldsim/multispeak/side.h"

namespace ami::fieldsim::ts2 {
namespace {

constexpr std::array kKeys{multispeak_keys::kListen, multispeak_keys::kCallback,
                           multispeak_keys::kRegistersEvery, multispeak_keys::kFiles,
                           multispeak_keys::kCatchUp,
                           OwnKey{"intervals", "false", "Whether the recorder's intervals are reported, too."}};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  return make_multispeak_side({ami::ts2::peer::head_end(), false, true}, setup, around);
}

}  // namespace

NetworkKind network() {
  return {"ts2", "TS", "TS2", kKeys, make};
}

}  // namespace ami::fieldsim::ts2
