// ami.v1.HanService: says that it is not there, and why.
#pragma once

#include "ami/v1/han_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class HanService final : public v1::HanService::CallbackService {
 public:
  explicit HanService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ListHanDevices(Context*, const v1::ListHanDevicesRequest*, v1::ListHanDevicesResponse*) override;
  Unary* AddHanDevice(Context*, const v1::AddHanDeviceRequest*, v1::HanDevice*) override;
  Unary* SendHanText(Context*, const v1::SendHanTextRequest*, v1::SendHanTextResponse*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
