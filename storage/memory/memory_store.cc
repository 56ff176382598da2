#include "storage/memory/memory_store.h"

#include "storage/memory/storable.h"
#include "storage/memory/unit_writer.h"

namespace ami::storage {

MemoryStore::MemoryStore(Clock now, EventFacts facts) : now_(std::move(now)), facts_(std::move(facts)) {}

void MemoryStore::add_utility(std::int32_t utility) {
  const std::lock_guard lock(mutex_);
  tables_.utilities.insert(utility);
  ++tables_.directory_version;
}

void MemoryStore::add_meter(std::int32_t utility, MeterId meter) {
  const std::lock_guard lock(mutex_);
  tables_.meters[meter] = utility;
  ++tables_.directory_version;
}

void MemoryStore::touch_directory() {
  const std::lock_guard lock(mutex_);
  ++tables_.directory_version;
}

void MemoryStore::reject(std::int64_t quarantine_id) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, row] : tables_.quarantine) {
    if (row.quarantine_id == quarantine_id) row.state = MemoryQuarantine::State::Rejected;
  }
}

Result<CommitCounts> MemoryStore::commit(const CommitUnit& unit) {
  const auto checked = storable(unit);
  if (!checked.ok()) return checked.error();
  const std::lock_guard lock(mutex_);
  if (unit.directory_version != tables_.directory_version) {
    CommitCounts counts;
    counts.directory_changed = true;
    return counts;
  }
  UnitWriter writer(tables_, *checked, facts_, now_());
  if (const std::string why = writer.refusal(); !why.empty()) return permanent(why);
  return writer.write();
}

Result<std::vector<UtcInstant>> MemoryStore::receipts(std::int32_t utility, const std::string& feed,
                                                      const std::string& content_sha256) {
  const std::lock_guard lock(mutex_);
  std::set<UtcInstant> found;
  for (const auto& [key, source] : tables_.sources) {
    if (key.utility == utility && key.feed == printable(feed) &&
        key.content_sha256 == printable(content_sha256))
      found.insert(source.received_at);
  }
  return std::vector<UtcInstant>(found.begin(), found.end());
}

Result<std::optional<std::string>> MemoryStore::load_state(const std::string& feed, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.state.find({printable(feed), key});
  if (found == tables_.state.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

Outcome MemoryStore::save_state(const std::string& feed, const std::vector<StateRow>& rows) {
  const std::lock_guard lock(mutex_);
  write_state(tables_, feed, rows);
  return Done{};
}

MemoryTables MemoryStore::tables() const {
  const std::lock_guard lock(mutex_);
  return tables_;
}

}  // namespace ami::storage
