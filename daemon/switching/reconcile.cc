#include "daemon/switching/reconcile.h"

#include <algorithm>
#include <utility>

#include "daemon/switching/late_evidence.h"

namespace ami::daemon::switching {
namespace {

using Kind = storage::SwitchFindingKind;

constexpr std::chrono::seconds kClockTolerance{60};
constexpr std::chrono::seconds kLookAgain{60};  // whether something is due, and after trouble
constexpr std::chrono::days kAhead{1};

storage::SwitchFinding finding_of(const Standing& standing, Kind kind) {
  storage::SwitchFinding out;
  out.meter_id = standing.meter.id;
  out.meter = standing.meter.key;
  out.usage_point = standing.meter.usage_point;
  out.kind = kind;
  if (standing.asked) {
    out.utility = standing.asked->asked.utility;
    out.intended = sdk::name_of(wanted_position(standing.asked->asked.action));
    out.intended_by = standing.asked->id;
  }
  return out;
}

void tell(storage::SwitchFinding& finding, const storage::ToldPosition& told) {
  finding.actual = told.position;
  finding.actual_source = told.source;
  finding.actual_at = told.at;
}

// Whether a switch told to be there is where that action wanted it. Who was armed may have been closed since.
bool fits(SwitchAction action, SwitchPosition told) {
  return told == wanted_position(action) || (action == SwitchAction::Arm && told == SwitchPosition::Closed);
}

void compare_position(const Standing& standing, Compared& out) {
  const SwitchOperation& asked = *standing.asked;
  if (!standing.told || standing.told->at < asked.sent_at.value_or(asked.asked.created_at) - kClockTolerance) {
    out.unknown = true;
    return;
  }
  const storage::ToldPosition& told = *standing.told;
  if (fits(asked.asked.action, position_from(told.position))) {
    out.agree.emplace_back(standing.meter.id, Kind::Position);
    return;
  }
  storage::SwitchFinding finding = finding_of(standing, Kind::Position);
  tell(finding, told);
  finding.words = "operation " + std::to_string(asked.id) + " (" +
                  std::string(storage::name_of(asked.asked.action)) + ", " +
                  std::string(storage::name_of(asked.state)) + ") meant it to be " + finding.intended +
                  "; told " + told.position + " as of " + to_text(told.at);
  out.differ.push_back(std::move(finding));
}

void compare_energy(const Standing& standing, Compared& out) {
  if (standing.asked->asked.action != SwitchAction::Open || (standing.energy_known && !standing.energy)) {
    out.agree.emplace_back(standing.meter.id, Kind::EnergyWhileOpen);
    return;
  }
  if (!standing.energy) return;
  storage::SwitchFinding finding = finding_of(standing, Kind::EnergyWhileOpen);
  finding.actual = "ENERGY";
  finding.actual_source = standing.energy->source;
  finding.actual_at = standing.energy->at;
  finding.words = "meant to be open since operation " + std::to_string(standing.asked->id) + "; " +
                  standing.energy->words;
  out.differ.push_back(std::move(finding));
}

void compare_unasked(const Standing& standing, Compared& out) {
  if (!standing.told) {
    out.unknown = true;
    return;
  }
  const SwitchPosition told = position_from(standing.told->position);
  if (told != SwitchPosition::Open && told != SwitchPosition::Armed) {
    out.agree.emplace_back(standing.meter.id, Kind::NotAsked);
    return;
  }
  storage::SwitchFinding finding = finding_of(standing, Kind::NotAsked);
  tell(finding, *standing.told);
  finding.words = "told " + standing.told->position + " as of " + to_text(standing.told->at) +
                  ", and no operation of this gateway asked for it";
  out.differ.push_back(std::move(finding));
}

}  // namespace

Compared compare(const Standing& standing) {
  Compared out;
  const MeterId meter = standing.meter.id;
  const bool gone = standing.meter.usage_point.empty() ||
                    (standing.asked && standing.asked->asked.usage_point != standing.meter.usage_point);
  if (gone) {
    for (const Kind kind : {Kind::Position, Kind::EnergyWhileOpen, Kind::NotAsked}) out.agree.emplace_back(meter, kind);
    return out;
  }
  if (!standing.asked) {
    out.agree.emplace_back(meter, Kind::Position);
    out.agree.emplace_back(meter, Kind::EnergyWhileOpen);
    compare_unasked(standing, out);
    return out;
  }
  if (storage::live(standing.asked->state)) return out;
  out.agree.emplace_back(meter, Kind::NotAsked);
  compare_position(standing, out);
  compare_energy(standing, out);
  return out;
}

std::optional<EnergySeen> energy_seen(const SwitchOperation& opened, const EvidenceMeans& means,
                                      const std::vector<EvidenceItem>& items) {
  EvidenceFrame frame;
  frame.action = SwitchAction::Open;
  frame.sent_at = opened.sent_at.value_or(opened.asked.created_at);
  frame.since = since_of(opened);
  for (const EvidenceItem& item : items) {
    Judged judged = judge(frame, means, item);
    if (judged.says != Judged::Says::Against || !judged.energy) continue;
    EnergySeen out{std::move(judged.words), "REGISTER", std::nullopt};
    if (const auto* pair = std::get_if<RegisterPair>(&item)) out.at = pair->second_at;
    if (const auto* run = std::get_if<IntervalRun>(&item)) {
      out.source = "INTERVALS";
      for (std::size_t i = 0; i < run->values_kwh.size() && !out.at; ++i) {
        const UtcInstant start = run->start + run->length * static_cast<std::int64_t>(i);
        if (start >= frame.since && run->values_kwh[i]) out.at = start;
      }
    }
    return out;
  }
  return std::nullopt;
}

Answer<bool> Reconciliation::look_for_energy(Standing& standing) {
  const SwitchOperation& asked = *standing.asked;
  const auto meter = parts_.site.meter(asked.asked.utility, asked.asked.meter, parts_.now());
  if (!meter.ok()) {
    if (meter.refusal().kind == Refusal::Kind::NotFound) return true;
    return meter.refusal();
  }
  const UtcInstant now = parts_.now(), since = energy_since(asked);
  const UtcInstant from = std::max(since, now - settings_.energy_within), until = now + kAhead;
  const auto energy = parts_.source.energy(standing.meter.id, since, from, until);
  if (!energy.ok()) return energy.refusal();
  standing.energy_known = true;
  standing.energy = energy_seen(asked, meter->means, energy_items(*energy, since, from, until));
  return true;
}

Answer<std::vector<Standing>> Reconciliation::standings(std::int32_t utility,
                                                        const std::vector<storage::SwitchMeter>& meters) {
  std::vector<MeterId> ids;
  for (const storage::SwitchMeter& meter : meters) ids.push_back(meter.id);
  const auto with_switch = parts_.with_switch(utility, ids);
  if (!with_switch.ok()) return with_switch.refusal();
  const auto asked = parts_.watch.last_asked(ids);
  if (!asked.ok()) return asked.refusal();
  const auto told = parts_.watch.newest_told(ids, parts_.now() - settings_.told_within);
  if (!told.ok()) return told.refusal();
  std::vector<Standing> out;
  for (const storage::SwitchMeter& meter : meters) {
    Standing standing;
    standing.meter = meter;
    if (const auto found = asked->find(meter.id); found != asked->end()) standing.asked = found->second;
    if (const auto found = told->find(meter.id); found != told->end()) standing.told = found->second;
    // Whoever was operated, or tells of its switch, has one.
    if (!with_switch->contains(meter.id) && !standing.asked && !standing.told) continue;
    const bool meant_open = standing.asked && standing.asked->asked.action == SwitchAction::Open &&
                            !storage::live(standing.asked->state);
    if (meant_open) {
      const auto looked = look_for_energy(standing);
      if (!looked.ok()) return looked.refusal();
    }
    out.push_back(std::move(standing));
  }
  return out;
}

Answer<bool> Reconciliation::step(Run& run) {
  const auto meters = parts_.watch.meters(run.utility, run.after, settings_.batch);
  if (!meters.ok()) return meters.refusal();
  const UtcInstant now = parts_.now();
  if (meters->empty()) {
    run.so_far.utility = run.utility;
    run.so_far.compared_at = now;
    const auto finished = parts_.findings.finished(run.so_far);
    if (!finished.ok()) return finished.refusal();
    run.so_far = *finished;
    parts_.done(run.so_far);
    return false;
  }
  const auto standings_now = standings(run.utility, *meters);
  if (!standings_now.ok()) return standings_now.refusal();
  std::vector<storage::SwitchFinding> differ;
  std::vector<storage::SwitchFindings::Agreed> agree;
  std::int64_t unknown = 0;
  for (const Standing& standing : *standings_now) {
    Compared compared = compare(standing);
    std::ranges::move(compared.differ, std::back_inserter(differ));
    std::ranges::move(compared.agree, std::back_inserter(agree));
    if (compared.unknown) ++unknown;
  }
  const auto began = parts_.findings.record(run.utility, now, differ, agree);
  if (!began.ok()) return began.refusal();
  for (const storage::SwitchFinding& finding : *began) parts_.raise(finding);
  run.so_far.compared += static_cast<std::int64_t>(standings_now->size());
  run.so_far.unknown += unknown;
  run.after = meters->back().id;
  return true;
}

// Whether a utility is due.
bool Reconciliation::begin() {
  const UtcInstant now = parts_.now();
  // A clock that stepped back must not put it off.
  if (look_again_ && now < *look_again_ && now >= *look_again_ - kLookAgain) return false;
  look_again_ = now + kLookAgain;
  const auto utilities = parts_.utilities();
  if (!utilities.ok()) {
    parts_.trouble(utilities.refusal().message);
    return false;
  }
  for (const std::int32_t utility : *utilities) {
    const auto last = parts_.findings.last(utility);
    if (!last.ok()) {
      parts_.trouble(last.refusal().message);
      return false;
    }
    // One of the future was made by a clock that was wrong.
    if (last->has_value() && (*last)->compared_at <= now && now - (*last)->compared_at < settings_.every) continue;
    run_ = Run{utility, 0, {}};
    return true;
  }
  return false;
}

void Reconciliation::tick() {
  const std::lock_guard lock(mutex_);
  if (!parts_.sends()) {
    run_.reset();
    return;
  }
  if (!run_ && !begin()) return;
  const auto more = step(*run_);
  if (!more.ok()) {
    // From the beginning, a little later: what was recorded stays.
    parts_.trouble(more.refusal().message);
    run_.reset();
    look_again_ = parts_.now() + kLookAgain;
    return;
  }
  if (*more) return;
  run_.reset();
  look_again_.reset();  // the next utility may be due
}

Answer<storage::SwitchComparison> Reconciliation::run(std::int32_t utility) {
  const std::lock_guard lock(mutex_);
  Run run{utility, 0, {}};
  while (true) {
    const auto more = step(run);
    if (!more.ok()) return more.refusal();
    if (!*more) return run.so_far;
  }
}

}  // namespace ami::daemon::switching
