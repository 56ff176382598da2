// What the far side says, and what shows that it is so.
#include <algorithm>

#include "daemon/switching/engine.h"

namespace ami::daemon::switching {
namespace {

// The book could not be asked: again later. Any other refusal says that nothing follows.
Outcome outcome_of(const Answer<SwitchOperation>& answer) {
  if (answer.ok()) return Done{};
  const auto kind = answer.refusal().kind;
  if (kind == Refusal::Kind::Unavailable || kind == Refusal::Kind::InDoubt || kind == Refusal::Kind::Internal)
    return transient(answer.refusal().message);
  return Done{};
}

// The position that an item names, with the device's time.
std::optional<std::pair<SwitchPosition, UtcInstant>> dated_position(const EvidenceItem& item) {
  if (const auto* report = std::get_if<PositionReport>(&item)) {
    if (report->at) return std::pair{report->position, *report->at};
  }
  if (const auto* read = std::get_if<PositionRead>(&item)) return std::pair{read->position, read->at};
  return std::nullopt;
}

std::string position_of(const EvidenceItem& item) {
  if (const auto* report = std::get_if<PositionReport>(&item))
    return std::string(sdk::name_of(report->position));
  if (const auto* read = std::get_if<PositionRead>(&item)) return std::string(sdk::name_of(read->position));
  return {};
}

}  // namespace

// An answer to its transaction: at once (the attempt's own) or through the feed, any number of times.
Outcome Engine::take(const SwitchOperation& operation, const sdk::AttemptAnswer& answer, bool asynchronous) {
  Change change;
  change.words =
      answer.reason + (answer.words.empty() ? "" : (answer.reason.empty() ? "" : ": ") + answer.words);
  switch (answer.state) {
    case sdk::AttemptState::Unknown:
      return Done{};  // its flight will show
    case sdk::AttemptState::Waiting:
      return outcome_of(apply(operation, Input::Accepted, change));
    case sdk::AttemptState::Failed: {
      const bool never_left = !asynchronous && operation.state == SwitchState::Sent &&
                              (answer.reason == "not_sent" || answer.reason == "unreachable");
      const bool may_close = !never_left && operation.asked.action == SwitchAction::Close;
      change.edit = [&](SwitchOperation& row) {
        row.rule = answer.reason;
        row.latent_close = row.latent_close || may_close;
      };
      const auto moved = apply(operation, never_left ? Input::NotSent : Input::ReportedFailed, change);
      if (moved.ok() && may_close) {
        parts_.watcher.tell(Watcher::What::LatentClose, *moved,
                            "a meter that refuses to close may do so by itself later");
      }
      return outcome_of(moved);
    }
    case sdk::AttemptState::Succeeded:
      break;
  }
  const UtcInstant now = parts_.now();
  change.edit = [&](SwitchOperation& row) {
    if (!row.claimed_at) row.claimed_at = now;
  };
  auto claimed = apply(operation, Input::ReportedDone, change);
  if (!claimed.ok()) {
    if (const Outcome again = outcome_of(claimed); !again.ok()) return again;
    claimed = parts_.store.get(operation.asked.utility, operation.id);
    if (!claimed.ok()) return outcome_of(claimed);
    if (claimed->state == SwitchState::Uncertain && !claimed->claimed_at) {
      claimed = note(*claimed, "REPORTED_DONE", change);
      if (!claimed.ok()) return outcome_of(claimed);
    }
  }
  if (Outcome weighed = weigh(*claimed, Acknowledgement{}); !weighed.ok()) return weighed;
  if (answer.position == SwitchPosition::Unknown) return Done{};
  const auto fresh = parts_.store.get(operation.asked.utility, operation.id);
  if (!fresh.ok()) return outcome_of(fresh);
  if (asynchronous) return weigh(*fresh, PositionReport{answer.position, answer.at});
  return weigh(*fresh, SynchronousState{answer.position});
}

// An armed switch ends closed, by the customer, or open again.
Outcome Engine::end_of_arm(const SwitchOperation& operation, const EvidenceItem& item, bool& took) {
  const auto seen = dated_position(item);
  if (operation.state != SwitchState::VerifiedArmed || !seen || !operation.sent_at) return Done{};
  if (seen->second < operation.claimed_at.value_or(*operation.sent_at)) return Done{};
  if (seen->first != SwitchPosition::Closed && seen->first != SwitchPosition::Open) return Done{};
  took = true;
  Change change;
  change.words =
      "the armed switch is " + std::string(sdk::name_of(seen->first)) + " as of " + to_text(seen->second);
  change.edit = [&](SwitchOperation& row) {
    row.position = sdk::name_of(seen->first);
    row.resolved_at = parts_.now();
  };
  return outcome_of(
      apply(operation, seen->first == SwitchPosition::Closed ? Input::ArmClosed : Input::ArmEnded, change));
}

Outcome Engine::weigh(const SwitchOperation& operation, const EvidenceItem& item) {
  const SwitchState state = operation.state;
  if (!operation.sent_at ||
      !(state == SwitchState::Verifying || state == SwitchState::Uncertain || is_verified(state)))
    return Done{};
  bool took = false;
  if (Outcome ended = end_of_arm(operation, item, took); took) return ended;
  if (state == SwitchState::VerifiedClosed && operation.asked.action == SwitchAction::Arm) return Done{};
  const auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, parts_.now());
  if (!meter.ok()) return transient(meter.refusal().message);
  EvidenceFrame frame;
  frame.action = operation.asked.action;
  frame.sent_at = *operation.sent_at;
  frame.since = operation.claimed_at.value_or(*operation.sent_at + operation.flight);
  const Judged judged = judge(frame, meter->means, item);
  if (judged.says == Judged::Says::Nothing) return Done{};

