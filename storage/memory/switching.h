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

  // Asked, under the lock, of every change to SENT; what it refuses is not stored.
  using SentGate = std::function<std::optional<Refusal>(const SwitchOperation&)>;
  void before_sent(SentGate gate) {
    const std::lock_guard lock(mutex_);
    gate_ = std::move(gate);
  }
  // Runs `work` while nothing of the book changes.
  template <class Work>
  auto locked(Work&& work) {
    const std::lock_guard lock(mutex_);
    return work();
  }

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
  void write(const SwitchOperation& now, std::optional<SwitchState> from, const SwitchNote& note);
  [[nodiscard]] std::optional<Refusal> in_the_way(const SwitchOperation& next) const;

  std::mutex mutex_;
  Clock now_;
  SentGate gate_;
  std::map<SwitchId, SwitchOperation> rows_;
  std::vector<SwitchAuditLine> audit_;
  std::vector<SwitchOutboxLine> outbox_;
  std::vector<SwitchRefusal> refusals_;
  SwitchLease lease_;
  UtcInstant lease_until_ = UtcInstant::min();
};

}  // namespace ami::storage
