// What the far side says, and what shows that it is so.
#include <algorithm>
#include <sstream>

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

constexpr std::size_t kOthers = 50;
constexpr const char* kEarlyReport = "EARLY_REPORT";

// Out of the facts of such a line.
std::optional<PositionReport> report_from(const std::string& facts) {
  PositionReport out;
  std::istringstream lines(facts);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("at=")) {
      if (const auto at = parse_instant(line.substr(3)); at.ok()) out.at = *at;
    }
    for (const auto position : {SwitchPosition::Open, SwitchPosition::Armed, SwitchPosition::Closed}) {
      if (line == "position=" + std::string(sdk::name_of(position))) out.position = position;
    }
  }
  if (!out.at || out.position == SwitchPosition::Unknown) return std::nullopt;
  return out;
}

}  // namespace

std::string position_fact(SwitchPosition position) {
  if (position == SwitchPosition::Unknown) return {};
  return "position=" + std::string(sdk::name_of(position)) + "\n";
}

// An answer to its transaction: at once (the attempt's own) or through the feed, any number of times.
Outcome Engine::take(const SwitchOperation& operation, const sdk::AttemptAnswer& answer, bool asynchronous) {
  Change change;
  change.words =
      answer.reason + (answer.words.empty() ? "" : (answer.reason.empty() ? "" : ": ") + answer.words);
  switch (answer.state) {
    case sdk::AttemptState::Unknown:
      // Its flight will show what became of it; where the switch stands may be told all the same.
      if (answer.position == SwitchPosition::Unknown || !asynchronous) return Done{};
      return weigh(operation, PositionReport{answer.position, answer.at});
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
      if (Outcome out = outcome_of(moved); never_left || !out.ok()) return out;
      return weigh_early(operation);
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
      if (claimed->asked.action == SwitchAction::Open) read_final(*claimed);
    }
  }
  if (Outcome weighed = weigh(*claimed, Acknowledgement{}); !weighed.ok()) return weighed;
  if (Outcome weighed = weigh_early(*claimed); !weighed.ok()) return weighed;
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
  change.facts = "at=" + to_text(seen->second) + "\n" + position_fact(seen->first);
  change.edit = [&](SwitchOperation& row) {
    row.position = sdk::name_of(seen->first);
    row.resolved_at = parts_.now();
  };
  return outcome_of(
      apply(operation, seen->first == SwitchPosition::Closed ? Input::ArmClosed : Input::ArmEnded, change));
}

Outcome Engine::weigh(const SwitchOperation& operation, const EvidenceItem& told) {
  const SwitchState state = operation.state;
  if (state == SwitchState::Sent || state == SwitchState::Acknowledged) return keep_early(operation, told);
  if (state == SwitchState::Failed) return weigh_failed(operation, told);
  if (!operation.sent_at ||
      !(state == SwitchState::Verifying || state == SwitchState::Uncertain || is_verified(state)))
    return Done{};
  EvidenceMeans means;
  if (!std::holds_alternative<Acknowledgement>(told)) {  // which rests on nothing that a site could say
    auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, parts_.now());
    // What is known of nobody's meter counts for nothing, however often it is told.
    if (!meter.ok() && meter.refusal().kind == Refusal::Kind::NotFound) return Done{};
    if (!meter.ok()) return transient(meter.refusal().message);
    means = std::move(meter->means);
  }
  // A time is the device's only where the site says so.
  EvidenceItem item = told;
  if (auto* report = std::get_if<PositionReport>(&item); report != nullptr && !means.reports_device_time)
    report->at.reset();
  bool took = false;
  if (Outcome ended = end_of_arm(operation, item, took); took) return ended;
  if (state == SwitchState::VerifiedClosed && operation.asked.action == SwitchAction::Arm) return Done{};
  const auto frame = frame_of(operation, item);
  if (!frame.ok()) return transient(frame.refusal().message);
  const Judged judged = judge(*frame, means, item);
  if (judged.says == Judged::Says::Nothing) return Done{};

  Change change;
  change.words = judged.words;
  const std::string position = position_of(item);
  if (!position.empty()) {
    if (const auto dated = dated_position(item)) change.facts = "at=" + to_text(dated->second) + "\n";
    change.facts += "position=" + position + "\n";
  }
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

