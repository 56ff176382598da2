#include "daemon/rpc/command_orders.h"

#include <algorithm>
#include <utility>

#include "daemon/rpc/convert.h"

namespace ami::rpc {
namespace {

constexpr std::chrono::seconds kLongestWait{300};
constexpr std::int64_t kStoppingRetryS = 2, kFollowersRetryS = 5;

std::chrono::milliseconds wait_from(const google::protobuf::Duration& duration) {
  const auto wait = duration_from("wait", duration, std::chrono::days{1});
  if (wait > kLongestWait) throw StatusError{invalid_field("wait", "must be a time of 0 to 300 s")};
  return std::chrono::ceil<std::chrono::milliseconds>(wait);
}

}  // namespace

std::string request_id_from(const std::string& text) {
  if (text.empty()) {
    throw StatusError{invalid_field(
        "request_id", "say one of your own, another for each thing that is asked for: 1 to 128 bytes")};
  }
  return text_from("request_id", text);
}

std::string name_of_caller(const Call& call) {
  return call.caller().name.empty() ? call.caller().uris : call.caller().name;
}

namespace {

// All that the five requests have in common but their meters.
template <class Request>
OperationOrder common(const Call& call, const Request& request, storage::OperationKind kind) {
  OperationOrder order;
  cmd::Request& asked = order.submit.emplace();
  asked.kind = kind;
  asked.caller = name_of_caller(call);
  asked.request_id = request_id_from(request.request_id());
  asked.order_id = text_from("order_id", request.order_id());
  asked.on_behalf_of = text_from("on_behalf_of", request.on_behalf_of());
  asked.purpose = purpose_from(request.purpose());
  if (request.priority() < 0 || request.priority() > cmd::kHighestPriority)
    throw StatusError{invalid_field("priority", "must be 0 to 9")};
  asked.priority = request.priority();
  if (request.has_expiry()) {
    const auto expiry = duration_from("expiry", request.expiry(), std::chrono::days{7});
    if (expiry < std::chrono::seconds{1})
      throw StatusError{invalid_field("expiry", "must be a time of 1 s to 7 days")};
    asked.expiry = std::chrono::ceil<std::chrono::seconds>(expiry);
  }
  if (request.has_wait()) order.wait = wait_from(request.wait());
  order.view.purpose = asked.purpose;
  order.view.on_behalf_of = asked.on_behalf_of;
  return order;
}

void one_meter(const Call& call, const std::string& name, OperationOrder& order) {
  const ResourceName meter = call.resource("meter", name, ResourceName::Kind::Meter);
  order.utility = call.utility_of(meter.utility);
  order.submit->utility = order.utility.id;
  order.submit->meters = {meter.key};
}

void many_meters(const Call& call, const google::protobuf::RepeatedPtrField<std::string>& names,
                 OperationOrder& order) {
  const auto count = static_cast<std::size_t>(names.size());
  if (count == 0 || count > cmd::kMostMeters)
    throw StatusError{invalid_field("meters", "must hold 1 to 10,000 meters")};
  std::string utility;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string field = "meters[" + std::to_string(i) + "]";
    ResourceName meter = call.resource(field, names[static_cast<int>(i)], ResourceName::Kind::Meter);
    if (i == 0) utility = meter.utility;
    if (meter.utility != utility)
      throw StatusError{invalid_field(field, "must be of the same utility as the first one")};
    order.submit->meters.push_back(std::move(meter.key));
  }
  order.utility = call.utility_of(utility);
  order.submit->utility = order.utility.id;
}

OperationOrder of_operation(const Call& call, const std::string& name) {
  const auto parsed = parse_numbered(name, "operations");
  if (!parsed) throw StatusError{invalid_field("name", "must be utilities/{u}/operations/{number}")};
  OperationOrder order;
  order.utility = call.utility_of(parsed->utility);
  order.operation = parsed->number;
  return order;
}

template <class Request>
OperationOrder looked_at(const Call& call, const Request& request) {
  OperationOrder order = of_operation(call, request.name());
  order.view.readings = request.include_readings();
  order.view.latest = request.include_latest();
  order.view.on_behalf_of = text_from("on_behalf_of", request.on_behalf_of());
  if (order.view.readings || order.view.latest) order.view.purpose = purpose_from(request.purpose());
  return order;
}

Roles may_cancel(storage::OperationKind kind) {
  switch (kind) {
    case storage::OperationKind::Read:
    case storage::OperationKind::Ping:
      return kCommand;
    case storage::OperationKind::DemandReset:
      return kDemandReset;
    case storage::OperationKind::Backfill:
      break;
  }
  return kAsset;
}

}  // namespace

OperationOrder order_of(const Call& call, const v1::ReadNowRequest& request) {
  OperationOrder order = common(call, request, storage::OperationKind::Read);
  one_meter(call, request.meter(), order);
  order.view.readings = true;
  order.view.latest = request.include_latest();
  return order;
}

OperationOrder order_of(const Call& call, const v1::BatchReadNowRequest& request) {
  OperationOrder order = common(call, request, storage::OperationKind::Read);
  many_meters(call, request.meters(), order);
  order.view.readings = true;
  order.view.latest = request.include_latest();
  return order;
}

OperationOrder order_of(const Call& call, const v1::PingRequest& request) {
  OperationOrder order = common(call, request, storage::OperationKind::Ping);
  one_meter(call, request.meter(), order);
  return order;
}

