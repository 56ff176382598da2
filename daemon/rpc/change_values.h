// What the readers answer now for the slots, registers and events that a page of changes names.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "daemon/rpc/call.h"
#include "storage/postgres/changes.h"

namespace ami::rpc {

struct PresentSlot {
  static constexpr std::int64_t kMissing = std::numeric_limits<std::int64_t>::min();
  std::int64_t mantissa = kMissing;
  std::int32_t exponent = 0;
  storage::QualityId quality = 0;
  storage::SourceId source = 0;  // 0 = nothing is known of the slot; below 0: an estimate
};

class PresentValues {
 public:
  // Consecutive slots from `first` on, as many as asked for.
  [[nodiscard]] std::vector<PresentSlot> slots(storage::ChannelId channel, UtcInstant first,
                                               std::chrono::seconds length, std::size_t count) const;
  // The same in layer BEST; asked only of what a change of kind ESTIMATED names.
  [[nodiscard]] std::vector<PresentSlot> estimates(storage::ChannelId channel, UtcInstant first,
                                                   std::chrono::seconds length, std::size_t count) const;
  // Starts of the known intervals of that length that begin in the period.
  [[nodiscard]] std::vector<UtcInstant> starts(storage::ChannelId channel, std::chrono::seconds length,
                                               const storage::Period& period) const;
  [[nodiscard]] std::vector<const storage::RegisterRow*> registers(storage::ChannelId channel,
                                                                   const storage::Period& period) const;
  // With an id the event of that number; without (0) the meter's events in the period.
  [[nodiscard]] std::vector<const storage::EventRow*> events(MeterId meter, std::int64_t id,
                                                             const storage::Period& period) const;

  void add(storage::IntervalPage page);
  void add_estimates(storage::IntervalPage page);  // of layer BEST
  void add(storage::RegisterPage page);
  void add(storage::EventRow row);

  [[nodiscard]] const storage::Dictionary& names() const { return names_; }
  [[nodiscard]] std::vector<storage::UsagePointId> usage_points() const;  // of registers and events

 private:
  using Blocks = std::map<storage::ChannelId, std::vector<storage::IntervalBlock>>;
  void learn(storage::Dictionary dictionary);
  static std::vector<PresentSlot> slots_of(const Blocks& known, storage::ChannelId channel, UtcInstant first,
                                           std::chrono::seconds length, std::size_t count);

  Blocks blocks_, best_;
  std::map<std::pair<storage::ChannelId, UtcInstant>, storage::RegisterRow> registers_;
  std::map<std::pair<MeterId, std::int64_t>, storage::EventRow> events_;
  storage::Dictionary names_;
};

// The times that a change is about: its day, its interval, or its instant.
storage::Period period_of(const storage::ChangeRow& row);

// Read after the changes themselves, so a value is at least as new as its change.
PresentValues read_present(const Call& call, const storage::Utility& utility,
                           const std::vector<storage::ChangeRow>& rows);

}  // namespace ami::rpc
