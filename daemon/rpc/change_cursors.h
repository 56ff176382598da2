// What the RPCs of the change feed share: cursors of requests, refusals, names of subscribers.
#pragma once

#include <string>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"
#include "storage/postgres/changes.h"

namespace ami::rpc {

storage::Changes changes_of(const Call& call);

// Each throws StatusError.
storage::ChangeCursor cursor_from(const std::string& token);  // CURSOR_INVALID
std::string subscriber_from(const std::string& name);         // INVALID_FIELD
[[noreturn]] void out_of_range(storage::CursorFault fault, const storage::ChangeCursor& oldest);

void ack_cursor(const Call& call, const v1::AckCursorRequest& request, v1::AckCursorResponse& response);
void list_change_subscribers(const Call& call, const v1::ListChangeSubscribersRequest& request,
                             v1::ListChangeSubscribersResponse& response);

}  // namespace ami::rpc
