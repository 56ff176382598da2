// Safety holds in memory, beside a book of operations in memory, for tests. Thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/contract/safety_holds.h"
#include "storage/memory/switching.h"

namespace ami::storage {

// The book looks here before it stores SENT. Both outlive their use of each other.
class MemorySafetyHolds final : public SafetyHolds {
 public:
  MemorySafetyHolds(MemorySwitching& book, MemorySwitching::Clock now);

  // Asset data: where a meter is.
  void place(std::int32_t utility, MeterId meter, HoldPlaces places);

  Answer<SafetyHold> set(const HoldRequest& request) override;
  Answer<SafetyHold> lift(std::int32_t utility, HoldId id, const std::string& actor, const std::string& role,
                          const std::string& reason) override;
  Answer<HoldsFound> at(std::int32_t utility, const HoldPlaces& places) override;
  Answer<std::vector<SafetyHold>> list(std::int32_t utility, bool in_force_only, HoldId before,
                                       std::size_t limit) override;

 private:
  [[nodiscard]] bool in_force(const SafetyHold& hold) const;
  [[nodiscard]] bool known(const HoldRequest& request) const;
  [[nodiscard]] HoldsFound found(std::int32_t utility, const HoldPlaces& places) const;
  [[nodiscard]] std::optional<Refusal> in_the_way(const SwitchOperation& next) const;

  MemorySwitching& book_;  // its lock guards what follows
  MemorySwitching::Clock now_;
  std::map<std::pair<std::int32_t, MeterId>, HoldPlaces> places_;
  std::map<HoldId, SafetyHold> holds_;
};

}  // namespace ami::storage
