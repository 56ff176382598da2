// ami.v1.CollectionService: gaps, completeness, and what validation found.
#pragma once

#include "ami/v1/collection_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class CollectionService final : public v1::CollectionService::CallbackService {
 public:
  explicit CollectionService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ListGaps(Context*, const v1::ListGapsRequest*, v1::ListGapsResponse*) override;
  Unary* GetCompleteness(Context*, const v1::GetCompletenessRequest*, v1::GetCompletenessResponse*) override;
  Unary* GiveUp(Context*, const v1::GiveUpRequest*, v1::GiveUpResponse*) override;
  Unary* UndoGiveUp(Context*, const v1::UndoGiveUpRequest*, v1::UndoGiveUpResponse*) override;
  Unary* ListFindings(Context*, const v1::ListFindingsRequest*, v1::ListFindingsResponse*) override;
  Unary* Revalidate(Context*, const v1::RevalidateRequest*, v1::RevalidateResponse*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
