// ami.v1.ReadingService over storage::Readers.
#pragma once

#include "ami/v1/reading_service.grpc.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

class ReadingService final : public v1::ReadingService::CallbackService {
 public:
  ReadingService(Gate& gate, Subscriptions& subscriptions) : gate_(gate), subscriptions_(subscriptions) {}

  using Context = grpc::CallbackServerContext;

  grpc::ServerUnaryReactor* GetLatest(Context*, const v1::GetLatestRequest*, v1::GetLatestResponse*) override;
  grpc::ServerUnaryReactor* ListRegisters(Context*, const v1::ListRegistersRequest*,
                                          v1::ListRegistersResponse*) override;
  grpc::ServerWriteReactor<v1::StreamIntervalsResponse>* StreamIntervals(
      Context*, const v1::StreamIntervalsRequest*) override;
  grpc::ServerWriteReactor<v1::StreamChangesResponse>* StreamChanges(
      Context*, const v1::StreamChangesRequest*) override;
  grpc::ServerUnaryReactor* AckCursor(Context*, const v1::AckCursorRequest*, v1::AckCursorResponse*) override;
  grpc::ServerUnaryReactor* ListChangeSubscribers(Context*, const v1::ListChangeSubscribersRequest*,
                                                  v1::ListChangeSubscribersResponse*) override;
  grpc::ServerWriteReactor<v1::ReconcileCountsResponse>* ReconcileCounts(
      Context*, const v1::ReconcileCountsRequest*) override;
  grpc::ServerUnaryReactor* GetReadAt(Context*, const v1::GetReadAtRequest*, v1::GetReadAtResponse*) override;
  grpc::ServerUnaryReactor* ListBillingReads(Context*, const v1::ListBillingReadsRequest*,
                                             v1::ListBillingReadsResponse*) override;
  grpc::ServerUnaryReactor* Explain(Context*, const v1::ExplainRequest*, v1::ExplainResponse*) override;

 private:
  Gate& gate_;
  Subscriptions& subscriptions_;
};

}  // namespace ami::rpc
