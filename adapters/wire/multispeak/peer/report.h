// What a head-end does for one meter of a request, and the notification that tells it. Private to the peer.
#pragma once

#include <optional>
#include <string>

#include "adapters/wire/multispeak/peer/head_end.h"

namespace ami::multispeak::peer {

// One meter of an accepted request.
struct Task {
  Operation operation = Operation::PingUrl;
  std::string transaction, response_url, meter;
  std::string object_id, load_action;  // of a switch order
  UtcInstant expires_at{};
  Orders orders;
};

// Asks the field, and gives what there is to tell. nullopt: nothing can be told, as of a demand reset that
// the meter did not answer (an event has no place for an error).
std::optional<NotificationContent> report(const Task& task, Version version, UtcInstant now, Field& field);

// The lists, page by page. `header` gets LastSent and ObjectsRemaining (meters still to come).
using Books = std::map<std::string, MeterRecord>;
Result<ResponseContent> page_of(const Request& request, const Books& books, std::size_t page, UtcInstant now,
                                Field& field, MessageHeader& header);

// A read with what the field left empty; where it gives none, the failed read that a head-end tells of.
MeterRead completed(std::optional<MeterRead> read, const std::string& meter, UtcInstant now);

}  // namespace ami::multispeak::peer
