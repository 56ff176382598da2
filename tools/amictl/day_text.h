// A day as it was explained, for a person in a terminal.
#pragma once

#include <ostream>

#include "ami/v1/explain.pb.h"

namespace ami::amictl {

// `all_slots`: every interval; else only those of which there is something to say.
void print_day(std::ostream& out, const v1::ExplainedDay& day, bool all_slots);

}  // namespace ami::amictl
