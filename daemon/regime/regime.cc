#include "daemon/regime/regime.h"

#include <algorithm>
#include <set>

namespace ami::regime {
namespace {

Zone zone_named(const std::string& name) {
  const Result<Zone> zone = Zone::load(name);
  return zone.ok() ? *zone : Zone::utc();  // the store takes no unknown zone
}

// What was said last of each seal date, without what was taken back.
std::vector<approval::VerificationRecord> records_of(const storage::MeterFacts& facts) {
  std::vector<approval::VerificationRecord> records;
  for (std::size_t i = 0; i < facts.seals.size(); ++i) {
    const storage::SealRecord& seal = facts.seals[i];
    const bool superseded = i + 1 < facts.seals.size() && facts.seals[i + 1].seal_date == seal.seal_date;
    if (superseded || seal.withdrawn) continue;
    records.push_back({seal.certificate, seal.seal_date, seal.lot, seal.due_year});
  }
  return records;
}

std::vector<approval::SealBreak> breaks_of(const storage::MeterFacts& facts) {
  std::vector<approval::SealBreak> breaks;
  for (const storage::FittedModule& module : facts.modules) {
    if (module.breaks_seal) breaks.push_back({module.valid.from, "module " + module.module + " was fitted"});
  }
  return breaks;
}

void add_new(const std::vector<approval::Finding>& from, std::vector<approval::Finding>& onto) {
  for (const approval::Finding& finding : from) {
    const auto same = [&](const approval::Finding& other) {
      return other.rule == finding.rule && other.message == finding.message;
    };
    if (std::ranges::none_of(onto, same)) onto.push_back(finding);
  }
}

approval::Device board_in(approval::Device device, const std::string& board) {
  device.module = board;
  return device;
}

}  // namespace

Regime::Regime(std::shared_ptr<const Regimes> all, const storage::Utility& utility)
    : all_(std::move(all)),
      name_(utility.notice.value_or("")),
      utility_(utility.key),
      zone_(zone_named(utility.zone)) {
  if (const auto found = all_->notices.find(name_); found != all_->notices.end()) notice_ = &found->second;
}

approval::Date Regime::day_of(UtcInstant at) const {
  const CivilTime civil = zone_.civil(at);
  return approval::Date{std::chrono::floor<std::chrono::days>(civil)};
}

std::optional<approval::SiteEvidence> Regime::evidence_for(const std::string& module) const {
  const auto of_utility = all_->evidence.find(utility_);
  if (of_utility == all_->evidence.end() || module.empty()) return std::nullopt;
  const auto key_of = [&](const std::string& name) {
    const approval::Module* known = notice_ == nullptr ? nullptr : notice_->module_named(name);
    return known == nullptr ? approval::folded(name) : known->key;
  };
  for (const approval::SiteEvidence& evidence : of_utility->second) {
    if (key_of(evidence.module) == key_of(module)) return evidence;
  }
  return std::nullopt;
}

bool Regime::is_board(const approval::Module& module) {
  return module.transmits.scope == approval::Transmits::Scope::Outside;
}

std::string Regime::known_modules(bool boards) const {
  std::set<std::string> keys;
  if (notice_ != nullptr) {
    for (const approval::Module& module : notice_->modules) {
      if (is_board(module) == boards) keys.insert(module.key);
    }
  }
  std::string list;
  for (const std::string& key : keys) list += (list.empty() ? "" : ", ") + key;
  return list;
}

approval::Device device_of(const storage::Fitted& fitted) {
  const storage::MeterDetail& detail = fitted.detail;
  approval::Device device;
  device.model = detail.model;
  device.form = detail.form;
  if (const auto elements = approval::parse_elements(detail.elements); elements.ok())
    device.elements = *elements;
  device.wires = detail.wires;
  if (const auto amperes = approval::parse_class(detail.class_a); amperes.ok()) device.class_a = *amperes;
  device.firmware = detail.firmware;
  device.module = fitted.module.module;
  return device;
}

const storage::MeterDetail* detail_then(const storage::MeterFacts& facts, UtcInstant at) {
  const auto found =
      std::ranges::find_if(facts.details, [&](const auto& detail) { return detail.valid.contains(at); });
  return found == facts.details.end() ? nullptr : &*found;
}

const storage::FittedModule* module_then(const storage::MeterFacts& facts, UtcInstant at) {
  const auto found =
      std::ranges::find_if(facts.modules, [&](const auto& module) { return module.valid.contains(at); });
  return found == facts.modules.end() ? nullptr : &*found;
}

namespace {

storage::Fitted fitted_then(const storage::MeterFacts& facts, UtcInstant at) {
  storage::Fitted fitted;
  if (const storage::MeterDetail* detail = detail_then(facts, at)) fitted.detail = *detail;
  if (const storage::FittedModule* module = module_then(facts, at)) fitted.module = *module;
  if (fitted.detail.firmware_at && at < *fitted.detail.firmware_at) fitted.detail.firmware.clear();
  return fitted;
}

}  // namespace

approval::Device device_at(const storage::MeterFacts& facts, UtcInstant at) {
  return device_of(fitted_then(facts, at));
}

approval::Provenance recorder_of(std::string_view model) {
  constexpr std::string_view kMaker = "FOCUS ";
  if (model.starts_with(kMaker)) model.remove_prefix(kMaker.size());
  const std::string_view designation = model.substr(0, model.find('-'));
  if (designation == "AXR") return approval::Provenance::MeterRecorder;
  if (designation == "AX") return approval::Provenance::ModuleRecorder;
  return approval::Provenance::Unknown;
}

Conformity conformity_of(const Regime& regime, const storage::Fitted& fitted, UtcInstant at) {
  Conformity out;
  if (!regime.bound()) return out;
  out.notice = regime.notice_name();
  out.state = Conformity::State::Unknown;
  if (regime.notice() == nullptr) {
    out.findings.push_back({approval::Finding::Kind::Missing,
                            "NOTICE_NOT_LOADED",
                            "notice " + regime.notice_name() + " is not among the notices of this gateway",
                            {}});
    return out;
  }
  const approval::AsOf day = regime.day_of(at);
  const approval::Device device = device_of(fitted);
  const approval::CarryVerdict verdict = approval::may_carry(regime.notice(), device, day);
  out.revision = verdict.revision;
  out.findings = verdict.findings;
  auto excluded = approval::nonconformities(regime.notice(), device, day);
  if (!fitted.module.board.empty()) {
    add_new(approval::nonconformities(regime.notice(), board_in(device, fitted.module.board), day), excluded);
  }
  add_new(excluded, out.findings);
  if (!excluded.empty()) {
    out.state = Conformity::State::Nonconforming;
  } else if (verdict.answer == approval::Answer::Allowed) {
    out.state = Conformity::State::Conforming;
  }
  return out;
}

Conformity conformity_at(const Regime& regime, const storage::MeterFacts& facts, UtcInstant at) {
  return conformity_of(regime, fitted_then(facts, at), at);
}

std::optional<storage::Exclusion> exclusion(const Regime& regime, const storage::Fitted& fitted,
                                            UtcInstant at) {
  const Conformity conformity = conformity_of(regime, fitted, at);
  if (conformity.state != Conformity::State::Nonconforming) return std::nullopt;
  const auto why = std::ranges::find_if(conformity.findings, [](const auto& finding) {
    return finding.kind != approval::Finding::Kind::Missing;
  });
  storage::Exclusion out;
  out.rule.name = why->rule;
  out.message = why->message;
  out.rule.facts["notice"] = conformity.notice;
  out.rule.facts["revision"] = conformity.revision;
  if (!why->grounds.clauses.empty()) {
    const approval::Citation& clause = why->grounds.clauses.front();
    out.rule.facts["clause"] = clause.section;
    out.rule.facts["clause_key"] = clause.key;
    out.rule.facts["text"] = clause.text;
    out.message += " (" + conformity.notice + " " + conformity.revision + ", " + clause.section + ")";
  }
  return out;
}

storage::FittedCheck planned_check(const Regime& regime) {
  if (regime.notice() == nullptr) return {};
  return [&regime](const storage::Fitted& fitted, UtcInstant at) { return exclusion(regime, fitted, at); };
}

approval::SwitchVerdict switch_verdict(const Regime& regime, const storage::MeterFacts& facts,
                                       UtcInstant at) {
  const approval::Device device = device_at(facts, at);
  if (regime.bound() && regime.notice() == nullptr) {
    approval::SwitchVerdict refused;
    refused.notice = regime.notice_name();
    refused.reason = "notice " + regime.notice_name() + " is not among the notices of this gateway";
    return refused;
  }
  return approval::may_operate_switch(regime.notice(), device, regime.evidence_for(device.module),
                                      regime.day_of(at));
}

approval::VerificationVerdict verification_at(const Regime& regime, const storage::MeterFacts& facts,
                                              UtcInstant at) {
  const auto records = records_of(facts);
  const auto breaks = breaks_of(facts);
  return approval::verification_at(records, breaks, at, regime.zone());
}

std::vector<UtcInstant> verification_changes(const Regime& regime, const storage::MeterFacts& facts) {
  std::set<UtcInstant> changes;
  for (const approval::VerificationRecord& record : records_of(facts)) {
    if (record.sealed) changes.insert(regime.zone().civil_day(*record.sealed).start);
    if (record.due_year) {
      changes.insert(
          regime.zone().civil_day(std::chrono::year{*record.due_year + 1} / std::chrono::January / 1).start);
    }
  }
  for (const approval::SealBreak& seal_break : breaks_of(facts)) changes.insert(seal_break.at);
  return {changes.begin(), changes.end()};
}

}  // namespace ami::regime
