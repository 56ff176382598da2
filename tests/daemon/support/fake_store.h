// An IngestStore in memory that answers as a test tells it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/ingest.h"

namespace ami::daemon::testing {

class FakeStore final : public storage::IngestStore {
 public:
  // Answers to come, in order; when none is left a commit is stored.
  std::deque<Result<storage::CommitCounts>> answers;
  std::function<void()> on_commit = [] {};
  std::function<std::optional<Error>(const storage::CommitUnit&)> judge;  // refuses, whatever `answers` say
  std::vector<storage::CommitUnit> tried, stored;                         // all attempts; the successful ones

  Result<storage::CommitCounts> commit(const storage::CommitUnit& unit) override;
  Result<std::vector<storage::CommitCounts>> commit_all(std::span<const storage::CommitUnit> units) override {
    together.push_back(units.size());
    return IngestStore::commit_all(units);
  }
  std::vector<std::size_t> together;  // how many units came at once, each time
  Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) override;
  Outcome save_state(const std::string& feed, const std::vector<storage::StateRow>& rows) override;
  // Of the stored units; `away` answers instead.
  Result<std::vector<UtcInstant>> receipts(std::int32_t utility, const std::string& feed,
                                           const std::string& content_sha256) override;
  std::function<std::optional<Error>()> away = [] { return std::nullopt; };
  int receipts_asked = 0;

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> state_;
};

}  // namespace ami::daemon::testing
