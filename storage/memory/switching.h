// The book of switch operations in memory, for tests. Nothing survives the process. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "storage/contract/switching.h"

namespace ami::storage {

class MemorySwitching final : public SwitchStore {
 public:
  using Clock = std::function<UtcInstant()>;  // of leases; called under the lock
  explicit MemorySwitching(Clock now) : now_(std::move(now)) {}

  Answer<Created> create(const SwitchAsked& asked, const SwitchNote& note) override;
  Answer<Done> move(const SwitchOperation& next, const SwitchNote& note,
                    const std::optional<SwitchLease>& lease = {}) override;
  Answer<SwitchOperation> get(std::int32_t utility, SwitchId id) override;
  Answer<std::optional<SwitchOperation>> by_transaction(const std::string& transaction) override;
  Answer<std::vector<SwitchOperation>> open_books() override;
  Answer<std::vector<SwitchOperation>> of_meter(MeterId meter, std::size_t limit) override;
  Answer<std::vector<SwitchAuditLine>> audit(SwitchId id) override;
  Answer<std::vector<SwitchOutboxLine>> outbox(std::int64_t after, std::size_t limit) override;
  Answer<std::optional<SwitchLease>> take_lease(const std::string& holder,
                                                std::chrono::milliseconds span) override;

 private:
  void write(const SwitchOperation& now, std::optional<SwitchState> from, const SwitchNote& note);
  [[nodiscard]] std::optional<Refusal> in_the_way(const SwitchOperation& next) const;

  std::mutex mutex_;
  Clock now_;
  std::map<SwitchId, SwitchOperation> rows_;
  std::vector<SwitchAuditLine> audit_;
  std::vector<SwitchOutboxLine> outbox_;
  SwitchLease lease_;
  UtcInstant lease_until_ = UtcInstant::min();
};

}  // namespace ami::storage