  Change change;
  change.words = judged.words;
  const std::string position = position_of(item);
  if (judged.says == Judged::Says::For) {
    const int level = std::max(operation.evidence, judged.level);
    change.edit = [&](SwitchOperation& row) {
      if (judged.level > row.evidence) {
        row.evidence = judged.level;
        row.evidence_words = std::string(words_of_level(judged.level)) + ": " + judged.words;
      }
      if (!position.empty()) row.position = position;
    };
    if (!is_verified(state) && level >= operation.asked.minimum)
      return outcome_of(apply(operation, Input::EvidenceEnough, change));
    if (level > operation.evidence) return outcome_of(note(operation, "EVIDENCE", change));
    return Done{};
  }
  change.edit = [&](SwitchOperation& row) {
    row.rule = judged.energy ? "ENERGY_WHILE_OPEN" : "POSITION";
    if (!position.empty()) row.position = position;
  };
  const bool silent = state == SwitchState::Uncertain && !operation.claimed_at;
  const auto moved = apply(operation, silent ? Input::EvidenceNotDone : Input::EvidenceAgainst, change);
  if (moved.ok() && judged.energy && !silent)
    parts_.watcher.tell(Watcher::What::SafetyEnergy, *moved, judged.words);
  return outcome_of(moved);
}

void Engine::read_final(const SwitchOperation& operation) {
  const SwitchId id = operation.id;
  const std::int32_t utility = operation.asked.utility;
  parts_.carrier.read_register(
      operation.asked.feed, operation.asked.vendor_id, [this, utility, id](Result<std::string> read) {
        const auto found = parts_.store.get(utility, id);
        if (!found.ok() || !found->final_register.empty()) return;
        Change change;
        change.words = read.ok() ? "final register read"
                                 : "the final register could not be read: " + read.error().message;
        change.edit = [&](SwitchOperation& row) {
          if (read.ok()) row.final_register = *read;
        };
        (void)note(*found, "FINAL_REGISTER", change);
      });
}

}  // namespace ami::daemon::switching
