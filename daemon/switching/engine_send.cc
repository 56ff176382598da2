// From QUEUED to the carrier and back.
#include <algorithm>
#include <memory>

#include "daemon/switching/engine.h"

namespace ami::daemon::switching {
namespace {

std::string base36(std::int64_t number) {
  std::string out;
  do {
    out.insert(out.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
    number /= 36;
  } while (number > 0);
  return out;
}

// With the second, so that a book that was set back to an earlier moment names none twice.
std::string transaction_of(SwitchId id, UtcInstant now) {
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return "sw" + base36(id) + "-" + base36(std::max<std::int64_t>(second, 0));
}

sdk::CommandKind kind_of(SwitchAction action) {
  switch (action) {
    case SwitchAction::Open:
      return sdk::CommandKind::SwitchOpen;
    case SwitchAction::Close:
      return sdk::CommandKind::SwitchClose;
    case SwitchAction::Arm:
      return sdk::CommandKind::SwitchArm;
  }
  return sdk::CommandKind::SwitchState;
}

bool surely_not_sent(const sdk::AttemptAnswer& answer) {
  return answer.state == sdk::AttemptState::Failed &&
         (answer.reason == "not_sent" || answer.reason == "unreachable");
}

Error error_of(const Refusal& refusal) {
  if (refusal.kind == Refusal::Kind::InDoubt) return in_doubt(refusal.message);
  if (refusal.kind == Refusal::Kind::Unavailable) return transient(refusal.message);
  return permanent(refusal.message);
}

}  // namespace

void Engine::try_send(const SwitchOperation& operation, const MeterNow* known) {
  const UtcInstant now = parts_.now();
  if (now < operation.asked.not_before || !lease()) return;
  {
    const std::lock_guard lock(mutex_);
    const auto pause = not_again_before_.find(operation.id);
    if (stopped_ || (pause != not_again_before_.end() && parts_.steady() < pause->second)) return;
    if (!carrying_.insert(operation.id).second) return;
  }
  std::optional<MeterNow> looked_up;
  if (known == nullptr) {
    auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, now);
    if (!meter.ok()) {
      const std::lock_guard lock(mutex_);
      carrying_.erase(operation.id);
      return;
    }
    known = &looked_up.emplace(std::move(meter).value());
  }
  Errand errand;
  errand.transaction = transaction_of(operation.id, now);
  errand.kind = kind_of(operation.asked.action);
  errand.feed = operation.asked.feed;
  errand.vendor_id = operation.asked.vendor_id;
  errand.flight = known->flight;
  const SwitchId id = operation.id;
  const std::int32_t utility = operation.asked.utility;
  const std::string transaction = errand.transaction;
  const auto stored = std::make_shared<std::atomic<bool>>(false);
  parts_.carrier.carry(
      errand, [this, utility, id, transaction, stored] { return before_send(utility, id, transaction, *stored); },
      [this, utility, id, transaction, stored](sdk::AttemptAnswer answer) {
        came_back({id, utility, transaction, *stored, std::move(answer)});
      });
}

// Everything is looked up and checked anew; then SENT is stored; then, and only then, yes.
Outcome Engine::before_send(std::int32_t utility, SwitchId id, const std::string& transaction,
                            std::atomic<bool>& stored) {
  const Steady asked_at = parts_.steady();
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return permanent("the gateway stops: nothing is sent");
  }
  const auto found = parts_.store.get(utility, id);
  if (!found.ok()) return error_of(found.refusal());
  if (found->state != SwitchState::Queued)
    return permanent("it is " + std::string(storage::name_of(found->state)) + ": nothing is sent");
  const UtcInstant now = parts_.now();
  if (now >= found->asked.not_after) {
    Change change;
    change.words = "not_after passed before it could leave";
    (void)apply(*found, Input::NotAfterPassed, change);
    return permanent(change.words);
  }
  const auto looked = look(*found, true);
  if (!looked.ok()) return error_of(looked.refusal());
  const PolicyVerdict* const verdict = &looked->verdict;
  const MeterNow* const meter = &looked->meter;
  if (!verdict->allowed()) {
    Change change;
    change.words = verdict->words;
    for (const auto& [key, value] : verdict->facts) change.facts += key + "=" + value + "\n";
    change.edit = [&](SwitchOperation& row) {
      row.rule = verdict->rule;
      row.truck_roll = verdict->truck_roll;
      row.latent_close = verdict->latent_close;
    };
    (void)apply(*found, Input::PolicyRefused, change);
    return permanent(verdict->words);
  }
  Change change;
  change.lease = lease();
  if (!change.lease) return permanent("another gateway sends");
  for (const auto& [key, value] : verdict->facts) change.facts += key + "=" + value + "\n";
  const auto means = attainable(found->asked.action, meter->means);
  change.edit = [&](SwitchOperation& row) {
    row.transaction = transaction;
    row.sent_at = now;
    row.flight = meter->flight;
    row.attainable = means.level;
  };
  const auto sent = apply(*found, Input::Send, change);
  if (sent.ok() || sent.refusal().kind == Refusal::Kind::InDoubt) stored = true;
  if (!sent.ok()) {
    if (sent.refusal().rule && sent.refusal().rule->name == "NOT_THE_SENDER") {
      const std::lock_guard lock(mutex_);
      lease_.reset();
    }
    return error_of(sent.refusal());
  }
  const Steady stored_at = parts_.steady();
  {
    const std::lock_guard lock(mutex_);
    flying_[id] = stored_at;
  }
  // Whoever took over meanwhile counts the flight from then: what leaves must leave at once.
  if (stored_at - asked_at > timing_.send_deadline)
    return permanent("storing it took too long: nothing is sent");
  return Done{};
}

void Engine::came_back(const Waiting& answer) {
  {
    const std::lock_guard lock(mutex_);
    carrying_.erase(answer.id);
    if (surely_not_sent(answer.answer)) not_again_before_[answer.id] = parts_.steady() + timing_.retry;
  }
  if (settle_own(answer)) return;
  const std::lock_guard lock(mutex_);
  waiting_.push_back(answer);
}

// Of what is tried again: whoever asked for it sees why it has not left.
void Engine::say_why_it_waits(const SwitchOperation& operation, const sdk::AttemptAnswer& answer) {
  if (operation.state != SwitchState::Queued || answer.words.empty() || operation.words == answer.words) return;
  Change change;
  change.words = answer.words;
  change.edit = [&](SwitchOperation& row) {
    if (row.state == SwitchState::Queued) row.words = answer.words;
  };
  (void)note(operation, "WAITS", change);
}

bool Engine::settle_own(const Waiting& answer) {
  const auto found = parts_.store.get(answer.utility, answer.id);
  if (!found.ok()) return found.refusal().kind == Refusal::Kind::NotFound;
  if (!answer.stored || found->transaction != answer.transaction) {
    // It was not let send, or another attempt was, perhaps of the same name; both are fine as long as nothing left.
    if (surely_not_sent(answer.answer)) {
      say_why_it_waits(*found, answer.answer);
    } else {
      parts_.watcher.tell(
          Watcher::What::Defect, *found,
          "feed " + found->asked.feed + " answered to " + answer.transaction + ", which it was not let send");
      const std::lock_guard lock(mutex_);
      carrying_.insert(answer.id);  // not to it again
    }
    return true;
  }
  return take(*found, answer.answer, false).ok();
}

}  // namespace ami::daemon::switching
