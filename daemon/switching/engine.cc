// Asking, taking back, resolving; and how every change is made.
#include "daemon/switching/engine.h"

#include <algorithm>
#include <utility>

namespace ami::daemon::switching {
namespace {

constexpr int kRounds = 8;  // of a change that others were quicker than
constexpr std::size_t kOthers = 50;
constexpr const char* kWrongMeter = "WRONG_METER";

Refusal refusal(Refusal::Kind kind, std::string message, std::string field) {
  Refusal out;
  out.kind = kind;
  out.message = std::move(message);
  out.field = std::move(field);
  return out;
}

Refusal excluded(std::string rule, std::string message, std::map<std::string, std::string> facts) {
  Refusal out = refusal(Refusal::Kind::Excluded, std::move(message), "");
  out.rule = std::make_shared<const storage::Rule>(storage::Rule{std::move(rule), std::move(facts)});
  return out;
}

Refusal invalid(const char* field, std::string message) {
  return refusal(Refusal::Kind::Invalid, std::move(message), field);
}

std::string lines(const std::map<std::string, std::string>& facts) {
  std::string out;
  for (const auto& [key, value] : facts) out += key + "=" + value + "\n";
  return out;
}

}  // namespace

Engine::Engine(Parts parts, Timing timing, const Table& table)
    : parts_(std::move(parts)), timing_(timing), table_(table) {}

storage::SwitchNote Engine::note_of(const std::string& input, const Change& change) const {
  storage::SwitchNote out;
  out.input = input;
  out.actor = change.actor.empty() ? "gateway" : change.actor;
  out.certificate = change.certificate;
  out.followed = change.followed;
  out.gateway = parts_.gateway;
  out.words = change.words;
  out.facts = change.facts;
  out.at = parts_.now();
  return out;
}

// The one way by which a state changes: the table says what follows, the book takes it if nobody was quicker.
Answer<SwitchOperation> Engine::apply(const SwitchOperation& operation, Input asked_for, const Change& change) {
  SwitchOperation now = operation;
  for (int round = 0; round < kRounds; ++round) {
    // The far side has said both by then: nobody knows, and a person looks.
    const bool both = asked_for == Input::ReportedFailed && now.state == SwitchState::Uncertain && now.claimed_at;
    const Input input = both ? Input::EvidenceAgainst : asked_for;
    const Step step = table_.step(now.state, input, now.asked.action);
    if (!step.moves) {
      return excluded(
          "NOT_NOW",
          "operation " + std::to_string(now.id) + " is " + std::string(storage::name_of(now.state)) + ": " +
              std::string(step.refusal),
          {{"state", std::string(storage::name_of(now.state))}, {"input", std::string(name_of(input))}});
    }
    SwitchOperation next = now;
    next.version += 1;
    next.state = step.to;
    next.words = change.words;
    if (storage::live(now.state) && !storage::live(next.state)) next.ended_at = parts_.now();
    if (change.edit) change.edit(next);
    const auto moved = parts_.store.move(next, note_of(std::string(name_of(input)), change), change.lease);
    if (moved.ok()) {
      if (next.state == SwitchState::Contradicted)
        parts_.watcher.tell(Watcher::What::Contradicted, next,
                            change.words.empty() ? "what was said before is contradicted" : change.words);
      if ((step.effects & kReadRegister) != 0) read_final(next);
      return next;
    }
    if (moved.refusal().kind != Refusal::Kind::Collision) return moved.refusal();
    auto again = parts_.store.get(now.asked.utility, now.id);
    if (!again.ok()) return again.refusal();
    now = std::move(again).value();
  }
  return refusal(Refusal::Kind::Unavailable, "the operation changes faster than it can be followed", "");
}

// Something of it changes, its state does not.
Answer<SwitchOperation> Engine::note(const SwitchOperation& operation, const std::string& what,
                                     const Change& change) {
  SwitchOperation now = operation;
  for (int round = 0; round < kRounds; ++round) {
    SwitchOperation next = now;
    next.version += 1;
    if (change.edit) change.edit(next);
    const auto moved = parts_.store.move(next, note_of(what, change), change.lease);
    if (moved.ok()) return next;
    if (moved.refusal().kind != Refusal::Kind::Collision) return moved.refusal();
    auto again = parts_.store.get(now.asked.utility, now.id);
    if (!again.ok()) return again.refusal();
    now = std::move(again).value();
  }
  return refusal(Refusal::Kind::Unavailable, "the operation changes faster than it can be followed", "");
}

// From wherever a crash left it to QUEUED or REJECTED.
Answer<SwitchOperation> Engine::prepare(SwitchOperation operation, const MeterNow* known) {
  if (operation.state == SwitchState::Requested) {
    const auto looked = look(operation, false, known);
    if (!looked.ok()) return looked.refusal();
    const PolicyVerdict* const verdict = &looked->verdict;
    Change change;
    change.words = verdict->words;
    change.followed = verdict->allowed();
    change.facts = lines(verdict->facts);
    change.edit = [&](SwitchOperation& row) {
      row.rule = verdict->rule;
      row.truck_roll = verdict->truck_roll;
      row.latent_close = verdict->latent_close;
    };
    auto moved = apply(operation, verdict->allowed() ? Input::PolicyPassed : Input::PolicyRefused, change);
    if (!moved.ok()) return moved.refusal();
    operation = std::move(moved).value();
    if (operation.latent_close) parts_.watcher.tell(Watcher::What::LatentClose, operation, operation.words);
  }
  for (const auto& [state, input] : {std::pair{SwitchState::PolicyChecked, Input::Authorise},
                                     std::pair{SwitchState::Authorised, Input::Enqueue}}) {
    if (operation.state != state) continue;
    Change change;
    change.followed = input == Input::Authorise;
    auto moved = apply(operation, input, change);
    if (!moved.ok()) return moved.refusal();
    operation = std::move(moved).value();
  }
  return operation;
}

Answer<SwitchOperation> Engine::cancel(std::int32_t utility, SwitchId id, const std::string& actor,
                                       const std::string& certificate) {
  if (actor.empty()) return invalid("actor", "is needed");
  auto found = parts_.store.get(utility, id);
  if (!found.ok()) return found.refusal();
  Change change;
  change.actor = actor;
  change.certificate = certificate;
  change.words = "cancelled before it left";
  auto cancelled = apply(*found, Input::Cancel, change);
  if (cancelled.ok() || cancelled.refusal().kind != Refusal::Kind::Excluded) return cancelled;
  auto now = parts_.store.get(utility, id);
  if (!now.ok()) return now.refusal();
  Refusal late = cancelled.refusal();
  late.rule = std::make_shared<const storage::Rule>(
      storage::Rule{storage::left(now->state) ? "TOO_LATE" : "ENDED",
                    {{"state", std::string(storage::name_of(now->state))}}});
  // That it was asked is part of the story.
  Change asked;
  asked.actor = actor;
  asked.certificate = certificate;
  asked.words = late.message;
  const auto noted = note(*now, "CANCEL_REFUSED", asked);
  if (!noted.ok() && noted.refusal().kind != Refusal::Kind::Collision) return noted.refusal();
  return late;
}

Answer<SwitchOperation> Engine::resolve(std::int32_t utility, SwitchId id, const Observed& observed) {
  if (observed.actor.empty()) return invalid("actor", "one person has to answer for it");
  if (observed.reference.empty())
    return invalid("reference", "is needed: where the observation can be looked up");
  if (observed.position == SwitchPosition::Unknown)
    return invalid("position", "must be OPEN, ARMED or CLOSED, as it was seen");
  auto found = parts_.store.get(utility, id);
  if (!found.ok()) return found.refusal();
  // Else a program that is not answered would clear its own way to the next OPEN.
  if (found->asked.automatic && !observed.caller.empty() && observed.caller == found->asked.caller) {
    return excluded("OWN_OBSERVATION",
                    "a program asked for it under this name: somebody else has to say what was seen, under an own one",
                    {{"caller", observed.caller}});
  }
  Input input = observed.position == wanted_position(found->asked.action) ? Input::ObservedDone
                                                                          : Input::ObservedNotDone;
  if (found->state == SwitchState::VerifiedArmed && observed.position != SwitchPosition::Armed)
    input = observed.position == SwitchPosition::Closed ? Input::ArmClosed : Input::ArmEnded;
  Change change;
  change.actor = observed.actor;
  change.certificate = observed.certificate;
  change.facts = position_fact(observed.position);
  change.words = "observed " + std::string(sdk::name_of(observed.position)) + ": " + observed.reference;
  change.edit = [&](SwitchOperation& row) {
    row.position = sdk::name_of(observed.position);
    row.resolved_at = parts_.now();
    row.resolved_by = observed.actor;
    row.resolution = observed.reference;
  };
  // It ended before anything left: nothing of the switch is in question, only whether somebody still has to go.
  if (found->state == SwitchState::Rejected && found->truck_roll) {
    if (found->resolved_at) return *found;
    return note(*found, "TRUCK_ROLL_DONE", change);
  }
  return apply(*found, input, change);
}

Outcome Engine::reported(const std::string& transaction, const sdk::AttemptAnswer& answer) {
  const auto found = parts_.store.by_transaction(transaction);
  if (!found.ok()) return transient(found.refusal().message);
  if (!found->has_value()) return Done{};  // nobody's
  return take(**found, answer, true);
}

Outcome Engine::mistaken(const std::string& transaction, const std::string& words) {
  const auto found = parts_.store.by_transaction(transaction);
  if (!found.ok()) return transient(found.refusal().message);
  if (!found->has_value()) return Done{};
  const auto lines = parts_.store.audit((*found)->id);
  if (!lines.ok()) return transient(lines.refusal().message);
  const bool known = std::ranges::any_of(*lines, [&](const storage::SwitchAuditLine& line) {
    return line.note.input == kWrongMeter && line.note.words == words;
  });
  if (known) return Done{};
  Change change;
  change.words = words;
  const auto noted = note(**found, kWrongMeter, change);
  if (!noted.ok()) return transient(noted.refusal().message);
  parts_.watcher.tell(Watcher::What::Defect, *noted, words);
  return Done{};
}

Outcome Engine::learnt(MeterId meter, const EvidenceItem& item) {
  const auto found = parts_.store.of_meter(meter, kOthers);
  if (!found.ok()) return transient(found.refusal().message);
  for (const SwitchOperation& operation : *found) {
    if (!operation.sent_at) continue;
    if (Outcome weighed = weigh(operation, item); !weighed.ok()) return weighed;
    // What failed moved nothing, as far as anybody knows: the one before it still says where the switch is.
    if (operation.state != SwitchState::Failed) break;
  }
  return Done{};
}

Outcome Engine::learnt_of(std::int32_t utility, SwitchId id, const EvidenceItem& item) {
  const auto found = parts_.store.get(utility, id);
  if (!found.ok()) {
    return found.refusal().kind == Refusal::Kind::NotFound ? Outcome(Done{}) : transient(found.refusal().message);
  }
  return weigh(*found, item);
}

void Engine::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

void Engine::hand_over() {
  if (!lease()) return;
  {
    const std::lock_guard lock(mutex_);
    lease_.reset();
  }
  (void)parts_.store.take_lease(parts_.gateway, std::chrono::milliseconds{0});
}

bool Engine::sends() {
  return lease().has_value();
}

Figures Engine::figures() {
  const bool sending = sends();
  const std::lock_guard lock(mutex_);
  if (!sending) return {};
  Figures out = figures_;
  out.sends = true;
  return out;
}

}  // namespace ami::daemon::switching
