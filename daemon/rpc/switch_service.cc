#include "daemon/rpc/switch_service.h"

#include <charconv>
#include <utility>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_differences.h"
#include "daemon/rpc/switch_guards.h"
#include "daemon/rpc/switch_messages.h"
#include "daemon/rpc/switch_orders.h"
#include "daemon/rpc/switch_standing.h"
#include "daemon/rpc/switch_watch.h"

namespace ami::rpc {
namespace {

void answer(const Call& call, const storage::Utility& utility, const storage::SwitchOperation& operation,
            v1::SwitchOperation& response) {
  AccessNotes notes = notes_for(utility, operation);
  fill_with_values(call, utility, operation, notes, response);
}

void evaluate(const Call& call, const v1::EvaluateSwitchRequest& request, v1::SwitchVerdict& response) {
  const Switching& switching = switching_of(call);
  const SwitchOrder order = order_of(call, request);
  const auto evaluated = switching.engine.evaluate(order.request);
  if (!evaluated.ok()) refuse_order(call, evaluated.refusal(), order);
  fill(order.utility, *evaluated, response);
}

void submit(const Call& call, const v1::SubmitSwitchRequest& request, v1::SwitchOperation& response) {
  const Switching& switching = switching_of(call);
  const SwitchOrder order = order_of(call, request);
  const auto submitted = switching.engine.submit(order.request);
  if (!submitted.ok()) refuse_order(call, submitted.refusal(), order);
  if (submitted->state == storage::SwitchState::Rejected) refuse_rejected(call, order.utility, *submitted);
  answer(call, order.utility, *submitted, response);
}

void cancel(const Call& call, const v1::CancelSwitchRequest& request, v1::SwitchOperation& response) {
  const Switching& switching = switching_of(call);
  const SwitchSubject subject = subject_of(call, request.name());
  const auto cancelled = switching.engine.cancel(
      subject.utility.id, subject.id, actor_of(call, request.on_behalf_of()), call.caller().uris);
  if (!cancelled.ok()) refuse_change(call, cancelled.refusal(), subject);
  answer(call, subject.utility, *cancelled, response);
}

void resolve(const Call& call, const v1::ResolveSwitchRequest& request, v1::SwitchOperation& response) {
  const Switching& switching = switching_of(call);
  sw::Observed observed;
  observed.position = position_from("position", request.position());
  observed.reference = text_from("reference", request.reference(), 200);
  if (observed.reference.empty())
    throw StatusError{invalid_field("reference", "say where the observation can be looked up")};
  observed.actor = actor_of(call, request.on_behalf_of());
  observed.certificate = call.caller().uris;
  observed.caller = actor_of(call, {});
  const SwitchSubject subject = subject_of(call, request.name());
  const auto resolved = switching.engine.resolve(subject.utility.id, subject.id, observed);
  if (!resolved.ok()) refuse_change(call, resolved.refusal(), subject);
  answer(call, subject.utility, *resolved, response);
}

void get(const Call& call, const v1::GetSwitchRequest& request, v1::SwitchOperation& response) {
  const SwitchSubject subject = subject_of(call, request.name());
  const storage::SwitchOperation operation = take_switch(call, subject);
  answer(call, subject.utility, operation, response);
  for (const storage::SwitchAuditLine& line : call.take(switching_of(call).book.audit(subject.id))) {
    // What came since it was read is for the next time.
    if (line.version > operation.version) continue;
    fill(line, *response.add_changes());
    if (line.to != storage::SwitchState::Rejected) continue;
    for (const auto& [key, value] : facts_of_rule(operation.rule, facts_of(line.note.facts)))
      (*response.mutable_inputs())[key] = value;
  }
}

void list(const Call& call, const v1::ListSwitchesRequest& request, v1::ListSwitchesResponse& response) {
  const Switching& switching = switching_of(call);
  const Page page = call.page(request);
  storage::SwitchQuery query;
  for (int i = 0; i < request.states_size(); ++i)
    query.states.push_back(state_from("states[" + std::to_string(i) + "]", request.states(i)));
  query.unresolved_only = request.unresolved_only();
  query.truck_roll_only = request.truck_roll_only();
  if (request.has_since()) query.since = instant_from("since", request.since());
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  if (!request.meter().empty()) {
    const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (name.utility != utility.key)
      throw StatusError{invalid_field("meter", "must be of the parent's utility")};
    query.meter = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  }
  const std::string& token = page.store.token;
  std::from_chars(token.data(), token.data() + token.size(), query.before);  // our own, and signed
  query.limit = page.store.size + 1;
  auto found = call.take(switching.book.list(query));
  const bool more = found.size() > page.store.size;
  if (more) found.resize(page.store.size);
  for (const storage::SwitchOperation& operation : found)
    fill(utility, operation, *response.add_operations());
  response.set_next_page_token(
      call.next_token(page, more ? std::to_string(found.back().id) : std::string()));
}

}  // namespace

SwitchService::Unary* SwitchService::run(Context* context, std::string_view method,
                                         std::function<void(const Call&)> work) {
  return gate_.unary(context, method, std::move(work), gate_.switching_threads());
}

SwitchService::Unary* SwitchService::Evaluate(Context* context, const v1::EvaluateSwitchRequest* request,
                                              v1::SwitchVerdict* response) {
  return run(context, "/ami.v1.SwitchService/Evaluate",
             [request, response](const Call& call) { evaluate(call, *request, *response); });
}

SwitchService::Unary* SwitchService::Submit(Context* context, const v1::SubmitSwitchRequest* request,
                                            v1::SwitchOperation* response) {
  return run(context, "/ami.v1.SwitchService/Submit",
             [request, response](const Call& call) { submit(call, *request, *response); });
}

SwitchService::Unary* SwitchService::Cancel(Context* context, const v1::CancelSwitchRequest* request,
                                            v1::SwitchOperation* response) {
  return run(context, "/ami.v1.SwitchService/Cancel",
             [request, response](const Call& call) { cancel(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ResolveByObservation(Context* context,
                                                          const v1::ResolveSwitchRequest* request,
                                                          v1::SwitchOperation* response) {
  return run(context, "/ami.v1.SwitchService/ResolveByObservation",
             [request, response](const Call& call) { resolve(call, *request, *response); });
}

// These look only, and wait with the readings.
SwitchService::Unary* SwitchService::Get(Context* context, const v1::GetSwitchRequest* request,
                                         v1::SwitchOperation* response) {
  return gate_.unary(context, "/ami.v1.SwitchService/Get",
                     [request, response](const Call& call) { get(call, *request, *response); });
}

SwitchService::Unary* SwitchService::List(Context* context, const v1::ListSwitchesRequest* request,
                                          v1::ListSwitchesResponse* response) {
  return gate_.unary(context, "/ami.v1.SwitchService/List",
                     [request, response](const Call& call) { list(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ReadState(Context* context, const v1::ReadSwitchStateRequest* request,
                                               v1::SwitchStanding* response) {
  return gate_.unary(context, "/ami.v1.SwitchService/ReadState",
                     [request, response](const Call& call) { read_state(call, *request, *response); });
}

SwitchService::Unary* SwitchService::Reconcile(Context* context, const v1::ReconcileSwitchesRequest* request,
                                               v1::ReconcileSwitchesResponse* response) {
  return gate_.unary(context, "/ami.v1.SwitchService/Reconcile",
                     [request, response](const Call& call) { reconcile(call, *request, *response); });
}

// What stops switches goes where they go: it must not wait behind readings.
SwitchService::Unary* SwitchService::SetHold(Context* context, const v1::SetSafetyHoldRequest* request,
                                             v1::SafetyHold* response) {
  return run(context, "/ami.v1.SwitchService/SetHold",
             [request, response](const Call& call) { set_hold(call, *request, *response); });
}

SwitchService::Unary* SwitchService::LiftHold(Context* context, const v1::LiftSafetyHoldRequest* request,
                                              v1::SafetyHold* response) {
  return run(context, "/ami.v1.SwitchService/LiftHold",
             [request, response](const Call& call) { lift_hold(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ListHolds(Context* context, const v1::ListSafetyHoldsRequest* request,
                                               v1::ListSafetyHoldsResponse* response) {
  return run(context, "/ami.v1.SwitchService/ListHolds",
             [request, response](const Call& call) { list_holds(call, *request, *response); });
}

SwitchService::Unary* SwitchService::Stop(Context* context, const v1::StopSwitchingRequest* request,
                                          v1::SwitchStop* response) {
  return run(context, "/ami.v1.SwitchService/Stop",
             [request, response](const Call& call) { stop_switching(call, *request, *response); });
}

SwitchService::Unary* SwitchService::Resume(Context* context, const v1::ResumeSwitchingRequest* request,
                                            v1::SwitchStop* response) {
  return run(context, "/ami.v1.SwitchService/Resume",
             [request, response](const Call& call) { resume_switching(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ListStops(Context* context, const v1::ListSwitchStopsRequest* request,
                                               v1::ListSwitchStopsResponse* response) {
  return run(context, "/ami.v1.SwitchService/ListStops",
             [request, response](const Call& call) { list_stops(call, *request, *response); });
}

SwitchService::Unary* SwitchService::GetLimits(Context* context, const v1::GetSwitchLimitsRequest* request,
                                               v1::SwitchLimits* response) {
  return run(context, "/ami.v1.SwitchService/GetLimits",
             [request, response](const Call& call) { get_limits(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ListEmergencies(Context* context, const v1::ListEmergenciesRequest* request,
                                                     v1::ListEmergenciesResponse* response) {
  return run(context, "/ami.v1.SwitchService/ListEmergencies",
             [request, response](const Call& call) { list_emergencies(call, *request, *response); });
}

SwitchService::Unary* SwitchService::ReviewEmergency(Context* context, const v1::ReviewEmergencyRequest* request,
                                                     v1::EmergencyReview* response) {
  return run(context, "/ami.v1.SwitchService/ReviewEmergency",
             [request, response](const Call& call) { review_emergency(call, *request, *response); });
}

grpc::ServerWriteReactor<v1::SwitchUpdate>* SwitchService::Watch(Context* context,
                                                                 const v1::WatchSwitchRequest* request) {
  return start_switch_watch(gate_, waits_, *context, *request);
}

}  // namespace ami::rpc
