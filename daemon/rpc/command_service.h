// ami.v1.CommandService over the engine of commands and its store.
#pragma once

#include "ami/v1/command_service.grpc.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

class CommandService final : public v1::CommandService::CallbackService {
 public:
  // `waits`: the calls that wait for operations.
  CommandService(Gate& gate, Subscriptions& waits) : gate_(gate), waits_(waits) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ReadNow(Context*, const v1::ReadNowRequest*, v1::Operation*) override;
  Unary* BatchReadNow(Context*, const v1::BatchReadNowRequest*, v1::Operation*) override;
  Unary* Ping(Context*, const v1::PingRequest*, v1::Operation*) override;
  Unary* PingBatch(Context*, const v1::PingBatchRequest*, v1::Operation*) override;
  Unary* DemandReset(Context*, const v1::DemandResetRequest*, v1::Operation*) override;
  Unary* GetOperation(Context*, const v1::GetOperationRequest*, v1::Operation*) override;
  Unary* ListOperations(Context*, const v1::ListOperationsRequest*, v1::ListOperationsResponse*) override;
  Unary* ListTargets(Context*, const v1::ListTargetsRequest*, v1::ListTargetsResponse*) override;
  Unary* CancelOperation(Context*, const v1::CancelOperationRequest*, v1::Operation*) override;
  grpc::ServerWriteReactor<v1::Operation>* WatchOperation(Context*,
                                                          const v1::WatchOperationRequest*) override;

 private:
  template <class Request>
  Unary* command(Context* context, std::string_view method, const Request* request, v1::Operation* response);

  Gate& gate_;
  Subscriptions& waits_;
};

}  // namespace ami::rpc
