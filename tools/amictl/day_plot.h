// A day as it was explained, as one SVG: each channel's intervals as steps, estimates hatched, findings
// coloured, outages shaded, and below them the register readings with what the sum check says between each
// two. Legible on a light and on a dark page; every mark has its words as a tooltip.
#pragma once

#include <string>

#include "ami/v1/explain.pb.h"

namespace ami::amictl {

// `channel`: this one only; empty = all that have intervals.
std::string draw_day(const v1::ExplainedDay& day, const std::string& channel = {});

}  // namespace ami::amictl
