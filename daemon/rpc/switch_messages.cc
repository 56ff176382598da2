#include "daemon/rpc/switch_messages.h"

#include <algorithm>
#include <charconv>

#include "daemon/rpc/convert.h"

namespace ami::rpc {
namespace {

using v1::SwitchOperation;

void put(const std::optional<UtcInstant>& at, google::protobuf::Timestamp* (SwitchOperation::*field)(),
         SwitchOperation& message) {
  if (at) *(message.*field)() = to_proto(*at);
}

}  // namespace

SwitchOperation::Evidence proto_evidence(int level) {
  if (level < 0 || level > daemon::switching::kHighestLevel) return SwitchOperation::NO_EVIDENCE;
  return static_cast<SwitchOperation::Evidence>(SwitchOperation::E0_ACKNOWLEDGED + level);
}

SwitchOperation::Action proto_of(storage::SwitchAction action) {
  switch (action) {
    case storage::SwitchAction::Open:
      return SwitchOperation::OPEN;
    case storage::SwitchAction::Close:
      return SwitchOperation::CLOSE;
    case storage::SwitchAction::Arm:
      return SwitchOperation::ARM;
  }
  return SwitchOperation::ACTION_UNSPECIFIED;
}

SwitchOperation::State proto_of(storage::SwitchState state) {
  SwitchOperation::State out = SwitchOperation::STATE_UNSPECIFIED;
  SwitchOperation::State_Parse(std::string(storage::name_of(state)), &out);
  return out;
}

v1::Target::SwitchPosition position_from_book(const std::string& word) {
  v1::Target::SwitchPosition out = v1::Target::SWITCH_POSITION_UNSPECIFIED;
  v1::Target::SwitchPosition_Parse(word, &out);
  return out;
}

std::map<std::string, std::string> facts_of(const std::string& text) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t equals = text.find('=', at);
    if (equals < end) out[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  return out;
}

std::map<std::string, std::string> facts_of_rule(const std::string& rule,
                                                 const std::map<std::string, std::string>& facts) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : facts) {
    const std::size_t dot = key.find('.');
    const std::string head = key.substr(0, dot);
    const bool of_a_rule = !head.empty() && head.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                                                std::string::npos;
    if (!of_a_rule) out.emplace(key, value);
    if (of_a_rule && head == rule && dot != std::string::npos) out.emplace(key.substr(dot + 1), value);
  }
  return out;
}

std::map<std::string, std::string> with_names(const std::string& utility,
                                              std::map<std::string, std::string> facts) {
  const auto other = facts.find("operation");
  if (other == facts.end()) return facts;
  std::int64_t id = 0;
  const std::string& text = other->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc{} && end == text.data() + text.size()) other->second = switch_name(utility, id);
  return facts;
}

void fill(const storage::Utility& utility, const storage::SwitchOperation& operation,
          SwitchOperation& message) {
  const storage::SwitchAsked& asked = operation.asked;
  message.set_name(switch_name(utility.key, operation.id));
  message.set_version(operation.version);
  message.set_meter(meter_name(utility.key, asked.meter));
  message.set_usage_point(usage_point_name(utility.key, asked.usage_point));
  message.set_action(proto_of(asked.action));
  SwitchOperation::Reason reason = SwitchOperation::REASON_UNSPECIFIED;
  SwitchOperation::Reason_Parse(asked.reason, &reason);
  message.set_reason(reason);
  message.set_order_id(asked.order_id);
  message.set_caller(asked.caller);
  message.set_request_id(asked.request_id);
  message.set_on_behalf_of(asked.on_behalf_of);
  SwitchOperation::Attestation attestation = SwitchOperation::ATTESTATION_UNSPECIFIED;
  if (SwitchOperation::Attestation_Parse(asked.attestation, &attestation))
    message.add_attestations(attestation);
  message.set_automatic(asked.automatic);
  *message.mutable_create_time() = to_proto(asked.created_at);
  *message.mutable_not_before() = to_proto(asked.not_before);
  *message.mutable_not_after() = to_proto(asked.not_after);

  message.set_state(proto_of(operation.state));
  message.set_ended(!storage::live(operation.state));
  message.set_unresolved(storage::unresolved(operation));
  message.set_rule(operation.rule);
  if (!operation.sent_at) message.set_words(operation.words);
  message.set_evidence(proto_evidence(operation.evidence));
  message.set_evidence_minimum(proto_evidence(asked.minimum));
  message.set_evidence_attainable(proto_evidence(operation.attainable));
  message.set_position(position_from_book(operation.position));

  message.set_feed(asked.feed);
  message.set_transaction(operation.transaction);
  put(operation.sent_at, &SwitchOperation::mutable_send_time, message);
  if (operation.sent_at) *message.mutable_flight() = to_proto(operation.flight);
  put(operation.claimed_at, &SwitchOperation::mutable_claim_time, message);
  put(operation.ended_at, &SwitchOperation::mutable_end_time, message);
  put(operation.resolved_at, &SwitchOperation::mutable_resolve_time, message);
  message.set_resolved_by(operation.resolved_by);
  message.set_resolution(operation.resolution);
  message.set_truck_roll(operation.truck_roll);
  message.set_latent_close(operation.latent_close);
  message.set_alert(operation.alerted <= 0   ? SwitchOperation::NOT_ALERTED
                    : operation.alerted == 1 ? SwitchOperation::TOLD
                                             : SwitchOperation::INCIDENT);
}

void fill_with_values(const Call& call, const storage::Utility& utility,
                      const storage::SwitchOperation& operation, AccessNotes& notes,
                      SwitchOperation& message) {
  fill(utility, operation, message);
  message.set_words(operation.words);
  message.set_evidence_words(operation.evidence_words);
  message.set_final_register(operation.final_register);
  const bool learnt =
      !operation.final_register.empty() || !operation.evidence_words.empty() || !operation.rule.empty();
  if (operation.sent_at && learnt) notes.note(call, operation.asked.usage_point, operation.asked.meter);
}

void fill(const storage::SwitchAuditLine& line, v1::SwitchChange& message) {
  message.set_version(line.version);
  *message.mutable_time() = to_proto(line.note.at);
  if (line.from) message.set_from(proto_of(*line.from));
  message.set_to(proto_of(line.to));
  message.set_input(line.note.input);
  message.set_actor(line.note.actor);
  message.set_gateway(line.note.gateway);
  message.set_words(line.note.words);
  for (const auto& [key, value] : facts_of(line.note.facts)) (*message.mutable_inputs())[key] = value;
}

AccessNotes notes_for(const storage::Utility& utility, const storage::SwitchOperation& operation) {
  return {utility.key, "service switch, order " + operation.asked.order_id, ""};
}

void fill_levels(const std::vector<std::string>& words,
                 google::protobuf::RepeatedPtrField<v1::EvidenceLevel>& levels) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    v1::EvidenceLevel& level = *levels.Add();
    level.set_level(proto_evidence(static_cast<int>(i)));
    level.set_words(words[i]);
  }
}

}  // namespace ami::rpc
