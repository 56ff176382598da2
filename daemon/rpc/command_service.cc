#include "daemon/rpc/command_service.h"

#include <algorithm>

#include "daemon/rpc/command_call.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/operation_messages.h"
#include "daemon/rpc/operation_readings.h"
#include "daemon/rpc/operation_watch.h"

namespace ami::rpc {
namespace {

void list_operations(const Call& call, const v1::ListOperationsRequest& request,
                     v1::ListOperationsResponse& response) {
  const Page page = call.page(request);
  storage::OperationQuery query;
  if (request.kind() != v1::Operation::KIND_UNSPECIFIED) query.kind = kind_from(request.kind());
  query.unfinished_only = request.unfinished_only();
  query.caller = text_from("caller", request.caller(), 256);
  query.request_id = text_from("request_id", request.request_id());
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  if (!request.meter().empty()) {
    const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (name.utility != utility.key)
      throw StatusError{invalid_field("meter", "must be of the parent's utility")};
    query.meter = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  }
  query.page = page.store;
  const auto found = call.take(storage::Operations(call.scoped()).list(query));
  for (const storage::Operation& operation : found.items)
    fill(utility, operation, *response.add_operations());
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void list_targets(const Call& call, const v1::ListTargetsRequest& request,
                  v1::ListTargetsResponse& response) {
  Page page = call.page(request);
  const OperationOrder order = order_of(call, request);
  if (order.view.readings || order.view.latest)
    page.store.size = std::min(page.store.size, kTargetsWithReadings);
  (void)take_operation(call, order.utility, order.operation);
  const auto found =
      call.take(storage::Operations(call.scoped()).targets(order.utility.id, order.operation, page.store));
  for (const storage::OperationTarget& target : found.items)
    fill(order.utility, target, *response.add_targets());
  AccessNotes notes(order.utility.key, order.view.purpose, order.view.on_behalf_of);
  add_readings(call, order.utility, found.items, order.view, notes, *response.mutable_targets());
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace

template <class Request>
CommandService::Unary* CommandService::command(Context* context, std::string_view method,
                                               const Request* request, v1::Operation* response) {
  return start_command_call(
      gate_, waits_, *context, method, [request](const Call& call) { return order_of(call, *request); },
      *response);
}

CommandService::Unary* CommandService::ReadNow(Context* context, const v1::ReadNowRequest* request,
                                               v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/ReadNow", request, response);
}

CommandService::Unary* CommandService::BatchReadNow(Context* context, const v1::BatchReadNowRequest* request,
                                                    v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/BatchReadNow", request, response);
}

CommandService::Unary* CommandService::Ping(Context* context, const v1::PingRequest* request,
                                            v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/Ping", request, response);
}

CommandService::Unary* CommandService::PingBatch(Context* context, const v1::PingBatchRequest* request,
                                                 v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/PingBatch", request, response);
}

CommandService::Unary* CommandService::DemandReset(Context* context, const v1::DemandResetRequest* request,
                                                   v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/DemandReset", request, response);
}

CommandService::Unary* CommandService::GetOperation(Context* context, const v1::GetOperationRequest* request,
                                                    v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/GetOperation", request, response);
}

CommandService::Unary* CommandService::CancelOperation(Context* context,
                                                       const v1::CancelOperationRequest* request,
                                                       v1::Operation* response) {
  return command(context, "/ami.v1.CommandService/CancelOperation", request, response);
}

CommandService::Unary* CommandService::ListOperations(Context* context,
                                                      const v1::ListOperationsRequest* request,
                                                      v1::ListOperationsResponse* response) {
  return gate_.unary(context, "/ami.v1.CommandService/ListOperations",
                     [request, response](const Call& call) { list_operations(call, *request, *response); });
}

CommandService::Unary* CommandService::ListTargets(Context* context, const v1::ListTargetsRequest* request,
                                                   v1::ListTargetsResponse* response) {
  return gate_.unary(context, "/ami.v1.CommandService/ListTargets",
                     [request, response](const Call& call) { list_targets(call, *request, *response); });
}

grpc::ServerWriteReactor<v1::Operation>* CommandService::WatchOperation(
    Context* context, const v1::WatchOperationRequest* request) {
  return start_operation_watch(gate_, waits_, *context, *request);
}

}  // namespace ami::rpc
