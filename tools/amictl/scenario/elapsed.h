// True time since the start of a run or of one of its segments.
#pragma once

#include <chrono>
#include <string>

namespace ami::amictl {

using Elapsed = std::chrono::microseconds;

// "1800", "0.25".
std::string seconds_text(Elapsed time);

}  // namespace ami::amictl
