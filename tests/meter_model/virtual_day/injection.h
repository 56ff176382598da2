// Faults on meters on which they show.
#pragma once

#include <random>

#include "tests/meter_model/virtual_day/course.h"

namespace ami::virtual_day {

// A meter on which the fault shows as its row of fault.cc says, and the fault.
Script injected(virtual_meter::FaultKind kind, std::mt19937_64& random);

}  // namespace ami::virtual_day
