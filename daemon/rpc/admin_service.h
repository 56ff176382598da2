// ami.v1.AdminService over storage::AccessLog, Retention and Maintenance.
#pragma once

#include "ami/v1/admin_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ListAccess(Context*, const v1::ListAccessRequest*, v1::ListAccessResponse*) override;
  Unary* SetLegalHold(Context*, const v1::SetLegalHoldRequest*, v1::LegalHold*) override;
  Unary* LiftLegalHold(Context*, const v1::LiftLegalHoldRequest*, v1::LegalHold*) override;
  Unary* ListLegalHolds(Context*, const v1::ListLegalHoldsRequest*, v1::ListLegalHoldsResponse*) override;
  Unary* ListRetentionCertificates(Context*, const v1::ListRetentionCertificatesRequest*,
                                   v1::ListRetentionCertificatesResponse*) override;
  Unary* ListMaintenance(Context*, const v1::ListMaintenanceRequest*, v1::ListMaintenanceResponse*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
