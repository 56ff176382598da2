// Findings of the daily comparison of switches in PostgreSQL, by a login of role ami_switch.
#pragma once

#include "storage/contract/switch_findings.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSwitchFindings final : public SwitchFindings {
 public:
  explicit PostgresSwitchFindings(Database& database) : database_(database) {}
  Answer<std::vector<SwitchFinding>> record(std::int32_t utility, UtcInstant at,
                                            const std::vector<SwitchFinding>& differ,
                                            const std::vector<Agreed>& agree) override;
  Answer<SwitchComparison> finished(const SwitchComparison& comparison) override;
  Answer<std::optional<SwitchComparison>> last(std::int32_t utility) override;
  Answer<std::vector<SwitchFinding>> list(const SwitchFindingQuery& query) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
