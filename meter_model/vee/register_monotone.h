// Which values check V17 (a cumulative register does not run backwards) is about.
#pragma once

#include "meter_model/quantity/reading_type.h"

namespace ami {

// Whether values of this type can only grow between resets: sums over time, net registers excepted.
bool only_grows(const ReadingType& type);

}  // namespace ami
