// ami.v1.IngestService: adapters, sources, quarantine, kept content.
#pragma once

#include "ami/v1/ingest_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class IngestService final : public v1::IngestService::CallbackService {
 public:
  explicit IngestService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* AdapterStatus(Context*, const v1::AdapterStatusRequest*, v1::AdapterStatusResponse*) override;
  Unary* ListSources(Context*, const v1::ListSourcesRequest*, v1::ListSourcesResponse*) override;
  Unary* ListQuarantine(Context*, const v1::ListQuarantineRequest*, v1::ListQuarantineResponse*) override;
  Unary* Replay(Context*, const v1::ReplayRequest*, v1::ReplayResponse*) override;
  grpc::ServerWriteReactor<v1::GetRawResponse>* GetRaw(Context*, const v1::GetRawRequest*) override;
  Unary* Reprocess(Context*, const v1::ReprocessRequest*, v1::ReprocessRun*) override;
  Unary* GetReprocess(Context*, const v1::GetReprocessRequest*, v1::ReprocessRun*) override;
  Unary* ListReprocess(Context*, const v1::ListReprocessRequest*, v1::ListReprocessResponse*) override;
  Unary* CancelReprocess(Context*, const v1::CancelReprocessRequest*, v1::ReprocessRun*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
