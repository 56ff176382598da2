#include "daemon/rpc/change_cursors.h"

#include "daemon/rpc/convert.h"

namespace ami::rpc {
namespace {

using storage::CursorFault;

std::string why(CursorFault fault) {
  switch (fault) {
    case CursorFault::OtherFeed:
      return "it is of another database, or of this one before it was restored";
    case CursorFault::TooOld:
      return "the changes that followed it are no longer kept";
    case CursorFault::Ahead:
      return "the database has not come that far: it was restored to an earlier time";
    case CursorFault::None:
      break;
  }
  return {};
}

}  // namespace

storage::Changes changes_of(const Call& call) {
  return storage::Changes(call.backend().database, call.scoped());
}

storage::ChangeCursor cursor_from(const std::string& token) {
  const auto cursor = storage::parse_cursor(token);
  if (!cursor) {
    throw StatusError{
        invalid_field("cursor", "is not a cursor of this service, or was damaged", "CURSOR_INVALID")};
  }
  return *cursor;
}

std::string subscriber_from(const std::string& name) {
  if (!valid_key(name))
    throw StatusError{invalid_field("subscriber", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")};
  return name;
}

void out_of_range(CursorFault fault, const storage::ChangeCursor& oldest) {
  throw StatusError{
      refused_because(grpc::StatusCode::OUT_OF_RANGE, "CURSOR_OUT_OF_RANGE",
                      "the cursor does not lead on: " + why(fault) +
                          "; begin anew at oldest_cursor, after reading again what may have been missed",
                      {{"oldest_cursor", storage::to_token(oldest)}, {"why", why(fault)}})};
}

void ack_cursor(const Call& call, const v1::AckCursorRequest& request, v1::AckCursorResponse& response) {
  const std::string subscriber = subscriber_from(request.subscriber());
  if (request.forget() && (request.rewind() || !request.cursor().empty()))
    throw StatusError{invalid_field("forget", "goes without cursor and rewind")};
  storage::AckRequest ack;
  if (!request.forget()) ack.cursor = cursor_from(request.cursor());
  const storage::Utility utility = call.parent(request.parent());
  if (request.forget()) {
    if (!call.take(changes_of(call).forget(utility.id, subscriber))) {
      throw StatusError{refused(grpc::StatusCode::NOT_FOUND, "SUBSCRIBER_NOT_FOUND",
                                utility_name(utility.key) + " has no subscriber " + subscriber)};
    }
    return;
  }
  ack.utility = utility.id;
  ack.subscriber = subscriber;
  ack.by = call.caller().name;
  ack.rewind = request.rewind();
  auto stored = changes_of(call).ack(ack);
  if (!stored.ok() && stored.refusal().kind == storage::Refusal::Kind::Collision) {
    throw StatusError{
        refused(grpc::StatusCode::FAILED_PRECONDITION, "TOO_MANY_SUBSCRIBERS", stored.refusal().message)};
  }
  const storage::AckResult result = call.take(std::move(stored));
  if (result.fault != CursorFault::None) out_of_range(result.fault, result.oldest);
  response.set_cursor(storage::to_token(result.stored));
}

void list_change_subscribers(const Call& call, const v1::ListChangeSubscribersRequest& request,
                             v1::ListChangeSubscribersResponse& response) {
  const storage::Utility utility = call.parent(request.parent());
  storage::Changes changes = changes_of(call);
  const storage::FeedBounds bounds = call.take(changes.bounds(utility.id));
  for (const storage::Subscriber& subscriber : call.take(changes.subscribers(utility.id))) {
    v1::ChangeSubscriber& message = *response.add_subscribers();
    message.set_name(subscriber.name);
    message.set_cursor(storage::to_token(subscriber.cursor));
    *message.mutable_acked_at() = to_proto(subscriber.acked_at);
    message.set_acked_by(subscriber.acked_by);
    message.set_waiting(subscriber.waiting);
    message.set_lag_s(std::chrono::floor<std::chrono::seconds>(subscriber.lag).count());
    message.set_too_old(subscriber.too_old);
  }
  response.set_oldest_cursor(storage::to_token(bounds.oldest));
  response.set_newest_cursor(storage::to_token(bounds.newest));
  response.set_held_back_ms(bounds.held_back.count());
}

}  // namespace ami::rpc
