// ami.v1.EventService over storage::Readers.
#pragma once

#include "ami/v1/event_service.grpc.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

class EventService final : public v1::EventService::CallbackService {
 public:
  explicit EventService(Gate& gate) : gate_(gate) {}

  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext*, const v1::ListEventsRequest*,
                                 v1::ListEventsResponse*) override;

 private:
  Gate& gate_;
};

}  // namespace ami::rpc
