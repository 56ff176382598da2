// Limits for a fleet of so many meters with a switch, as a first proposal to two persons. Pure.
//
// Assumed, and for the utility to settle: two switches in a thousand opened a day, three tenths of a day's in an
// hour, a tenth of it by one person. Never more than what ships (storage/schema/0027_switch_limits.sql), which is
// reached at 100,000 meters; so none of it needs to expire.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/contract/switch_limits.h"

namespace ami::daemon::switching {

// All that ship, enforced, without words and proposer. `fleet` below 1 counts as 1.
std::vector<storage::LimitChange> fleet_limits(std::int32_t utility, std::int64_t fleet);

// Meters whose loads together are 300 MW, the size above which NERC asked whether a system that can drop it is
// critical (CIP-002, Project 2012-INT-05): how many of `fleet` that is at `load_w` each, or nullopt when the
// fleet is smaller than that.
std::optional<std::int64_t> meters_of_300_mw(std::int64_t fleet, std::int64_t load_w);

}  // namespace ami::daemon::switching
