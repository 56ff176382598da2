// What values say of demand resets that succeeded, or may have. Facts only: who judges them is
// daemon/commands/reset_verdict.h. Blocking, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "storage/postgres/operations.h"

namespace ami::storage {

// A reset that is to be looked at.
struct DueCheck {
  TargetKey key;
  UtilityId utility = 0;
  std::string feed, meter;  // key of the meter
  OperationId read_after = 0;
  int priority = 0;
  std::string caller, order_id;  // of whoever asked for the reset
  UtcInstant ended_at{};
  Verification verification = Verification::None;
};

// A register value that came through the feed of the reset.
struct ResetValue {
  std::string reading_type;
  UtcInstant at{};
  Decimal value;  // in the unit of the reading type
  std::optional<UtcInstant> period_start, occurred_at;
};
struct ResetFacts {
  OperationTarget reset;
  std::optional<OperationTarget> before, after;  // the reads, when they were made
  // By time. `came_before`: with the read before, so until the reset left; `came_after`: since then. Demand
  // maxima and counts of resets only.
  std::vector<ResetValue> came_before, came_after;
};

class ResetChecks {
 public:
  explicit ResetChecks(Database& database) : database_(database) {}

  // Of these feeds, those that are due and whose read after, if there is one, has ended; at most 100. They
  // are due again a minute later unless set_read() or settle() say otherwise: of several gateways one looks.
  Answer<std::vector<DueCheck>> due(const std::vector<std::string>& feeds, UtcInstant now);
  Answer<Done> set_read(TargetKey reset, OperationId read, UtcInstant now);
  Answer<ResetFacts> facts(TargetKey reset);
  // `again`: when it is looked at next; nullopt = never. What was CONTRADICTED stays so.
  Answer<Done> settle(TargetKey reset, Verification found, const std::string& words, UtcInstant now,
                      std::optional<UtcInstant> again);

 private:
  Database& database_;
};

}  // namespace ami::storage
