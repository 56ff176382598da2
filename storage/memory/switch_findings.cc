#include "storage/memory/switch_findings.h"

#include <algorithm>

namespace ami::storage {

SwitchFinding* MemorySwitchFindings::open_one(std::int32_t utility, MeterId meter, SwitchFindingKind kind) {
  const auto found = std::ranges::find_if(rows_, [&](const auto& row) {
    return row.second.utility == utility && row.second.meter_id == meter && row.second.kind == kind &&
           !row.second.ended_at;
  });
  return found == rows_.end() ? nullptr : &found->second;
}

std::int64_t MemorySwitchFindings::open_count(std::int32_t utility) const {
  return std::ranges::count_if(
      rows_, [&](const auto& row) { return row.second.utility == utility && !row.second.ended_at; });
}

Answer<std::vector<SwitchFinding>> MemorySwitchFindings::record(std::int32_t utility, UtcInstant at,
                                                                const std::vector<SwitchFinding>& differ,
                                                                const std::vector<Agreed>& agree) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchFinding> began;
  for (const auto& [meter, kind] : agree) {
    SwitchFinding* const open = open_one(utility, meter, kind);
    if (open != nullptr) open->ended_at = at;
  }
  for (SwitchFinding finding : differ) {
    finding.utility = utility;
    finding.last_seen = at;
    finding.ended_at.reset();
    if (SwitchFinding* const open = open_one(utility, finding.meter_id, finding.kind)) {
      finding.id = open->id;
      finding.first_seen = open->first_seen;
      *open = finding;
      continue;
    }
    finding.id = rows_.empty() ? 1 : rows_.rbegin()->first + 1;
    finding.first_seen = at;
    rows_[finding.id] = finding;
    began.push_back(finding);
  }
  return began;
}

Answer<SwitchComparison> MemorySwitchFindings::finished(const SwitchComparison& comparison) {
  const std::lock_guard lock(mutex_);
  SwitchComparison out = comparison;
  out.differences = open_count(comparison.utility);
  last_[comparison.utility] = out;
  return out;
}

Answer<std::optional<SwitchComparison>> MemorySwitchFindings::last(std::int32_t utility) {
  const std::lock_guard lock(mutex_);
  const auto found = last_.find(utility);
  if (found == last_.end()) return std::optional<SwitchComparison>{};
  SwitchComparison out = found->second;
  out.differences = open_count(utility);
  return std::optional{out};
}

Answer<std::vector<SwitchFinding>> MemorySwitchFindings::list(const SwitchFindingQuery& query) {
  const std::lock_guard lock(mutex_);
  std::vector<SwitchFinding> out;
  for (auto row = rows_.rbegin(); row != rows_.rend() && out.size() < query.limit; ++row) {
    const SwitchFinding& finding = row->second;
    if (finding.utility != query.utility || (query.open_only && finding.ended_at)) continue;
    if (query.before == 0 || finding.id < query.before) out.push_back(finding);
  }
  return out;
}

}  // namespace ami::storage
