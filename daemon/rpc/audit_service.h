// ami.v1.AuditService over storage::SealStore: the sealed audit of the service switch as it is stored.
#pragma once

#include "ami/v1/audit_service.grpc.pb.h"
#include "daemon/rpc/call.h"
#include "storage/contract/switch_seals.h"

namespace ami::rpc {

class AuditService final : public v1::AuditService::CallbackService {
 public:
  // No `seals`: this gateway switches nothing.
  AuditService(Gate& gate, storage::SealStore* seals) : gate_(gate), seals_(seals) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  grpc::ServerWriteReactor<v1::StreamAuditResponse>* StreamAudit(Context*,
                                                                 const v1::StreamAuditRequest*) override;
  Unary* ListAudit(Context*, const v1::ListAuditRequest*, v1::ListAuditResponse*) override;
  Unary* GetAuditStatus(Context*, const v1::GetAuditStatusRequest*, v1::AuditStatus*) override;

 private:
  Gate& gate_;
  storage::SealStore* const seals_;
};

}  // namespace ami::rpc
