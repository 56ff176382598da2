#include "tests/daemon/support/fake_store.h"

#include <set>

namespace ami::daemon::testing {

Result<storage::CommitCounts> FakeStore::commit(const storage::CommitUnit& unit) {
  const std::lock_guard lock(mutex_);
  on_commit();
  tried.push_back(unit);
  if (judge) {
    if (auto refusal = judge(unit)) return *refusal;
  }
  if (!answers.empty()) {
    auto answer = std::move(answers.front());
    answers.pop_front();
    if (!answer.ok() || answer->directory_changed) return answer;
  }
  stored.push_back(unit);
  storage::CommitCounts counts;
  counts.registers = unit.batch.registers.size();
  counts.events = unit.batch.events.size();
  counts.quarantined = unit.batch.quarantined.size();
  for (const auto& run : unit.batch.intervals) counts.interval_values += run.mantissas.size();
  return counts;
}

Result<std::vector<UtcInstant>> FakeStore::receipts(std::int32_t utility, const std::string& feed,
                                                    const std::string& content_sha256) {
  const std::lock_guard lock(mutex_);
  ++receipts_asked;
  if (auto refusal = away()) return *refusal;
  std::set<UtcInstant> found;
  for (const storage::CommitUnit& unit : stored) {
    if (unit.utility == utility && unit.source.feed == feed && unit.source.content_sha256 == content_sha256)
      found.insert(unit.source.received_at);
  }
  return std::vector<UtcInstant>(found.begin(), found.end());
}

Result<std::optional<std::string>> FakeStore::load_state(const std::string& feed, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = state_.find({feed, key});
  return found == state_.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
}

Outcome FakeStore::save_state(const std::string& feed, const std::vector<storage::StateRow>& rows) {
  const std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    if (row.value) {
      state_[{feed, row.key}] = *row.value;
    } else {
      state_.erase({feed, row.key});
    }
  }
  return Done{};
}

}  // namespace ami::daemon::testing
