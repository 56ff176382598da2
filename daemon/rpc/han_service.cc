#include "daemon/rpc/han_service.h"

namespace ami::rpc {
namespace {

HanService::Unary* not_there(Gate& gate, HanService::Context* context, std::string_view method) {
  return gate.unary(context, method, [](const Call&) {
    throw StatusError{refused(
        grpc::StatusCode::UNIMPLEMENTED, "NO_PUBLISHED_INTERFACE",
        "no published interface of a head-end is known that reaches the home area network of a meter (the "
        "Zigbee option of the TS2 module); whether a meter has the option is asset data, and what head-ends "
        "report of its network is in EventService")};
  });
}

}  // namespace

HanService::Unary* HanService::ListHanDevices(Context* context, const v1::ListHanDevicesRequest*,
                                              v1::ListHanDevicesResponse*) {
  return not_there(gate_, context, "/ami.v1.HanService/ListHanDevices");
}

HanService::Unary* HanService::AddHanDevice(Context* context, const v1::AddHanDeviceRequest*,
                                            v1::HanDevice*) {
  return not_there(gate_, context, "/ami.v1.HanService/AddHanDevice");
}

HanService::Unary* HanService::SendHanText(Context* context, const v1::SendHanTextRequest*,
                                           v1::SendHanTextResponse*) {
  return not_there(gate_, context, "/ami.v1.HanService/SendHanText");
}

}  // namespace ami::rpc
