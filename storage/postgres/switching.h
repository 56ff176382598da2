// The book of switch operations in PostgreSQL. Its connections are of a login in role ami_switch, which
// writes these tables and no others, and can change no line of the audit.
#pragma once

#include <string>
#include <vector>

#include "storage/contract/switching.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSwitching final : public SwitchStore {
 public:
  explicit PostgresSwitching(Database& database) : database_(database) {}

  Answer<Created> create(const SwitchAsked& asked, const SwitchNote& note) override;
  Answer<Done> move(const SwitchOperation& next, const SwitchNote& note,
                    const std::optional<SwitchLease>& lease = {}) override;
  Answer<SwitchOperation> get(std::int32_t utility, SwitchId id) override;
  Answer<std::optional<SwitchOperation>> by_transaction(const std::string& transaction) override;
  Answer<std::vector<SwitchOperation>> open_books() override;
  Answer<std::vector<SwitchOperation>> of_meter(MeterId meter, std::size_t limit) override;
  Answer<std::vector<SwitchOperation>> list(const SwitchQuery& query) override;
  Answer<std::vector<SwitchAuditLine>> audit(SwitchId id) override;
  Answer<Done> refused(const SwitchRefusal& refusal) override;
  Answer<std::vector<SwitchRefusal>> refusals(std::int32_t utility, std::size_t limit) override;
  Answer<std::vector<SwitchOutboxLine>> outbox(std::int64_t after, std::size_t limit) override;
  Answer<std::optional<SwitchLease>> take_lease(const std::string& holder,
                                                std::chrono::milliseconds span) override;

 private:
  Database& database_;
};

}  // namespace ami::storage
