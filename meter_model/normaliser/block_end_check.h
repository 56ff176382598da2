// Cross-check of interval values against the registers that a vendor sends at block ends.
//
// Recorder and register count the same pulses but are separate readings of them. At each of the two ends the
// register as printed is cut to its last place r (the two errors differ by less than r), and it may include
// or lack the one pulse that the recorder books on the other side of the boundary (at most one count q either
// way, so 2q over two ends). Without a fault therefore |sum - difference| < 2q + r. The values of a published
// UtilityIQ export (q = 0.0005 kWh, r = 0.0001 kWh) differ by up to 0.0009 kWh, inside the bound of 0.0011.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"

namespace ami {

struct BlockSlot {
  UtcInstant end{};
  std::optional<Decimal> value;            // vendor's unit, before any constant; nullopt = missing
  std::optional<Decimal> register_at_end;  // vendor's unit
};

// Energy of one count: value / raw_count when that is exact.
std::optional<Decimal> value_of_one_count(const Decimal& value, const Decimal& raw_count);

// Indices of slots in stretches whose sum disagrees with their registers. `slots` ascends in time. A stretch
// with a missing value, a gap or two values for one slot cannot be judged and is left alone.
std::vector<std::size_t> slots_against_registers(std::span<const BlockSlot> slots,
                                                 std::chrono::seconds interval, const Decimal& one_count);

}  // namespace ami
