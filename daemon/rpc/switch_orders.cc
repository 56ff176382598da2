#include "daemon/rpc/switch_orders.h"

#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_messages.h"

namespace ami::rpc {
namespace {

using Kind = storage::Refusal::Kind;
using v1::SwitchOperation;

constexpr std::int64_t kStoreRetryS = 2;

std::string attestation_from(const v1::SubmitSwitchRequest& request) {
  if (request.attestations().empty()) return {};
  if (request.attestations_size() > 1) throw StatusError{invalid_field("attestations", "one is enough")};
  const SwitchOperation::Attestation said = request.attestations(0);
  if (said == SwitchOperation::ATTESTATION_UNSPECIFIED || !SwitchOperation::Attestation_IsValid(said)) {
    throw StatusError{
        invalid_field("attestations[0]", "must be CUSTOMER_PRESENT, MAIN_BREAKER_OPEN or TARIFF_PERMITS")};
  }
  if (request.action() != SwitchOperation::CLOSE)
    throw StatusError{invalid_field("attestations", "are of a CLOSE only")};
  return SwitchOperation::Attestation_Name(said);
}

SwitchOrder read_order(const Call& call, const v1::SubmitSwitchRequest& request) {
  SwitchOrder order;
  order.meter = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
  const ResourceName point =
      call.resource("usage_point", request.usage_point(), ResourceName::Kind::UsagePoint);
  if (point.utility != order.meter.utility)
    throw StatusError{invalid_field("usage_point", "must be of the meter's utility")};
  sw::SwitchRequest& asked = order.request;
  asked.meter = order.meter.key;
  asked.usage_point = point.key;
  asked.serial_last4 = text_from("serial_last4", request.serial_last4());
  asked.action = action_from(request.action());
  asked.reason = reason_class_from(request.reason());
  asked.order_id = text_from("order_id", request.order_id());
  asked.caller = name_of_caller(call);
  asked.certificate = call.caller().uris;
  asked.on_behalf_of = text_from("on_behalf_of", request.on_behalf_of());
  asked.attestation = attestation_from(request);
  asked.automatic = request.automatic();
  if (request.has_not_before()) asked.not_before = instant_from("not_before", request.not_before());
  if (request.has_not_after()) asked.not_after = instant_from("not_after", request.not_after());
  return order;
}

// Last, so that wrong fields are told without asking the store.
void find_utility(const Call& call, SwitchOrder& order) {
  order.utility = call.known_utility(order.meter.utility);
  order.request.utility = order.utility.id;
}

[[noreturn]] void refuse_rule(const std::string& utility, const storage::Refusal& why) {
  throw StatusError{refused_because(grpc::StatusCode::FAILED_PRECONDITION, why.rule->name, why.message,
                                    with_names(utility, why.rule->facts))};
}

[[noreturn]] void away() {
  throw StatusError{refused_because(grpc::StatusCode::UNAVAILABLE, "STORE_UNAVAILABLE",
                                    "the store is away: ask the same again, it is carried out once", {},
                                    kStoreRetryS)};
}

[[noreturn]] void in_doubt_of_it() {
  throw StatusError{refused(grpc::StatusCode::ABORTED, "OUTCOME_IN_DOUBT",
                            "the store did not confirm: ask the same again, it is carried out once")};
}

StatusError no_such(const SwitchSubject& subject) {
  return {refused(grpc::StatusCode::NOT_FOUND, "SWITCH_OPERATION_NOT_FOUND",
                  switch_name(subject.utility.key, subject.id) + " is not known")};
}

}  // namespace

sw::SwitchAction action_from(SwitchOperation::Action action) {
  switch (action) {
    case SwitchOperation::OPEN:
      return sw::SwitchAction::Open;
    case SwitchOperation::CLOSE:
      return sw::SwitchAction::Close;
    case SwitchOperation::ARM:
      return sw::SwitchAction::Arm;
    default:
      throw StatusError{invalid_field("action", "must be OPEN, CLOSE or ARM")};
  }
}

std::string reason_class_from(SwitchOperation::Reason reason) {
  if (reason == SwitchOperation::REASON_UNSPECIFIED || !SwitchOperation::Reason_IsValid(reason)) {
    throw StatusError{invalid_field("reason",
                                    "must be EMERGENCY_SAFETY, NON_PAYMENT, VACANT_MOVE_OUT, "
                                    "CUSTOMER_REQUEST, THEFT, TEST, RESTORE_WRONGFUL or RECONNECT")};
  }
  return SwitchOperation::Reason_Name(reason);
}

const Switching& switching_of(const Call& call) {
  if (call.backend().switching == nullptr) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_SWITCHING",
                              "this gateway operates no service switches")};
  }
  return *call.backend().switching;
}

