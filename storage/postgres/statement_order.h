// Inside the store only: which of two statements about the same thing counts. Ingest and the readers of
// history both decide by this; intervals go through SlotRow (interval_merge.h). See the comment on rank in
// storage/schema/0003_readings.sql.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "meter_model/normaliser/reading.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {

// One thing said about a register at an instant.
struct RegisterStatement {
  Decimal value;
  std::int64_t source = 0;
  std::int32_t quality = 0;
  std::optional<UtcInstant> period_start, occurred_at;
  std::int16_t time_source = 0;
};

// Greater = ranks higher. Equal = the same statement, whatever its source.
[[nodiscard]] std::strong_ordering compare(const RegisterStatement& a, const RegisterStatement& b,
                                           const Provenance& provenance);

// By content: codes, then the vendor's flag.
[[nodiscard]] std::strong_ordering compare(const ValueQuality& a, const ValueQuality& b);

}  // namespace ami::storage
