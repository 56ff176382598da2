#include "daemon/switching/rules/rule_policy.h"

#include <algorithm>
#include <utility>

#include "daemon/switching/rules/gate.h"

namespace ami::daemon::switching {
namespace {

// A fact is a line of the audit: what came from outside makes no second one out of it.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c >= 0 && c < 0x20; }, ' ');
  return text;
}

// One pass over all rules. Every one is looked at, also after a refusal.
class Looking {
 public:
  Looking(const RuleBook& book, const PolicyInput& input, const Protection& protection)
      : book_(book), input_(input), protection_(protection), reason_(reason_class_from(input.asked.reason)) {}

  PolicyVerdict all() {
    reason_class();
    safety_hold();
    protected_list();
    order_void();
    jurisdiction();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool opens() const { return input_.asked.action == SwitchAction::Open; }
  [[nodiscard]] bool bound(const Binding& binding) const {
    return reason_ && opens() && binding.binds.contains(*reason_);
  }
  [[nodiscard]] bool fails_closed(const Binding& binding) const {
    return reason_ && binding.fail_closed.contains(*reason_);
  }
  [[nodiscard]] PolicyCheck check(std::string rule, bool binds) const {
    PolicyCheck out;
    out.rule = std::move(rule);
    out.version = book_.version;
    out.binds = binds;
    return out;
  }
  static void refuse(PolicyCheck& check, std::string words, std::string would_change) {
    check.passed = false;
    check.words = std::move(words);
    check.would_change = std::move(would_change);
  }
  // What it takes is not there.
  void lacks(PolicyCheck& check, const Binding& binding, std::string words, std::string would_change) const {
    check.facts["missing"] = words;
    if (fails_closed(binding))
      refuse(check, std::move(words), std::move(would_change));
    else
      check.words = words + "; this reason class goes on without it";
  }
  void add(PolicyCheck check);

  void reason_class();
  void safety_hold();
  void protected_list();
  void order_void();
  void jurisdiction();
  void gate(const Jurisdiction& place, const Gate& gate);

  const RuleBook& book_;
  const PolicyInput& input_;
  const Protection& protection_;
  const std::optional<ReasonClass> reason_;
  PolicyVerdict out_;
};

void Looking::add(PolicyCheck check) {
  for (auto& [key, value] : check.facts) value = one_line(std::move(value));
  out_.facts[check.rule] = !check.binds ? "not bound" : check.passed ? "passed" : "refused";
  out_.facts[check.rule + ".version"] = check.version;
  for (const auto& [key, value] : check.facts) out_.facts[check.rule + "." + key] = value;
  if (!check.passed && out_.allowed()) {
    out_.rule = check.rule;
    out_.words = check.words;
  }
  out_.checks.push_back(std::move(check));
}

void Looking::reason_class() {
  const SwitchAsked& asked = input_.asked;
  PolicyCheck look = check("REASON_CLASS", true);
  look.facts["reason"] = asked.reason;
  look.facts["automatic"] = asked.automatic ? "true" : "false";
  const auto terms = reason_ ? book_.classes.find(*reason_) : book_.classes.end();
  const std::string action(storage::name_of(asked.action));
  if (terms == book_.classes.end()) {
    refuse(look, "'" + asked.reason + "' is no reason class", "one of the reason classes");
  } else if (!terms->second.actions.contains(asked.action)) {
    refuse(look, asked.reason + " does not permit " + action, "another reason class");
  } else if (asked.automatic && !terms->second.programs) {
    refuse(look, asked.reason + " is asked for by a person, never by a program", "a person who asks");
  } else if (terms->second.on_behalf_of && asked.on_behalf_of.empty()) {
    refuse(look, asked.reason + " must say for whom it is done: on_behalf_of", "on_behalf_of");
  }
  add(std::move(look));
}

void Looking::safety_hold() {
  // Also of an unknown class: a lock-out does not ask why.
  PolicyCheck look = check("SAFETY_HOLD", !reason_ || book_.holds.contains(*reason_));
  const bool closed = reason_ && always_fails_closed(*reason_) && opens();
  if (!protection_.holds) {
    // The book of operations looks once more before SENT, so nothing gets past a hold by this.
    look.facts["missing"] = "holds could not be looked up";
    if (closed) refuse(look, "safety holds could not be looked up", "a look-up that succeeds");
  } else {
    for (const storage::SafetyHold& hold : protection_.holds->holds) {
      const std::string id = std::to_string(hold.id);
      look.facts["hold " + id] = std::string(storage::name_of(hold.asked.effect)) + " on " +
                                 std::string(storage::name_of(hold.asked.scope)) + " " + hold.asked.place;
      if (!look.passed || !storage::stops(hold.asked.effect, input_.asked.action)) continue;
      refuse(look,
             "safety hold " + id + " is on " + std::string(storage::name_of(hold.asked.scope)) + " " +
                 hold.asked.place + ": " + hold.asked.reason,
             "hold " + id + " lifted by role " + hold.asked.role +
                 (hold.asked.expires_at ? ", or the time " + to_text(*hold.asked.expires_at) : ""));
    }
    if (look.passed && protection_.holds->place_unknown) {
      look.facts["missing"] = "feeder or transformer";
      if (closed) {
        refuse(look, "a feeder or transformer is held, and which one the usage point is on is not known",
               "the feeder and transformer of the usage point");
      }
    }
  }
  add(std::move(look));
}

void Looking::protected_list() {
  const ListRule& rule = book_.lists;
  PolicyCheck look = check("PROTECTED_LIST", bound(rule.binding));
  if (look.binds && !protection_.lists) {
    lacks(look, rule.binding, "the protected lists could not be looked up", "a look-up that succeeds");
  } else if (look.binds) {
    std::string lacking;
    for (const ProtectedKind kind : rule.lists) {
      const std::string name(storage::name_of(kind));
      const auto mark = std::ranges::find(*protection_.lists, kind, &storage::ProtectedMark::kind);
      if (mark == protection_.lists->end()) {
        if (lacking.empty()) lacking = "list " + name + " was never handed in";
        continue;
      }
      look.facts[name] = "version " + std::to_string(mark->version) + " of " + to_text(mark->made_at) +
                         ", sha256 " + mark->sha256;
      const auto age = input_.now - mark->made_at;
      // Who is on a list stays protected when the list is old.
      if (mark->listed && look.passed)
        refuse(look, "the usage point is on the list " + name, "EMERGENCY_SAFETY, or a newer list without it");
      if (lacking.empty() && (age > rule.stale_after || -age > kFutureSlack))
        lacking = "list " + name + " is of " + to_text(mark->made_at);
    }
    if (!lacking.empty() && look.passed)
      lacks(look, rule.binding, lacking + ": it protects nobody", "a list that is younger than " +
                                                                     std::to_string(rule.stale_after.count()) + " s");
  }
  add(std::move(look));
}

void Looking::order_void() {
  const VoidRule& rule = book_.voids;
  PolicyCheck look = check("ORDER_VOID", bound(rule.binding));
  if (look.binds && !protection_.account) {
    lacks(look, rule.binding, "no news of the account is known", "news of the account");
  } else if (look.binds) {
    const Account& account = *protection_.account;
    look.facts["account_as_of"] = to_text(account.as_of);
    const std::pair<const char*, const std::optional<UtcInstant>*> news[] = {
        {"paid_at", &account.paid_at}, {"moved_in_at", &account.moved_in_at}, {"medical_at", &account.medical_at}};
    for (const auto& [name, at] : news) {
      if (!*at) continue;
      look.facts[name] = to_text(**at);
      if (look.passed && **at >= input_.asked.created_at) {
        refuse(look, std::string(name) + " " + to_text(**at) + " is after the order was made: the order is void",
               "a new order");
      }
    }
    const auto age = input_.now - account.as_of;
    if (look.passed && (age > rule.stale_after || -age > kFutureSlack)) {
      lacks(look, rule.binding, "the news of the account are of " + to_text(account.as_of),
            "news that are younger than " + std::to_string(rule.stale_after.count()) + " s");
    }
  }
  add(std::move(look));
}

void Looking::jurisdiction() {
  PolicyCheck look = check("JURISDICTION", bound(book_.place));
  look.facts["jurisdiction"] = protection_.jurisdiction;
  const auto place = book_.jurisdictions.find(protection_.jurisdiction);
  if (look.binds && place == book_.jurisdictions.end()) {
    lacks(look, book_.place,
          protection_.jurisdiction.empty() ? "which law holds for the usage point is not known"
                                           : "there are no rules of " + protection_.jurisdiction,
          "a jurisdiction for the utility");
  }
  add(std::move(look));
  if (place == book_.jurisdictions.end()) return;
  for (const Gate& one : place->second.gates) gate(place->second, one);
}

void Looking::gate(const Jurisdiction& place, const Gate& gate) {
  const CustomerClass customer =
      protection_.customer == CustomerClass::NotKnown ? CustomerClass::Residential : protection_.customer;
  PolicyCheck look = check(gate.name, bound(gate.binding) && gate.customers.contains(customer));
  look.version = place.code + " " + place.version;
  look.facts["customer"] = name_of(protection_.customer);
  look.facts["source"] = gate.source;
  if (look.binds) {
    GateVerdict verdict = judge_gate(gate, protection_, input_.now);
    look.facts.merge(verdict.facts);
    if (verdict.end == GateVerdict::End::Missing)
      lacks(look, gate.binding, verdict.words, verdict.would_change);
    else if (verdict.end == GateVerdict::End::Closed)
      refuse(look, place.name + ": " + verdict.words, verdict.would_change);
  }
  add(std::move(look));
}

}  // namespace

PolicyVerdict judge_rules(const RuleBook& book, const PolicyInput& input, const Protection& protection) {
  return Looking(book, input, protection).all();
}

}  // namespace ami::daemon::switching
