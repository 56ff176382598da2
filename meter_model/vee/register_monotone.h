// Check V17: a cumulative register does not run backwards.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/reading_type.h"
#include "meter_model/time/instant.h"

namespace ami {

struct TimedRead {
  UtcInstant at{};
  Decimal value;
};

// Whether values of this type can only grow between resets: sums over time, net registers excepted.
bool only_grows(const ReadingType& type);

// Indices of the reads that are lower than the read before them. `in_time_order` is one channel's, ascending;
// reads of the same instant are versions of each other and are not compared. A dial that wraps is reported as
// well: whether a drop is a wrap can only be said with the number of dials and the greatest power at hand.
std::vector<std::size_t> backward_reads(std::span<const TimedRead> in_time_order);

}  // namespace ami