Answer<EvidenceFrame> Engine::frame_of(const SwitchOperation& operation, const EvidenceItem& item) {
  EvidenceFrame frame;
  frame.action = operation.asked.action;
  frame.sent_at = *operation.sent_at;
  frame.since = operation.claimed_at.value_or(*operation.sent_at + operation.flight);
  const auto dated = dated_position(item);
  if (!dated || dated->second >= frame.sent_at) return frame;
  // Within what its clock may be wrong by: it could be of the operation before.
  const auto others = parts_.store.of_meter(operation.asked.meter_id, kOthers);
  if (!others.ok()) return others.refusal();
  for (const SwitchOperation& other : *others) {
    if (other.id >= operation.id || !other.sent_at) continue;
    frame.before_until = other.claimed_at.value_or(*other.sent_at + frame.clock_tolerance);
    break;
  }
  return frame;
}

// The far side said that it failed; the meter itself, with its own time, that it is done.
Outcome Engine::weigh_failed(const SwitchOperation& operation, const EvidenceItem& told) {
  const auto* report = std::get_if<PositionReport>(&told);
  if (report == nullptr || !report->at || !operation.sent_at) return Done{};
  const auto lines = parts_.store.audit(operation.id);
  if (!lines.ok()) return transient(lines.refusal().message);
  // Failed by another word than the far side's: it never left, or the meter or a person showed it.
  const auto ended = std::find_if(lines->rbegin(), lines->rend(), [](const storage::SwitchAuditLine& line) {
    return line.to == SwitchState::Failed && line.from != SwitchState::Failed;
  });
  if (ended == lines->rend() || ended->note.input != name_of(Input::ReportedFailed)) return Done{};
  const auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, parts_.now());
  if (!meter.ok() && meter.refusal().kind == Refusal::Kind::NotFound) return Done{};
  if (!meter.ok()) return transient(meter.refusal().message);
  if (!meter->means.reports_device_time) return Done{};
  const auto frame = frame_of(operation, told);
  if (!frame.ok()) return transient(frame.refusal().message);
  const Judged judged = judge(*frame, meter->means, told);
  if (judged.says != Judged::Says::For) return Done{};
  Change change;
  change.words = "said to have failed, and the meter " + judged.words;
  change.facts = "at=" + to_text(*report->at) + "\n" + position_fact(report->position);
  change.edit = [&](SwitchOperation& row) {
    row.rule = "POSITION";
    row.position = sdk::name_of(report->position);
  };
  return outcome_of(apply(operation, Input::ReportedDone, change));
}

// A position with the device's time often comes before the far side's own word. It is kept in the audit, where
// every gateway finds it, and weighed as soon as anything may count.
Outcome Engine::keep_early(const SwitchOperation& operation, const EvidenceItem& item) {
  const auto* report = std::get_if<PositionReport>(&item);
  if (report == nullptr || !report->at || report->position == SwitchPosition::Unknown) return Done{};
  Change change;
  change.facts = "at=" + to_text(*report->at) + "\n" + position_fact(report->position);
  change.words = "reported " + std::string(sdk::name_of(report->position)) + " as of " + to_text(*report->at) +
                 ", before the far side said what came of the command";
  const auto lines = parts_.store.audit(operation.id);
  if (!lines.ok()) return transient(lines.refusal().message);
  const bool told = std::ranges::any_of(*lines, [&](const storage::SwitchAuditLine& line) {
    return line.note.input == kEarlyReport && line.note.facts == change.facts;
  });
  if (told) return Done{};
  change.edit = [&](SwitchOperation& row) { row.position = sdk::name_of(report->position); };
  const auto noted = note(operation, kEarlyReport, change);
  if (!noted.ok()) return outcome_of(noted);
  // It may have moved on while this was written down.
  if (noted->state == SwitchState::Sent || noted->state == SwitchState::Acknowledged) return Done{};
  return weigh(*noted, item);
}

Outcome Engine::weigh_early(const SwitchOperation& operation) {
  const auto lines = parts_.store.audit(operation.id);
  if (!lines.ok()) return transient(lines.refusal().message);
  for (const storage::SwitchAuditLine& line : *lines) {
    if (line.note.input != kEarlyReport) continue;
    const auto report = report_from(line.note.facts);
    if (!report) continue;
    const auto fresh = parts_.store.get(operation.asked.utility, operation.id);
    if (!fresh.ok()) return outcome_of(fresh);
    if (Outcome weighed = weigh(*fresh, *report); !weighed.ok()) return weighed;
  }
  return Done{};
}

void Engine::read_final(const SwitchOperation& operation) {
  const SwitchId id = operation.id;
  const std::int32_t utility = operation.asked.utility;
  parts_.carrier.read_register(
      operation, [this, utility, id](Result<std::string> read) {
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
