#include "daemon/host/simulated_time.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace ami::daemon {
namespace {

constexpr double kFastest = 100'000;

}  // namespace

UtcInstant SimulatedTime::at(UtcInstant machine) const {
  if (machine <= began) return std::min(start, machine);
  const std::chrono::duration<double, UtcInstant::period> passed = machine - began;
  const double most = static_cast<double>((machine - std::min(start, machine)).count());
  const double simulated = std::min(passed.count() * factor, most);
  return std::min(start, machine) + UtcInstant::duration{static_cast<UtcInstant::rep>(simulated)};
}

Result<SimulatedTime> parse_simulated_time(const std::string& text) {
  const std::size_t first = text.find(','), last = text.rfind(',');
  if (first == std::string::npos || first == last) return permanent("three parts with commas: START,FACTOR,BEGAN");
  const auto start = parse_instant(text.substr(0, first)), began = parse_instant(text.substr(last + 1));
  if (!start || !began) return permanent("START and BEGAN are instants as 2026-10-25T01:00:00Z");
  SimulatedTime out{*start, *began, 0};
  const char* const end = text.data() + last;
  const auto [at, error] = std::from_chars(text.data() + first + 1, end, out.factor);
  if (error != std::errc{} || at != end || !(out.factor >= 1) || out.factor > kFastest)
    return permanent("FACTOR is a number from 1 to 100000");
  return out;
}

}  // namespace ami::daemon
