#include "daemon/rpc/switch_standing.h"

#include <algorithm>
#include <optional>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_messages.h"
#include "daemon/rpc/switch_orders.h"

namespace ami::rpc {
namespace {

using storage::SwitchAction;
using storage::SwitchState;

constexpr std::size_t kOthers = 50;
constexpr std::chrono::days kEventsOf{400};  // older ones say little of where a switch is now

void put(const std::map<std::string, std::string>& facts,
         google::protobuf::Map<std::string, std::string>& into) {
  for (const auto& [key, value] : facts) into[key] = value;
}

// The position as it was told last: of the newest operation that learnt of one, what its book says of it.
void put_position(const Call& call, const storage::Utility& utility,
                  const std::vector<storage::SwitchOperation>& operations, v1::SwitchStanding& out) {
  const auto newest =
      std::ranges::find_if(operations, [](const auto& operation) { return !operation.position.empty(); });
  if (newest == operations.end()) return;
  out.set_position(position_from_book(newest->position));
  out.set_position_operation(switch_name(utility.key, newest->id));
  for (const storage::SwitchAuditLine& line : call.take(switching_of(call).book.audit(newest->id))) {
    if (!facts_of(line.note.facts).contains("position")) continue;
    *out.mutable_position_time() = to_proto(line.note.at);
    out.set_position_source(line.note.words);
  }
}

// An event of the meter, a button that was pressed at its door for example, may be newer.
void put_event(const Call& call, MeterId meter, v1::SwitchStanding& out) {
  storage::SwitchWatch* watch = switching_of(call).watch;
  if (watch == nullptr) return;
  const auto told = call.take(watch->newest_told({meter}, call.now() - kEventsOf));
  const auto newest = told.find(meter);
  if (newest == told.end() || newest->second.source != "EVENT") return;
  const bool known = out.position() != v1::Target::SWITCH_POSITION_UNSPECIFIED;
  if (known && newest->second.at <= instant_from("position_time", out.position_time())) return;
  out.set_position(position_from_book(newest->second.position));
  out.set_position_source("an event of the meter, by its own clock");
  *out.mutable_position_time() = to_proto(newest->second.at);
  out.clear_position_operation();
}

// What the newest operation that may have had an effect wants it to be.
std::optional<sdk::SwitchPosition> intended_by(const storage::SwitchOperation& operation) {
  switch (operation.state) {
    case SwitchState::VerifiedOpen:
      return sdk::SwitchPosition::Open;
    case SwitchState::VerifiedClosed:
      return sdk::SwitchPosition::Closed;  // also of an ARM that the customer closed
    case SwitchState::VerifiedArmed:
      return sdk::SwitchPosition::Armed;
    case SwitchState::Uncertain:
    case SwitchState::Contradicted:
      return sw::wanted_position(operation.asked.action);
    default:
      if (storage::left(operation.state)) return sw::wanted_position(operation.asked.action);
      return std::nullopt;
  }
}

void put_intended(const storage::Utility& utility, const std::vector<storage::SwitchOperation>& operations,
                  v1::SwitchStanding& out) {
  for (const storage::SwitchOperation& operation : operations) {
    const auto intended = intended_by(operation);
    if (!intended) continue;
    out.set_intended(position_from_book(std::string(sdk::name_of(*intended))));
    out.set_intended_operation(switch_name(utility.key, operation.id));
    return;
  }
}

}  // namespace

void fill(const storage::Utility& utility, const sw::Evaluation& evaluation, v1::SwitchVerdict& message) {
  const sw::PolicyVerdict& verdict = evaluation.verdict;
  message.set_allowed(evaluation.allowed());
  message.set_rule(verdict.rule);
  message.set_words(verdict.words);
  put(with_names(utility.key, facts_of_rule(verdict.rule, verdict.facts)), *message.mutable_inputs());
  for (const sw::PolicyCheck& check : verdict.checks) {
    v1::SwitchCheck& line = *message.add_checks();
    line.set_rule(check.rule);
    line.set_version(check.version);
    line.set_passed(check.passed);
    line.set_binds(check.binds);
    line.set_words(check.words);
    put(with_names(utility.key, check.facts), *line.mutable_inputs());
    line.set_would_change(check.would_change);
  }
  message.set_truck_roll(verdict.truck_roll);
  message.set_latent_close(verdict.latent_close);
  message.set_evidence_minimum(proto_evidence(evaluation.minimum));
  message.set_evidence_attainable(proto_evidence(evaluation.attainable.level));
  fill_levels(evaluation.attainable.words, *message.mutable_evidence_levels());
  message.set_feed(evaluation.meter.feed);
  *message.mutable_flight() = to_proto(evaluation.meter.flight);
}

void read_state(const Call& call, const v1::ReadSwitchStateRequest& request, v1::SwitchStanding& response) {
  const Switching& switching = switching_of(call);
  const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
  const storage::Utility utility = call.utility_of(name.utility);
  const storage::Meter known = call.take(call.assets().get_meter(utility.id, name.key), name);
  const sw::MeterNow meter = call.take(switching.site.meter(utility.id, name.key, call.now()), name);

  response.set_meter(meter_name(utility.key, name.key));
  if (!meter.house.usage_point.empty())
    response.set_usage_point(usage_point_name(utility.key, meter.house.usage_point));
  response.set_feed(meter.feed);
  for (const sw::CapabilityLine& line : meter.capability.lines) {
    v1::CapabilityLine& out = *response.add_capability();
    out.set_source(line.source);
    out.set_yes(line.yes);
    out.set_words(line.words);
    out.set_clauses(line.clauses);
  }
  for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm}) {
    v1::SwitchStanding::Way& way = *response.add_ways();
    way.set_action(proto_of(action));
    way.set_stated(meter.capability.allows(action));
    way.set_refusal(meter.capability.refusal(action));
    const sw::Attainable can = sw::attainable(action, meter.means);
    way.set_evidence_attainable(proto_evidence(can.level));
    fill_levels(can.words, *way.mutable_evidence_levels());
  }
  response.set_meter_interlock(meter.capability.meter_interlock);
  response.set_load_side_voltage(std::string(sw::name_of(meter.load_side)));
  response.set_evidence_minimum(proto_evidence(meter.minimum));

  const auto operations = call.take(switching.book.of_meter(known.id, kOthers));
  put_position(call, utility, operations, response);
  put_event(call, known.id, response);
  put_intended(utility, operations, response);
  for (const storage::SwitchOperation& operation : operations) {
    if (storage::live(operation.state)) response.set_live_operation(switch_name(utility.key, operation.id));
    if (storage::unresolved(operation))
      response.add_unresolved_operations(switch_name(utility.key, operation.id));
  }
}

}  // namespace ami::rpc
