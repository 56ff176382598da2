// ami.v1.AssetService over storage::Assets.
#pragma once

#include "ami/v1/asset_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class AssetService final : public ami::v1::AssetService::CallbackService {
 public:
  explicit AssetService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Resolve(Context*, const v1::ResolveRequest*, v1::ResolveResponse*) override;
  Unary* GetUsagePoint(Context*, const v1::GetUsagePointRequest*, v1::UsagePoint*) override;
  Unary* ListUsagePoints(Context*, const v1::ListUsagePointsRequest*, v1::ListUsagePointsResponse*) override;
  Unary* CreateUsagePoint(Context*, const v1::CreateUsagePointRequest*, v1::UsagePoint*) override;
  Unary* UpdateUsagePoint(Context*, const v1::UpdateUsagePointRequest*, v1::UsagePoint*) override;
  Unary* GetMeter(Context*, const v1::GetMeterRequest*, v1::Meter*) override;
  Unary* ListMeters(Context*, const v1::ListMetersRequest*, v1::ListMetersResponse*) override;
  Unary* CreateMeter(Context*, const v1::CreateMeterRequest*, v1::Meter*) override;
  Unary* UpdateMeter(Context*, const v1::UpdateMeterRequest*, v1::Meter*) override;
  grpc::ServerReadReactor<v1::ImportMetersRequest>* ImportMeters(Context*,
                                                                 v1::ImportMetersResponse*) override;
  Unary* Install(Context*, const v1::InstallRequest*, v1::Installation*) override;
  Unary* Remove(Context*, const v1::RemoveRequest*, v1::Installation*) override;
  Unary* Exchange(Context*, const v1::ExchangeRequest*, v1::ExchangeResponse*) override;
  Unary* SetVerification(Context*, const v1::SetVerificationRequest*, v1::Meter*) override;
  Unary* ListNonconforming(Context*, const v1::ListNonconformingRequest*,
                           v1::ListNonconformingResponse*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
