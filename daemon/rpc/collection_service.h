// ami.v1.CollectionService: gaps, completeness, and what validation found.
#pragma once

#include "ami/v1/collection_service.grpc.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

class CollectionService final : public v1::CollectionService::CallbackService {
 public:
  // `waits`: as of CommandService.
  CollectionService(Gate& gate, Subscriptions& waits) : gate_(gate), waits_(waits) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ListGaps(Context*, const v1::ListGapsRequest*, v1::ListGapsResponse*) override;
  Unary* GetCompleteness(Context*, const v1::GetCompletenessRequest*, v1::GetCompletenessResponse*) override;
  Unary* GiveUp(Context*, const v1::GiveUpRequest*, v1::GiveUpResponse*) override;
  Unary* RequestBackfill(Context*, const v1::RequestBackfillRequest*, v1::Operation*) override;
  Unary* UndoGiveUp(Context*, const v1::UndoGiveUpRequest*, v1::UndoGiveUpResponse*) override;
  Unary* GetClockHealth(Context*, const v1::GetClockHealthRequest*, v1::GetClockHealthResponse*) override;
  Unary* ListFindings(Context*, const v1::ListFindingsRequest*, v1::ListFindingsResponse*) override;
  Unary* Revalidate(Context*, const v1::RevalidateRequest*, v1::RevalidateResponse*) override;

 private:
  Gate& gate_;
  Subscriptions& waits_;
};

}  // namespace ami::rpc
