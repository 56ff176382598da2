// What time does, and what a crash left behind. Every state that a row can be found in has its place here:
//   REQUESTED, POLICY_CHECKED, AUTHORISED, QUEUED   nothing has left: it goes on
//   SENT, ACKNOWLEDGED      may have left: its flight is waited for anew, in full; then UNCERTAIN
//   VERIFYING               evidence is waited for anew; then UNCERTAIN
//   UNCERTAIN, CONTRADICTED a person is told
//   VERIFIED_ARMED          its end is waited for
#include <algorithm>

#include "daemon/switching/engine.h"

namespace ami::daemon::switching {

std::optional<storage::SwitchLease> Engine::lease() {
  const Steady now = parts_.steady();
  const std::lock_guard lock(mutex_);
  if (lease_ && now < lease_until_) return lease_;
  return std::nullopt;
}

void Engine::renew_lease() {
  const Steady asked_at = parts_.steady();
  auto taken = parts_.store.take_lease(parts_.gateway, timing_.lease);
  const std::lock_guard lock(mutex_);
  if (!taken.ok()) return;  // what is held lasts as long as it lasts
  const bool mine = taken->has_value();
  // Whoever did not send until now has not watched: it counts from now.
  if (mine && (!lease_ || lease_->epoch != (*taken)->epoch)) {
    flying_.clear();
    verifying_.clear();
  }
  lease_ = *taken;
  lease_until_ = asked_at + timing_.lease;
}

// Looking after many operations takes long: the lease must not lapse meanwhile.
void Engine::keep_lease() {
  {
    const Steady now = parts_.steady();
    const std::lock_guard lock(mutex_);
    if (stopped_ || lease_until_ - now > timing_.lease / 2) return;
  }
  renew_lease();
}

// Whether `span` is over since this run first saw it so.
bool Engine::over(std::map<SwitchId, Steady>& since, SwitchId id, std::chrono::seconds span) {
  const Steady now = parts_.steady();
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = since.emplace(id, now);
  return !fresh && now - at->second >= span;
}

void Engine::tick() {
  {
    std::vector<Waiting> again;
    {
      const std::lock_guard lock(mutex_);
      again.swap(waiting_);
    }
    for (Waiting& answer : again) {
      if (settle_own(answer)) continue;
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(answer));
    }
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
  renew_lease();
  if (!lease()) return;
  const auto books = parts_.store.open_books();
  if (!books.ok()) return;
  std::set<SwitchId> seen;
  Figures figures;
  for (const SwitchOperation& operation : *books) {
    seen.insert(operation.id);
    ++figures.states[operation.state];
    if (storage::unresolved(operation)) {
      const UtcInstant since = operation.ended_at.value_or(operation.asked.created_at);
      figures.oldest_unresolved = std::min(figures.oldest_unresolved.value_or(since), since);
    }
    keep_lease();
    look_after(operation);
  }
  const std::lock_guard lock(mutex_);
  figures_ = std::move(figures);
  for (auto* watched : {&flying_, &verifying_, &not_again_before_}) {
    std::erase_if(*watched, [&](const auto& entry) { return !seen.contains(entry.first); });
  }
}

void Engine::look_after(const SwitchOperation& operation) {
  const UtcInstant now = parts_.now();
  Change change;
  switch (operation.state) {
    case SwitchState::Requested:
    case SwitchState::PolicyChecked:
    case SwitchState::Authorised:
    case SwitchState::Queued: {
      if (now >= operation.asked.not_after) {
        change.words = "not_after passed before it could leave";
        (void)apply(operation, Input::NotAfterPassed, change);
        return;
      }
      const auto ready = prepare(operation);
      if (ready.ok() && ready->state == SwitchState::Queued) try_send(*ready);
      return;
    }
    case SwitchState::Sent:
    case SwitchState::Acknowledged:
      if (!over(flying_, operation.id, operation.flight)) return;
      change.words =
          "nobody said what came of it, and the far side acts on it no more: it may have been done";
      if (const auto over = apply(operation, Input::FlightOver, change); over.ok()) (void)weigh_early(*over);
      return;
    case SwitchState::Verifying:
      if (operation.evidence >= operation.asked.minimum) {
        change.words = operation.evidence_words;
        (void)apply(operation, Input::EvidenceEnough, change);
        return;
      }
      if (!over(verifying_, operation.id, timing_.verify)) return;
      change.words = "done as the far side says; reached " + std::string(words_of_level(operation.evidence)) +
                     ", wanted " + std::string(words_of_level(operation.asked.minimum)) + ", attainable " +
                     std::string(words_of_level(operation.attainable));
      (void)apply(operation, Input::EvidenceLate, change);
      return;
    case SwitchState::Uncertain:
    case SwitchState::Contradicted:
    case SwitchState::VerifiedArmed:
      remind(operation);
      return;
    default:
      return;
  }
}

void Engine::remind(const SwitchOperation& operation) {
  const auto span = parts_.now() - operation.ended_at.value_or(operation.asked.created_at);
  const bool armed = operation.state == SwitchState::VerifiedArmed;
  const int due = armed                        ? (span >= timing_.armed ? 1 : 0)
                  : span >= timing_.incident   ? 2
                  : span >= timing_.unresolved ? 1
                                               : 0;
  if (due <= operation.alerted) return;
  Change change;
  change.words = armed      ? "armed, and nobody said how it ended"
                 : due == 2 ? "an open incident: the outcome is not known after 24 h"
                            : "somebody has to find out what the meter does";
  change.edit = [&](SwitchOperation& row) { row.alerted = due; };
  const auto noted = note(operation, "REMIND", change);
  if (!noted.ok()) return;
  parts_.watcher.tell(armed      ? Watcher::What::ArmNotEnded
                      : due == 2 ? Watcher::What::Incident
                                 : Watcher::What::Unresolved,
                      *noted, change.words);
}

}  // namespace ami::daemon::switching
