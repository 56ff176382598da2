// ami.v1.ReadingService over storage::Readers.
#pragma once

#include "ami/v1/reading_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class ReadingService final : public v1::ReadingService::CallbackService {
 public:
  explicit ReadingService(Gate& gate) : gate_(gate) {}

  using Context = grpc::CallbackServerContext;

  grpc::ServerUnaryReactor* GetLatest(Context*, const v1::GetLatestRequest*, v1::GetLatestResponse*) override;
  grpc::ServerUnaryReactor* ListRegisters(Context*, const v1::ListRegistersRequest*,
                                          v1::ListRegistersResponse*) override;
  grpc::ServerWriteReactor<v1::StreamIntervalsResponse>* StreamIntervals(
      Context*, const v1::StreamIntervalsRequest*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
