// ami.v1.IngestService: adapters, sources, quarantine.
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

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
