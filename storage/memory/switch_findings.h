// Findings of the daily comparison in memory, for tests. Thread-safe.
#pragma once

#include <map>
#include <mutex>

#include "storage/contract/switch_findings.h"

namespace ami::storage {

class MemorySwitchFindings final : public SwitchFindings {
 public:
  Answer<std::vector<SwitchFinding>> record(std::int32_t utility, UtcInstant at,
                                            const std::vector<SwitchFinding>& differ,
                                            const std::vector<Agreed>& agree) override;
  Answer<SwitchComparison> finished(const SwitchComparison& comparison) override;
  Answer<std::optional<SwitchComparison>> last(std::int32_t utility) override;
  Answer<std::vector<SwitchFinding>> list(const SwitchFindingQuery& query) override;

 private:
  SwitchFinding* open_one(std::int32_t utility, MeterId meter, SwitchFindingKind kind);
  [[nodiscard]] std::int64_t open_count(std::int32_t utility) const;

  std::mutex mutex_;
  std::map<std::int64_t, SwitchFinding> rows_;
  std::map<std::int32_t, SwitchComparison> last_;
};

}  // namespace ami::storage
