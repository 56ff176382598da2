// One of each message that this codec writes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/codec/notification.h"

namespace ami::multispeak::testing {

// In the order of Operation.
std::vector<Request> every_request(Version version);
Request request_for(Operation operation, Version version);
std::vector<NotificationContent> every_notification(Version version);
// A response to each operation that the version has.
std::vector<std::pair<Operation, ResponseContent>> every_response(Version version);

}  // namespace ami::multispeak::testing
