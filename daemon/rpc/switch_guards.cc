#include "daemon/rpc/switch_guards.h"

#include <charconv>

#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_orders.h"
#include "daemon/rpc/switch_still_acting.h"

namespace ami::rpc {
namespace {

using Kind = storage::Refusal::Kind;
using v1::SafetyHold;

constexpr const char* kHoldRole = "hold-admin";  // whoever may set a hold over the API
constexpr std::size_t kChanges = 100;

template <class Store>
Store& served(Store* store) {
  if (store == nullptr) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_SWITCHING",
                              "this gateway operates no service switches")};
  }
  return *store;
}

// Why something is done: 3 to 200 characters.
std::string reason_from(const std::string& text) {
  if (text.size() < 3) throw StatusError{invalid_field("reason", "say why, in 3 to 200 characters")};
  return text_from("reason", text, 200);
}

std::int64_t id_from(std::int64_t id) {
  if (id <= 0) throw StatusError{invalid_field("id", "must be the number of one, above 0")};
  return id;
}

void fill(const storage::SafetyHold& hold, SafetyHold& message) {
  message.set_id(hold.id);
  SafetyHold::Scope scope{};
  SafetyHold::Scope_Parse(std::string(storage::name_of(hold.asked.scope)), &scope);
  message.set_scope(scope);
  message.set_place(hold.asked.place);
  SafetyHold::Effect effect{};
  SafetyHold::Effect_Parse(std::string(storage::name_of(hold.asked.effect)), &effect);
  message.set_effect(effect);
  message.set_holder(hold.asked.holder);
  message.set_role(hold.asked.role);
  message.set_reason(hold.asked.reason);
  message.set_reference(hold.asked.reference);
  *message.mutable_set_time() = to_proto(hold.set_at);
  if (hold.asked.expires_at) *message.mutable_expire_time() = to_proto(*hold.asked.expires_at);
  if (hold.lifted_at) *message.mutable_lift_time() = to_proto(*hold.lifted_at);
  message.set_lifted_by(hold.lifted_by);
  message.set_lift_reason(hold.lift_reason);
}

void fill(const storage::SwitchStop& stop, v1::SwitchStop& message) {
  message.set_id(stop.id);
  message.set_scope(stop.scope == storage::StopScope::Opens ? v1::SwitchStop::OPENS : v1::SwitchStop::ALL);
  message.set_actor(stop.actor);
  message.set_reason(stop.reason);
  *message.mutable_set_time() = to_proto(stop.set_at);
  for (const std::string& who : stop.cleared_by) message.add_cleared_by(who);
  message.set_in_force(stop.cleared_by.size() < storage::kClearsToEnd);
}

// A refusal about one that is named by its number.
[[noreturn]] void refuse_numbered(const Call& call, const storage::Refusal& why, const char* not_found,
                                  const char* over) {
  if (why.kind == Kind::NotFound)
    throw StatusError{refused(grpc::StatusCode::NOT_FOUND, not_found, why.message)};
  if (why.kind == Kind::AlreadyExists)
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, over, why.message)};
  if (why.kind == Kind::Excluded && why.rule) {
    throw StatusError{refused_because(grpc::StatusCode::FAILED_PRECONDITION, why.rule->name, why.message,
                                      why.rule->facts)};
  }
  call.fail(why, {});
}

v1::SwitchLimits::Scope proto_of(storage::LimitScope scope) {
  v1::SwitchLimits::Scope out{};
  v1::SwitchLimits::Scope_Parse(std::string(storage::name_of(scope)), &out);
  return out;
}

template <class Message>
void fill(const storage::LimitKey& key, Message& message) {
  message.set_opens(key.opens);
  message.set_reason(key.reason);
  message.set_scope(proto_of(key.scope));
  *message.mutable_span() = to_proto(key.span);
}

}  // namespace

