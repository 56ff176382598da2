#include "daemon/rpc/meter_approval.h"

#include <vector>

#include "daemon/rpc/asset_messages.h"
#include "daemon/rpc/convert.h"

namespace ami::rpc {
namespace {

constexpr int kLastDueYear = 2199;

std::string unknown(const std::string& said, const char* what, const regime::Regime& regime, bool boards) {
  return "\"" + said + "\" is no " + what + " that " + regime.notice_name() + " names; known are " +
         regime.known_modules(boards);
}

template <class Findings>
void tell_findings(const std::vector<approval::Finding>& findings, Findings* target) {
  for (const approval::Finding& finding : findings) {
    v1::ApprovalFinding* message = target->Add();
    message->set_kind(std::string(approval::name_of(finding.kind)));
    message->set_rule(finding.rule);
    message->set_message(finding.message);
    for (const approval::Citation& citation : finding.grounds.clauses) {
      v1::CitedClause* clause = message->add_clauses();
      clause->set_key(citation.key);
      clause->set_section(citation.section);
      clause->set_text(citation.text);
      clause->set_revision(citation.revision);
    }
  }
}

v1::Conformity::State state_message(regime::Conformity::State state) {
  switch (state) {
    case regime::Conformity::State::NoRegime:
      return v1::Conformity::NO_REGIME;
    case regime::Conformity::State::Unknown:
      return v1::Conformity::UNKNOWN;
    case regime::Conformity::State::Conforming:
      return v1::Conformity::CONFORMING;
    case regime::Conformity::State::Nonconforming:
      return v1::Conformity::NONCONFORMING;
  }
  return v1::Conformity::STATE_UNSPECIFIED;
}

void tell_module(const storage::FittedModule& module, v1::FittedModule& message) {
  message.set_module_type(module.module);
  message.set_key(module.key);
  message.set_board(module.board);
  message.set_han(module.han);
  if (module.valid.from != UtcInstant::min()) *message.mutable_valid_from() = to_proto(module.valid.from);
  if (module.valid.to != UtcInstant::max()) *message.mutable_valid_to() = to_proto(module.valid.to);
  message.set_seal_broken(module.breaks_seal);
}

void tell_conformity(const regime::Regime& regime, const storage::MeterFacts& facts, UtcInstant now,
                     v1::Conformity& message) {
  const regime::Conformity conformity = regime::conformity_at(regime, facts, now);
  message.set_state(state_message(conformity.state));
  message.set_notice(conformity.notice);
  message.set_revision(conformity.revision);
  tell_findings(conformity.findings, message.mutable_findings());
  const approval::SwitchVerdict verdict = regime::switch_verdict(regime, facts, now);
  message.set_switch_capability(!verdict.allowed           ? v1::SWITCH_REFUSED
                                : verdict.by_site_evidence ? v1::SWITCH_ALLOWED_BY_SITE_EVIDENCE
                                                           : v1::SWITCH_ALLOWED);
  message.set_switch_reason(verdict.reason);
  tell_findings(verdict.findings, message.mutable_switch_findings());
}

}  // namespace

std::optional<storage::FittedModule> module_from(const regime::Regime& regime,
                                                 const std::string& module_field, const std::string& module,
                                                 const std::string& board_field, const std::string& board) {
  storage::FittedModule out;
  out.module = text_from(module_field, module, 64);
  out.board = text_from(board_field, board, 64);
  if (out.module.empty() && out.board.empty()) return std::nullopt;
  if (out.module.empty()) throw StatusError{invalid_field(board_field, "needs a module beside it")};
  out.key = out.module;
  const approval::Notice* const notice = regime.notice();
  if (notice == nullptr) return out;
  const approval::Module* const known = notice->module_named(out.module);
  if (known == nullptr) {
    throw StatusError{invalid_field(module_field, unknown(out.module, "module", regime, false))};
  }
  if (regime::Regime::is_board(*known)) {
    throw StatusError{
        invalid_field(module_field, "\"" + out.module + "\" is an interface board: say it as board")};
  }
  out.key = known->key;
  if (out.board.empty()) return out;
  const approval::Module* const known_board = notice->module_named(out.board);
  if (known_board == nullptr || !regime::Regime::is_board(*known_board)) {
    throw StatusError{invalid_field(board_field, unknown(out.board, "interface board", regime, true))};
  }
  return out;
}

std::string han_from(const std::string& field, const std::string& text) {
  if (text.empty() || text == "NONE" || text == "ZIGBEE") return text;
  throw StatusError{invalid_field(
      field, "\"" + text_from(field, text, 64) + "\" is none of NONE, ZIGBEE, or empty (not known)")};
}

ModuleUpdate module_update(const google::protobuf::RepeatedPtrField<std::string>& fields) {
  ModuleUpdate out;
  for (const std::string& field : fields) {
    if (field == "module_type") {
      out.module_type = true;
    } else if (field == "board") {
      out.board = true;
    } else if (field == "han") {
      out.han = true;
    } else {
      *out.others.Add() = field;
    }
  }
  return out;
}

storage::FittedModule changed_module(const regime::Regime& regime, const v1::UpdateMeterRequest& request,
                                     const ModuleUpdate& update, const storage::MeterFacts& facts,
                                     UtcInstant at) {
  const storage::FittedModule* const before = regime::module_then(facts, at);
  const v1::Meter& said = request.meter();
  const std::string module = update.module_type  ? said.module_type()
                             : before == nullptr ? ""
                                                 : before->module;
  const std::string kept = before == nullptr || module.empty() ? "" : before->board;
  storage::FittedModule out =
      module_from(regime, "meter.module_type", module, "meter.board", update.board ? said.board() : kept)
          .value_or(storage::FittedModule{});
  // Another board beside the same module leaves its radio what it is.
  if (before != nullptr && before->module == out.module) out.han = before->han;
  out.valid.from = at;
  out.breaks_seal = request.has_seal_broken() ? request.seal_broken() : before != nullptr;
  return out;
}

storage::FittedCheck check_of_change(const regime::Regime& regime, const storage::MeterFacts& before,
                                     UtcInstant at) {
  storage::FittedCheck check = regime::planned_check(regime);
  if (!check) return check;
  storage::Fitted fitted;
  if (const auto* detail = regime::detail_then(before, at)) fitted.detail = *detail;
  if (const auto* module = regime::module_then(before, at)) fitted.module = *module;
  const std::optional<storage::Exclusion> known = check(fitted, at);
  if (!known) return check;
  return [check, message = known->message](const storage::Fitted& after, UtcInstant when) {
    std::optional<storage::Exclusion> excluded = check(after, when);
    if (excluded && excluded->message == message) excluded.reset();
    return excluded;
  };
}

void tell_modules(const storage::MeterFacts& facts, UtcInstant at, v1::Meter& message) {
  if (const storage::FittedModule* module = regime::module_then(facts, at)) {
    message.set_module_type(module->module);
    message.set_board(module->board);
    message.set_han(module->han);
  }
  for (const storage::FittedModule& module : facts.modules) tell_module(module, *message.add_modules());
}

void tell_facts(const regime::Regime& regime, const storage::MeterFacts& facts, UtcInstant now,
                v1::Meter& message) {
  tell_modules(facts, now, message);
  for (const storage::SealRecord& seal : facts.seals) {
    v1::VerificationRecord* record = message.add_verifications();
    record->set_certificate(seal.certificate);
    record->set_seal_date(approval::to_text(seal.seal_date));
    record->set_lot(seal.lot);
    record->set_due_year(seal.due_year.value_or(0));
    record->set_withdrawn(seal.withdrawn);
    *record->mutable_recorded_at() = to_proto(seal.recorded_at);
    record->set_recorded_by(seal.recorded_by);
  }
  const approval::VerificationVerdict verification = regime::verification_at(regime, facts, now);
  message.set_verification(to_proto(verification.status));
  message.set_verification_reason(verification.reason);
  tell_conformity(regime, facts, now, *message.mutable_conformity());
}

void set_verification(const Call& call, const v1::SetVerificationRequest& request, v1::Meter& response) {
  const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
  storage::SealRecord record;
  const std::optional<approval::Date> sealed = approval::parse_date(request.seal_date());
  if (!sealed) throw StatusError{invalid_field("seal_date", "must be a day such as \"2024-05-03\"")};
  if (static_cast<int>(sealed->year()) < 1900)
    throw StatusError{invalid_field("seal_date", "must not be before 1900")};
  record.seal_date = *sealed;
  record.withdrawn = request.withdraw();
  record.certificate = text_from("certificate", request.certificate());
  record.lot = text_from("lot", request.lot(), 64);
  if (record.withdrawn) {
    if (!record.certificate.empty() || !record.lot.empty() || request.due_year() != 0)
      throw StatusError{invalid_field("withdraw", "takes a seal_date and nothing else")};
  } else {
    if (record.certificate.empty()) throw StatusError{invalid_field("certificate", "is required")};
    if (request.due_year() < static_cast<int>(sealed->year()) || request.due_year() > kLastDueYear) {
      throw StatusError{invalid_field(
          "due_year", "must be the seal's year " + std::to_string(static_cast<int>(sealed->year())) +
                          " or a later one up to " + std::to_string(kLastDueYear))};
    }
    record.due_year = request.due_year();
  }
  const storage::Utility utility = call.utility_of(name.utility);
  const regime::Regime regime = call.regime_of(utility);
  if (*sealed > regime.day_of(call.now()))
    throw StatusError{invalid_field("seal_date", "must not be in the future")};
  const MeterId id = call.take(call.assets().set_verification(utility.id, name.key, record), name);
  response = to_proto(utility, call.take(call.assets().get_meter(utility.id, name.key), name), call.now());
  tell_facts(regime, call.take(call.assets().facts_of({id})).at(id), call.now(), response);
}

void list_nonconforming(const Call& call, const v1::ListNonconformingRequest& request,
                        v1::ListNonconformingResponse& response) {
  const Page page = call.page(request);
  const storage::Utility utility = call.parent(request.parent());
  const UtcInstant at = request.has_at() ? instant_from("at", request.at()) : call.now();
  const regime::Regime regime = call.regime_of(utility);
  if (!regime.bound()) return;
  if (regime.notice() == nullptr) {
    throw StatusError{
        refused(grpc::StatusCode::FAILED_PRECONDITION, "NOTICE_NOT_LOADED",
                "notice " + regime.notice_name() + " is not among the notices of this gateway")};
  }
  std::vector<storage::Fitted> excluded;
  std::vector<regime::Conformity> why;  // of each
  for (storage::Fitted& fitted : call.take(call.assets().fitted_at(utility.id, at))) {
    regime::Conformity conformity = regime::conformity_of(regime, fitted, at);
    if (conformity.state != regime::Conformity::State::Nonconforming) continue;
    excluded.push_back(std::move(fitted));
    why.push_back(std::move(conformity));
  }
  const auto found = call.take(call.assets().meters_fitted(utility.id, at, excluded, page.store));
  for (const storage::ExcludedMeter& one : found.items) {
    v1::NonconformingMeter& message = *response.add_meters();
    *message.mutable_meter() = to_proto(utility, one.meter, at);
    storage::MeterFacts fitted;
    if (!one.module.module.empty()) fitted.modules.push_back(one.module);
    tell_modules(fitted, at, *message.mutable_meter());
    if (!one.usage_point_key.empty())
      message.set_usage_point(usage_point_name(utility.key, one.usage_point_key));
    const regime::Conformity& conformity = why[one.fitted];
    message.set_notice(conformity.notice);
    message.set_revision(conformity.revision);
    tell_findings(conformity.findings, message.mutable_findings());
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace ami::rpc
