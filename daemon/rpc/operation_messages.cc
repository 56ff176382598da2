#include "daemon/rpc/operation_messages.h"

#include "daemon/rpc/convert.h"
#include "daemon/rpc/operation_readings.h"

namespace ami::rpc {
namespace {

using storage::TargetState;

v1::Operation::Kind proto_of(storage::OperationKind kind) {
  v1::Operation::Kind out = v1::Operation::KIND_UNSPECIFIED;
  v1::Operation::Kind_Parse(std::string(name_of(kind)), &out);  // the store's words are ours
  return out;
}

v1::Target::State proto_of(TargetState state) {
  v1::Target::State out = v1::Target::STATE_UNSPECIFIED;
  v1::Target::State_Parse(std::string(name_of(state)), &out);
  return out;
}

v1::Target::ResetEvidence proto_of(storage::Verification verification) {
  v1::Target::ResetEvidence out = v1::Target::RESET_EVIDENCE_UNSPECIFIED;
  v1::Target::ResetEvidence_Parse(std::string(name_of(verification)), &out);
  return out;
}

v1::PingResult::Power power_of(const storage::OperationTarget& target) {
  if (target.answer.power == "POWERED") return v1::PingResult::POWERED;
  if (target.answer.power == "NO_ANSWER") return v1::PingResult::NO_ANSWER;
  const bool asked = target.kind == storage::OperationKind::Ping && storage::ended(target.state);
  return asked ? v1::PingResult::UNKNOWN : v1::PingResult::POWER_UNSPECIFIED;
}

v1::Target::SwitchPosition position_of(const std::string& word) {
  v1::Target::SwitchPosition out = v1::Target::SWITCH_POSITION_UNSPECIFIED;
  v1::Target::SwitchPosition_Parse(word, &out);
  return out;
}

void fill(const cmd::Place& place, v1::QueuePlace& message) {
  message.set_queued(static_cast<std::int64_t>(place.queued));
  message.set_sent(static_cast<std::int64_t>(place.sent));
  message.set_position(static_cast<std::int64_t>(place.position));
  if (place.expected) *message.mutable_expected() = to_proto(std::chrono::microseconds{*place.expected});
}

void fill(const storage::KeptAnswer& answer, v1::LaterAnswer& message) {
  message.set_number(answer.key.number);
  message.set_meter(answer.meter);
  message.set_transaction(answer.transaction);
  if (answer.found) message.set_found(proto_of(*answer.found));
  message.set_said(proto_of(answer.answer.state));
  message.set_reason(answer.answer.reason);
  message.set_words(answer.answer.words);
  *message.mutable_first_time() = to_proto(answer.received_at);
  *message.mutable_last_time() = to_proto(answer.last_received_at);
  message.set_times(answer.times);
}

}  // namespace

void fill(const storage::Utility& utility, const storage::Operation& operation, v1::Operation& message) {
  message.set_name(operation_name(utility.key, operation.id));
  message.set_kind(proto_of(operation.kind));
  message.set_request_id(operation.request_id);
  message.set_caller(operation.caller);
  message.set_order_id(operation.order_id);
  message.set_on_behalf_of(operation.on_behalf_of);
  message.set_purpose(operation.purpose);
  message.set_priority(operation.priority);
  *message.mutable_create_time() = to_proto(operation.created_at);
  *message.mutable_expire_time() = to_proto(operation.expires_at);
  if (operation.cancelled_at) *message.mutable_cancel_time() = to_proto(*operation.cancelled_at);
  message.set_cancelled_by(operation.cancelled_by);
  message.set_done(operation.done());
  message.set_attempts(operation.attempts);
  if (operation.period) {
    *message.mutable_period_start() = to_proto(operation.period->from);
    *message.mutable_period_end() = to_proto(operation.period->to);
  }
  const auto count = [&](TargetState state) { return static_cast<std::int64_t>(operation.count(state)); };
  v1::TargetCounts& counts = *message.mutable_counts();
  counts.set_queued(count(TargetState::Queued));
  counts.set_sent(count(TargetState::Sent));
  counts.set_succeeded(count(TargetState::Succeeded));
  counts.set_failed(count(TargetState::Failed));
  counts.set_timed_out(count(TargetState::TimedOut));
  counts.set_unknown(count(TargetState::Unknown));
  counts.set_cancelled(count(TargetState::Cancelled));
}

void fill(const storage::Utility& utility, const storage::OperationTarget& target, v1::Target& message) {
  message.set_number(target.key.number);
  message.set_meter(meter_name(utility.key, target.meter));
  message.set_state(proto_of(target.state));
  message.set_reason(target.answer.reason);
  message.set_words(target.answer.words);
  message.set_feed(target.feed);
  message.set_transaction(target.transaction);
  if (target.sent_at) *message.mutable_send_time() = to_proto(*target.sent_at);
  if (target.answer_due_at) *message.mutable_answer_due_time() = to_proto(*target.answer_due_at);
  if (target.ended_at) *message.mutable_end_time() = to_proto(*target.ended_at);
  if (target.resolved_at) *message.mutable_resolve_time() = to_proto(*target.resolved_at);
  if (target.answer.at) *message.mutable_occurred_time() = to_proto(*target.answer.at);
  message.set_power(power_of(target));
  message.set_switch_position(position_of(target.answer.switch_position));
  message.set_later_answers(target.answers);
  message.set_reset_evidence(proto_of(target.verification));
  if (target.verified_at) *message.mutable_reset_evidence_time() = to_proto(*target.verified_at);
  if (target.read_after != 0) message.set_read_after(operation_name(utility.key, target.read_after));
}

void tell_operation(const Call& call, const OperationOrder& order, const storage::Operation& operation,
                    const std::optional<cmd::Place>& place, AccessNotes& notes, v1::Operation& message) {
  const storage::OperationId id = operation.id;
  fill(order.utility, operation, message);
  if (place && !operation.done()) fill(*place, *message.mutable_place());
  storage::Operations store(call.scoped());
  std::size_t meters = 0;
  for (const std::size_t count : operation.counts) meters += count;
  if (meters <= kTargetsInOperation) {
    const auto targets =
        call.take(store.targets(order.utility.id, id, {.size = kTargetsInOperation, .token = {}})).items;
    for (const storage::OperationTarget& target : targets) {
      fill(order.utility, target, *message.add_targets());
      if (target.after != 0) message.set_read_before(operation_name(order.utility.key, target.after));
    }
    add_readings(call, order.utility, targets, order.view, notes, *message.mutable_targets());
  }
  if (!order.later_answers) return;
  for (const storage::KeptAnswer& answer : call.take(store.answers(order.utility.id, id)))
    fill(answer, *message.add_later_answers());
}

}  // namespace ami::rpc