void set_hold(const Call& call, const v1::SetSafetyHoldRequest& request, SafetyHold& response) {
  storage::SafetyHolds& holds = served(switching_of(call).holds);
  storage::HoldRequest asked;
  const auto scope = storage::hold_scope_from(
      SafetyHold::Scope_IsValid(request.scope()) ? SafetyHold::Scope_Name(request.scope()) : "");
  if (!scope)
    throw StatusError{invalid_field("scope", "must be METER, USAGE_POINT, TRANSFORMER or FEEDER")};
  const auto effect = storage::hold_effect_from(
      SafetyHold::Effect_IsValid(request.effect()) ? SafetyHold::Effect_Name(request.effect()) : "");
  if (!effect) throw StatusError{invalid_field("effect", "must be NO_OPEN, NO_CLOSE or NO_COMMAND")};
  asked.scope = *scope;
  asked.effect = *effect;
  asked.place = text_from("place", request.place());
  if (asked.place.empty()) throw StatusError{invalid_field("place", "say which one")};
  asked.reason = reason_from(request.reason());
  asked.reference = text_from("reference", request.reference());
  if (request.has_expire_time()) asked.expires_at = instant_from("expire_time", request.expire_time());
  asked.holder = name_of_caller(call);
  asked.role = kHoldRole;
  const storage::Utility utility = call.parent(request.parent());
  asked.utility = utility.id;
  auto set = holds.set(asked);
  if (!set.ok() && set.refusal().kind == Kind::Invalid && set.refusal().field == "expires_at")
    throw StatusError{invalid_field("expire_time", set.refusal().message)};
  ResourceName subject;  // a feeder or transformer is none
  if (*scope == storage::HoldScope::Meter)
    subject = {ResourceName::Kind::Meter, utility.key, asked.place};
  if (*scope == storage::HoldScope::UsagePoint)
    subject = {ResourceName::Kind::UsagePoint, utility.key, asked.place};
  fill(call.take(std::move(set), subject), response);
  fill_still_acting(call, utility, asked, *response.mutable_still_acting());
}

void lift_hold(const Call& call, const v1::LiftSafetyHoldRequest& request, SafetyHold& response) {
  storage::SafetyHolds& holds = served(switching_of(call).holds);
  const std::int64_t id = id_from(request.id());
  const std::string reason = reason_from(request.reason());
  const storage::Utility utility = call.parent(request.parent());
  const auto lifted = holds.lift(utility.id, id, name_of_caller(call), kHoldRole, reason);
  if (!lifted.ok()) refuse_numbered(call, lifted.refusal(), "SAFETY_HOLD_NOT_FOUND", "ALREADY_LIFTED");
  fill(*lifted, response);
}

void list_holds(const Call& call, const v1::ListSafetyHoldsRequest& request,
                v1::ListSafetyHoldsResponse& response) {
  storage::SafetyHolds& holds = served(switching_of(call).holds);
  const Page page = call.page(request);
  const storage::Utility utility = call.parent(request.parent());
  storage::HoldId before = 0;
  const std::string& token = page.store.token;
  std::from_chars(token.data(), token.data() + token.size(), before);  // our own, and signed
  auto found = call.take(holds.list(utility.id, request.in_force_only(), before, page.store.size + 1));
  const bool more = found.size() > page.store.size;
  if (more) found.resize(page.store.size);
  for (const storage::SafetyHold& hold : found) fill(hold, *response.add_holds());
  response.set_next_page_token(
      call.next_token(page, more ? std::to_string(found.back().id) : std::string()));
}

void stop_switching(const Call& call, const v1::StopSwitchingRequest& request, v1::SwitchStop& response) {
  storage::SwitchStops& stops = served(switching_of(call).stops);
  if (request.scope() != v1::SwitchStop::OPENS && request.scope() != v1::SwitchStop::ALL)
    throw StatusError{invalid_field("scope", "must be OPENS or ALL")};
  const std::string reason = reason_from(request.reason());
  const storage::Utility utility = call.parent(request.parent());
  const auto scope =
      request.scope() == v1::SwitchStop::OPENS ? storage::StopScope::Opens : storage::StopScope::All;
  fill(call.take(stops.set(utility.id, scope, name_of_caller(call), reason)), response);
  fill_still_acting(call, utility, scope, *response.mutable_still_acting());
}

void resume_switching(const Call& call, const v1::ResumeSwitchingRequest& request, v1::SwitchStop& response) {
  storage::SwitchStops& stops = served(switching_of(call).stops);
  const std::int64_t id = id_from(request.id());
  const std::string reason = reason_from(request.reason());
  const storage::Utility utility = call.parent(request.parent());
  const auto cleared = stops.clear(utility.id, id, name_of_caller(call), reason);
  if (!cleared.ok()) refuse_numbered(call, cleared.refusal(), "SWITCH_STOP_NOT_FOUND", "ALREADY_CLEARED");
  fill(*cleared, response);
}

