#include "daemon/switching/stored_rules/limit_policy.h"

#include <utility>

namespace ami::daemon::switching {
namespace {

constexpr std::size_t kStops = 100;

std::string text_of(const storage::LimitKey& key) {
  return std::string(key.opens ? "OPEN " : "CLOSE ") + key.reason + " " + std::string(name_of(key.scope)) + " " +
         std::to_string(key.span.count()) + "s";
}

}  // namespace

PolicyCheck LimitPolicy::kill_switch(const SwitchAsked& asked) const {
  PolicyCheck out;
  out.rule = "KILL_SWITCH";
  const auto stops = stops_.list(asked.utility, true, kStops);
  if (!stops.ok()) {
    out.facts["missing"] = "stops could not be looked up";
    return out;
  }
  for (const storage::SwitchStop& stop : *stops) {
    const std::string id = std::to_string(stop.id);
    out.facts["stop " + id] = name_of(stop.scope);
    if (!out.passed || (stop.scope == storage::StopScope::Opens && asked.action != SwitchAction::Open)) continue;
    out.passed = false;
    out.words = "stop " + id + " of " + std::string(name_of(stop.scope)) + " is in force";
    out.would_change = std::to_string(storage::kClearsToEnd - stop.cleared_by.size()) + " more persons who clear stop " +
                       id;
  }
  return out;
}

PolicyCheck LimitPolicy::unreviewed(const SwitchAsked& asked) const {
  PolicyCheck out;
  out.rule = "EMERGENCY_UNREVIEWED";
  out.binds = asked.reason == "EMERGENCY_SAFETY" && asked.action == SwitchAction::Open;  // never the way back
  if (!out.binds) return out;
  const auto due = reviews_.due(asked.utility);
  if (!due.ok()) {
    out.facts["missing"] = "emergencies could not be looked up";
    return out;
  }
  const std::string person = storage::counted_person(asked);
  for (const storage::EmergencyDue& one : *due) {
    if (!out.passed || !one.overdue || one.person != person) continue;
    const std::string id = std::to_string(one.operation);
    out.facts["operation"] = id;
    out.passed = false;
    out.words = "nobody else has looked at emergency " + id + " of " + to_text(one.left_at) + " in 24 hours";
    out.would_change = "a second person who reviews emergency " + id;
  }
  return out;
}

PolicyCheck LimitPolicy::limit(const SwitchAsked& asked) const {
  PolicyCheck out;
  out.rule = "LIMIT";
  const auto uses = limits_.look(asked);
  if (!uses.ok()) {
    out.facts["missing"] = "limits could not be looked up";
    return out;
  }
  for (const storage::LimitUse& use : *uses) {
    out.facts[text_of(use.key)] = std::to_string(use.used) + " of " + std::to_string(use.ceiling) +
                                  (use.enforced ? ", change " + std::to_string(use.change) : ", watched");
    if (!out.passed || !use.enforced || !use.full()) continue;
    out.passed = false;
    out.words = "the limit " + text_of(use.key) + " of " + std::to_string(use.ceiling) + " is used up";
    out.would_change = "time, or a change of the limit by two persons of its role";
  }
  return out;
}

PolicyVerdict LimitPolicy::check(const PolicyInput& input) const {
  PolicyVerdict out;
  for (PolicyCheck look : {kill_switch(input.asked), unreviewed(input.asked), limit(input.asked)}) {
    for (const auto& [key, value] : look.facts) out.facts[look.rule + "." + key] = value;
    if (!look.passed && out.allowed()) {
      out.rule = look.rule;
      out.words = look.words;
    }
    out.checks.push_back(std::move(look));
  }
  return out;
}

}  // namespace ami::daemon::switching