OperationOrder order_of(const Call& call, const v1::PingBatchRequest& request) {
  OperationOrder order = common(call, request, storage::OperationKind::Ping);
  many_meters(call, request.meters(), order);
  return order;
}

OperationOrder order_of(const Call& call, const v1::DemandResetRequest& request) {
  OperationOrder order = common(call, request, storage::OperationKind::DemandReset);
  one_meter(call, request.meter(), order);
  order.view.readings = true;
  return order;
}

OperationOrder order_of(const Call& call, const v1::GetOperationRequest& request) {
  OperationOrder order = looked_at(call, request);
  order.later_answers = true;
  return order;
}

OperationOrder order_of(const Call& call, const v1::WatchOperationRequest& request) {
  return looked_at(call, request);
}

OperationOrder order_of(const Call& call, const v1::ListTargetsRequest& request) {
  return looked_at(call, request);
}

OperationOrder order_of(const Call& call, const v1::CancelOperationRequest& request) {
  OperationOrder order = of_operation(call, request.name());
  order.cancelled_by = name_of_caller(call);
  const std::string person = text_from("on_behalf_of", request.on_behalf_of());
  if (!person.empty()) order.cancelled_by += " for " + person;
  const storage::Operation operation = take_operation(call, order.utility, order.operation);
  if ((call.caller().roles & may_cancel(operation.kind)) == 0) {
    call.log(
        {.kind = CallRecord::Kind::Refused, .utility = order.utility.key, .message = "role not granted"});
    throw StatusError{refused(grpc::StatusCode::PERMISSION_DENIED, "ROLE_NOT_GRANTED",
                              "the certificate has no role that may take back a " +
                                  std::string(name_of(operation.kind)) + " operation")};
  }
  return order;
}

storage::OperationKind kind_from(v1::Operation::Kind kind) {
  switch (kind) {
    case v1::Operation::READ:
      return storage::OperationKind::Read;
    case v1::Operation::PING:
      return storage::OperationKind::Ping;
    case v1::Operation::DEMAND_RESET:
      return storage::OperationKind::DemandReset;
    case v1::Operation::BACKFILL:
      return storage::OperationKind::Backfill;
    default:
      throw StatusError{invalid_field("kind", "must be READ, PING, DEMAND_RESET or BACKFILL")};
  }
}

void refuse(const Call& call, const cmd::Refused& refused, const OperationOrder& order, bool stopping) {
  using Kind = storage::Refusal::Kind;
  const storage::Refusal& why = refused.refusal;
  const std::int64_t retry_s = refused.retry_after ? refused.retry_after->count() : 0;
  const bool one = order.submit && order.submit->meters.size() == 1;
  switch (why.kind) {
    case Kind::Invalid:
      throw StatusError{invalid_field(one && why.field == "meters" ? "meter" : why.field, why.message)};
    case Kind::NotFound:
      if (!order.submit) {
        throw StatusError{rpc::refused(grpc::StatusCode::NOT_FOUND, "OPERATION_NOT_FOUND",
                                       operation_name(order.utility.key, order.operation) + " is not known")};
      }
      call.fail(why, {ResourceName::Kind::Meter, order.utility.key, order.submit->meters.front()});
    case Kind::AlreadyExists:
    case Kind::Collision:
      throw StatusError{rpc::refused(grpc::StatusCode::ALREADY_EXISTS, "REQUEST_ID_REUSED", why.message)};
    case Kind::Excluded: {
      const bool later = why.rule->name == "QUEUE_FULL" || why.rule->name == "TOO_MANY_FOLLOWERS";
      throw StatusError{refused_because(
          later ? grpc::StatusCode::RESOURCE_EXHAUSTED : grpc::StatusCode::FAILED_PRECONDITION,
          why.rule->name, why.message, why.rule->facts, retry_s)};
    }
    case Kind::InDoubt:
      throw StatusError{rpc::refused(grpc::StatusCode::ABORTED, "OUTCOME_IN_DOUBT",
                                     "the store did not confirm: ask again with the same request_id, it is "
                                     "carried out once")};
    case Kind::Unavailable:
      if (stopping) throw StatusError{gateway_stopping()};
      break;
    case Kind::Internal:
      break;
  }
  call.fail(why, {});
}

grpc::Status gateway_stopping() {
  return refused_because(grpc::StatusCode::UNAVAILABLE, "GATEWAY_STOPPING",
                         "the gateway is stopping: ask again, what was accepted goes on", {},
                         kStoppingRetryS);
}

grpc::Status too_many_followers() {
  return refused_because(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_FOLLOWERS",
                         "as many calls wait for operations as may: close some, or ask for the operation now "
                         "and then",
                         {}, kFollowersRetryS);
}

storage::Operation take_operation(const Call& call, const storage::Utility& utility,
                                  storage::OperationId operation) {
  auto answer = storage::Operations(call.scoped()).get(utility.id, operation);
  if (!answer.ok() && answer.refusal().kind == storage::Refusal::Kind::NotFound) {
    throw StatusError{refused(grpc::StatusCode::NOT_FOUND, "OPERATION_NOT_FOUND",
                              operation_name(utility.key, operation) + " is not known")};
  }
  return call.take(std::move(answer));
}

}  // namespace ami::rpc