void list_stops(const Call& call, const v1::ListSwitchStopsRequest& request,
                v1::ListSwitchStopsResponse& response) {
  storage::SwitchStops& stops = served(switching_of(call).stops);
  if (request.page_size() < 0 || request.page_size() > 1000)
    throw StatusError{invalid_field("page_size", "must be 0 (that is 100) to 1000")};
  const std::size_t limit = request.page_size() == 0 ? 100 : static_cast<std::size_t>(request.page_size());
  const storage::Utility utility = call.parent(request.parent());
  const auto found = call.take(stops.list(utility.id, request.in_force_only(), limit));
  for (const storage::SwitchStop& stop : found) fill(stop, *response.add_stops());
}

void list_emergencies(const Call& call, const v1::ListEmergenciesRequest& request,
                      v1::ListEmergenciesResponse& response) {
  storage::SwitchReviews& reviews = served(switching_of(call).reviews);
  const storage::Utility utility = call.parent(request.parent());
  const auto due = call.take(reviews.due(utility.id));
  for (const storage::EmergencyDue& one : due) {
    v1::Emergency& message = *response.add_emergencies();
    message.set_name(switch_name(utility.key, one.operation));
    message.set_person(one.person);
    *message.mutable_leave_time() = to_proto(one.left_at);
    *message.mutable_due_time() = to_proto(one.due_at);
    message.set_overdue(one.overdue);
  }
}

void review_emergency(const Call& call, const v1::ReviewEmergencyRequest& request, v1::EmergencyReview& response) {
  storage::SwitchReviews& reviews = served(switching_of(call).reviews);
  if (request.words().size() < 3) throw StatusError{invalid_field("words", "say what was found, in 3 to 200 characters")};
  const std::string words = text_from("words", request.words(), 200);
  const SwitchSubject subject = subject_of(call, request.name());
  const std::string actor = name_of_caller(call);
  const auto reviewed = reviews.review(subject.utility.id, subject.id, actor, words);
  if (!reviewed.ok()) refuse_numbered(call, reviewed.refusal(), "EMERGENCY_NOT_FOUND", "ALREADY_REVIEWED");
  response.set_name(request.name());
  response.set_actor(actor);
}

void get_limits(const Call& call, const v1::GetSwitchLimitsRequest& request, v1::SwitchLimits& response) {
  storage::SwitchLimits& limits = served(switching_of(call).limits);
  const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
  storage::SwitchAsked asked;
  asked.action = action_from(request.action());
  asked.reason = reason_class_from(request.reason());
  asked.caller = name_of_caller(call);
  asked.on_behalf_of = text_from("on_behalf_of", request.on_behalf_of());
  const storage::Utility utility = call.utility_of(name.utility);
  asked.utility = utility.id;
  asked.meter = name.key;
  asked.meter_id = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  const auto uses = call.take(limits.look(asked));
  for (const storage::LimitUse& use : uses) {
    v1::SwitchLimits::Use& message = *response.add_limits();
    fill(use.key, message);
    message.set_ceiling(use.ceiling);
    message.set_used(use.used);
    message.set_enforced(use.enforced);
    message.set_change(use.change);
    if (use.expires_at) *message.mutable_expire_time() = to_proto(*use.expires_at);
  }
  const auto changes = call.take(limits.changes(utility.id, kChanges));
  for (const storage::LimitChange& change : changes) {
    v1::SwitchLimits::Change& message = *response.add_changes();
    fill(change.key, message);
    message.set_id(change.id);
    message.set_ceiling(change.ceiling);
    message.set_enforced(change.enforced);
    message.set_words(change.words);
    message.set_proposed_by(change.proposed_by);
    *message.mutable_propose_time() = to_proto(change.proposed_at);
    if (change.expires_at) *message.mutable_expire_time() = to_proto(*change.expires_at);
    if (change.approved_at) *message.mutable_approve_time() = to_proto(*change.approved_at);
    message.set_approved_by(change.approved_by);
  }
}

}  // namespace ami::rpc
