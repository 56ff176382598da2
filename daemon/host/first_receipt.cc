#include "daemon/host/first_receipt.h"

#include <algorithm>
#include <variant>

namespace ami::daemon {

bool dated_by_receipt(const DecodedBatch& batch) {
  return std::ranges::any_of(batch.observations, [](const Observation& observation) {
    return std::visit([](const ObservationHead& head) { return head.time_source; }, observation) ==
           TimeSource::Receipt;
  });
}

bool in_transaction(const DecodedBatch& batch) {
  return std::ranges::any_of(batch.results,
                             [](const ResultObservation& result) { return !result.transaction.empty(); });
}

UtcInstant first_receipt(std::span<const UtcInstant> known, UtcInstant received_at, bool in_transaction,
                         std::chrono::seconds window) {
  if (known.empty()) return received_at;
  if (in_transaction) return known.front();
  // What waited in the journal may be read after a later one: the fact next to it counts either way.
  const auto after = std::ranges::upper_bound(known, received_at);
  if (after != known.begin() && received_at - *std::prev(after) <= window) return *std::prev(after);
  if (after != known.end() && *after - received_at <= window) return *after;
  return received_at;
}

}  // namespace ami::daemon