SwitchOrder order_of(const Call& call, const v1::SubmitSwitchRequest& request) {
  SwitchOrder order = read_order(call, request);
  order.request.request_id = request_id_from(request.request_id());
  find_utility(call, order);
  return order;
}

SwitchOrder order_of(const Call& call, const v1::EvaluateSwitchRequest& request) {
  SwitchOrder order = read_order(call, request.request());
  order.request.request_id = text_from("request_id", request.request().request_id());
  find_utility(call, order);
  return order;
}

SwitchSubject subject_of(const Call& call, const std::string& name) {
  const auto parsed = parse_numbered(name, "switchOperations");
  if (!parsed) throw StatusError{invalid_field("name", "must be utilities/{u}/switchOperations/{number}")};
  return {call.known_utility(parsed->utility), parsed->number};
}

std::string actor_of(const Call& call, const std::string& on_behalf_of) {
  const std::string person = text_from("on_behalf_of", on_behalf_of);
  return name_of_caller(call) + (person.empty() ? "" : " for " + person);
}

sdk::SwitchPosition position_from(const std::string& field, v1::Target::SwitchPosition position) {
  switch (position) {
    case v1::Target::OPEN:
      return sdk::SwitchPosition::Open;
    case v1::Target::ARMED:
      return sdk::SwitchPosition::Armed;
    case v1::Target::CLOSED:
      return sdk::SwitchPosition::Closed;
    default:
      throw StatusError{invalid_field(field, "must be OPEN, ARMED or CLOSED, as it was seen")};
  }
}

storage::SwitchState state_from(const std::string& field, SwitchOperation::State state) {
  const auto known = storage::switch_state_from(
      SwitchOperation::State_IsValid(state) ? SwitchOperation::State_Name(state) : std::string());
  if (!known) throw StatusError{invalid_field(field, "must be a state of an operation")};
  return *known;
}

storage::SwitchOperation take_switch(const Call& call, const SwitchSubject& subject) {
  auto found = switching_of(call).book.get(subject.utility.id, subject.id);
  if (!found.ok() && found.refusal().kind == Kind::NotFound) throw no_such(subject);
  return call.take(std::move(found));
}

void refuse_order(const Call& call, const storage::Refusal& why, const SwitchOrder& order) {
  switch (why.kind) {
    case Kind::NotFound:
      // Asset data know the nearest one.
      (void)call.take(call.assets().get_meter(order.utility.id, order.meter.key), order.meter);
      call.fail(why, order.meter);
    case Kind::AlreadyExists:
    case Kind::Collision:
      throw StatusError{refused(grpc::StatusCode::ALREADY_EXISTS, "REQUEST_ID_REUSED", why.message)};
    case Kind::Excluded:
      refuse_rule(order.utility.key, why);
    case Kind::Unavailable:
      away();
    case Kind::InDoubt:
      in_doubt_of_it();
    case Kind::Invalid:
    case Kind::Internal:
      break;
  }
  call.fail(why, order.meter);
}

void refuse_change(const Call& call, const storage::Refusal& why, const SwitchSubject& subject) {
  switch (why.kind) {
    case Kind::NotFound:
      throw no_such(subject);
    case Kind::Excluded:
      refuse_rule(subject.utility.key, why);
    case Kind::Unavailable:
      away();
    case Kind::InDoubt:
      in_doubt_of_it();
    default:
      call.fail(why, {});
  }
}

void refuse_rejected(const Call& call, const storage::Utility& utility,
                     const storage::SwitchOperation& operation) {
  std::map<std::string, std::string> facts;
  for (const storage::SwitchAuditLine& line : call.take(switching_of(call).book.audit(operation.id)))
    if (line.to == storage::SwitchState::Rejected) facts = facts_of(line.note.facts);
  facts = with_names(utility.key, facts_of_rule(operation.rule, facts));
  // What stands in the way has the word already; the operation that was refused is named beside it.
  facts.emplace("rejected", switch_name(utility.key, operation.id));
  throw StatusError{refused_because(grpc::StatusCode::FAILED_PRECONDITION, operation.rule, operation.words,
                                    facts)};
}

}  // namespace ami::rpc
