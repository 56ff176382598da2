#include "daemon/regime/standings.h"

#include <algorithm>
#include <set>

namespace ami::regime {
namespace {

constexpr const char* kAcross = "the interval lies across a change of what is fitted in the meter";

// The last of those that began by then; the first one begins with time itself.
template <class List>
const auto& last_begun(const List& list, UtcInstant when) {
  const auto next = std::ranges::upper_bound(list, when, {}, [](const auto& one) { return one.from; });
  return *std::prev(next);
}

// Where a yes stands: the quantity's place and the module's. Else the first place that decides.
std::string clause_of(const approval::QuantityVerdict& verdict) {
  std::string out;
  if (verdict.status == approval::TypeApproval::Approved) {
    for (const auto of : {approval::Aspect::Of::Quantity, approval::Aspect::Of::Module}) {
      const approval::Aspect* aspect = verdict.aspect(of);
      if (aspect == nullptr || aspect->grounds.clauses.empty()) continue;
      out += (out.empty() ? "" : "; ") + aspect->grounds.clauses.front().section;
    }
  } else if (verdict.status != approval::TypeApproval::Unknown && !verdict.grounds.clauses.empty()) {
    out = verdict.grounds.clauses.front().section;
  }
  return out;
}

std::string question_of(const approval::Device& device, const std::string& board,
                        const std::string& reading_type, approval::Provenance provenance,
                        std::size_t stretch) {
  std::string text;
  for (const std::string* part :
       {&device.model, &device.form, &device.firmware, &device.module, &board, &reading_type}) {
    text.append(*part).push_back('\x1f');
  }
  text.append(device.elements ? device.elements->to_string() : "").push_back('\x1f');
  text.append(device.wires ? std::to_string(*device.wires) : "").push_back('\x1f');
  text.append(device.class_a ? device.class_a->to_string() : "").push_back('\x1f');
  text.append(std::to_string(static_cast<int>(provenance))).push_back('\x1f');
  return text.append(std::to_string(stretch));
}

}  // namespace

Standings::Standings(Regime regime) : regime_(std::move(regime)) {
  stretches_.push_back({UtcInstant::min(), {}});
  if (regime_.notice() == nullptr) {
    always_.emplace();
    if (!regime_.bound()) return;
    always_->status = approval::TypeApproval::Unknown;
    always_->notice = regime_.notice_name();
    always_->reason = "notice " + regime_.notice_name() + " is not among the notices of this gateway";
    return;
  }
  std::set<std::chrono::sys_days> starts;
  for (const approval::Revision& revision : regime_.notice()->revisions) {
    starts.insert(std::chrono::sys_days{revision.effective});
  }
  if (!starts.empty()) stretches_.front().day = approval::Date{*starts.begin() - std::chrono::days{1}};
  for (const std::chrono::sys_days start : starts) {
    const approval::Date day{start};
    stretches_.push_back({regime_.zone().civil_day(day).start, day});
  }
}

void Standings::add(std::map<MeterId, storage::MeterFacts> facts) {
  for (auto& [meter, of_meter] : facts) {
    if (!meters_.contains(meter)) meters_.emplace(meter, make_state(std::move(of_meter)));
  }
}

Standings::MeterState Standings::make_state(storage::MeterFacts facts) const {
  MeterState state;
  const std::vector<UtcInstant> turns = verification_changes(regime_, facts);
  if (!turns.empty()) {
    // Before the first turn nothing counts yet.
    const UtcInstant before = turns.front() - std::chrono::seconds{1};
    state.verification.push_back({UtcInstant::min(), verification_at(regime_, facts, before).status});
    for (const UtcInstant turn : turns) {
      const auto status = verification_at(regime_, facts, turn).status;
      if (status != state.verification.back().status) state.verification.push_back({turn, status});
    }
  }
  std::set<UtcInstant> changes;
  for (const Since& since : state.verification) changes.insert(since.from);
  if (regime_.notice() != nullptr) {
    for (const storage::MeterDetail& detail : facts.details) {
      changes.insert({detail.valid.from, detail.valid.to, detail.firmware_at.value_or(detail.valid.from)});
    }
    for (const storage::FittedModule& module : facts.modules) {
      changes.insert({module.valid.from, module.valid.to});
    }
    for (const Stretch& stretch : stretches_) changes.insert(stretch.from);
  }
  state.changes.assign(changes.begin(), changes.end());
  state.facts = std::move(facts);
  return state;
}

Standing Standings::at(MeterId meter, const std::string& reading_type, Formed formed, UtcInstant when) {
  const auto found = meters_.find(meter);
  const MeterState& state = found == meters_.end() ? nothing_ : found->second;
  Standing standing;
  standing.judged = &judge(state, reading_type, formed, when);
  if (!state.verification.empty()) standing.verification = last_begun(state.verification, when).status;
  return standing;
}

const Judged& Standings::judge(const MeterState& state, const std::string& reading_type, Formed formed,
                               UtcInstant when) {
  if (always_) return *always_;
  const approval::Device device = device_at(state.facts, when);
  const storage::FittedModule* const module = module_then(state.facts, when);
  const std::string board = module == nullptr ? std::string() : module->board;
  approval::Provenance provenance = approval::Provenance::Processed;
  if (formed == Formed::Register) provenance = approval::Provenance::SourceRegister;
  if (formed == Formed::Interval) provenance = recorder_of(device.model);
  const Stretch& stretch = last_begun(stretches_, when);
  const auto [entry, is_new] = by_question_.try_emplace(question_of(
      device, board, reading_type, provenance, static_cast<std::size_t>(&stretch - stretches_.data())));
  Judged& judged = entry->second;
  if (!is_new) return judged;

  judged.notice = regime_.notice_name();
  storage::Fitted fitted;
  if (const storage::MeterDetail* detail = detail_then(state.facts, when)) fitted.detail = *detail;
  if (module != nullptr) fitted.module = *module;
  judged.nonconforming = conformity_of(regime_, fitted, when).state == Conformity::State::Nonconforming;
  const Result<ReadingType> type = ReadingType::parse(reading_type);
  if (!type.ok()) {
    judged.status = approval::TypeApproval::Unknown;
    judged.reason = type.error().message;
    return judged;
  }
  const approval::QuantityVerdict verdict =
      approval::type_approval(regime_.notice(), device, *type, provenance, stretch.day);
  judged.status = verdict.status;
  judged.revision = verdict.revision;
  if (verdict.status != approval::TypeApproval::Approved) judged.reason = verdict.reason;
  judged.clause = clause_of(verdict);
  if (const auto* tier = verdict.aspect(approval::Aspect::Of::TouAssignment))
    judged.tou_assignment = tier->status;
  return judged;
}

// Verdicts that no question leads to are kept under their own words.
const Judged& Standings::kept(Judged judged) {
  std::string words = "\x1e" + std::to_string(static_cast<int>(judged.status)) + judged.notice + "\x1e" +
                      judged.revision + "\x1e" + judged.reason + (judged.nonconforming ? "\x1e" : "");
  return by_question_.try_emplace(std::move(words), std::move(judged)).first->second;
}

std::vector<StandingPiece> Standings::pieces(MeterId meter, const std::string& reading_type, Formed formed,
                                             const storage::Period& period) {
  std::vector<StandingPiece> out;
  const auto add = [&](UtcInstant from) {
    const Standing standing = at(meter, reading_type, formed, from);
    if (!out.empty() && out.back().standing == standing) return;
    if (!out.empty()) out.back().period.to = from;
    out.push_back({{from, period.to}, standing});
  };
  add(period.from);
  const auto found = meters_.find(meter);
  if (found == meters_.end()) return out;
  const std::vector<UtcInstant>& changes = found->second.changes;
  for (auto change = std::ranges::upper_bound(changes, period.from);
       change != changes.end() && *change < period.to; ++change) {
    add(*change);
  }
  return out;
}

Standing Standings::across(const Standing& before, const Standing& after) {
  Standing out = after;
  if (before.verification != after.verification) out.verification = approval::Verification::Unknown;
  if (*before.judged == *after.judged) return out;
  Judged judged;
  judged.status = approval::TypeApproval::Unknown;
  judged.notice = after.judged->notice;
  judged.revision = after.judged->revision;
  judged.reason = kAcross;
  judged.nonconforming = before.judged->nonconforming || after.judged->nonconforming;
  out.judged = &kept(std::move(judged));
  return out;
}

}  // namespace ami::regime
