// The store in memory: the same contract as the PostgreSQL one, told a second time as plainly as possible.
// Tests of adapters and of the pipeline run on it without a database, and the PostgreSQL store is compared
// with it. Nothing survives the process. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "meter_model/quantity/event_facts.h"
#include "storage/ingest.h"
#include "storage/memory/memory_tables.h"

namespace ami::storage {

class MemoryStore final : public IngestStore {
 public:
  using Clock = std::function<UtcInstant()>;  // for source.stored_at; called under the store's lock

  // `facts`: which events tell one fact; empty = each its own.
  explicit MemoryStore(Clock now, EventFacts facts = {});

  // Asset data, as far as a commit is checked against it. Each raises the directory's version.
  void add_utility(std::int32_t utility);
  void add_meter(std::int32_t utility, MeterId meter);
  // As if names of meters had changed: units that were resolved before are refused as directory_changed.
  void touch_directory();
  void reject(std::int64_t quarantine_id);  // a person's decision: it stays rejected when seen again

  Result<CommitCounts> commit(const CommitUnit& unit) override;  // Permanent or stored; never Transient
  Result<std::vector<UtcInstant>> receipts(std::int32_t utility, const std::string& feed,
                                           const std::string& content_sha256) override;
  Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) override;
  Outcome save_state(const std::string& feed, const std::vector<StateRow>& rows) override;

  [[nodiscard]] MemoryTables tables() const;  // a copy

 private:
  mutable std::mutex mutex_;
  Clock now_;
  const EventFacts facts_;
  MemoryTables tables_;
};

}  // namespace ami::storage
