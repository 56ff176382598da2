// Sharing out a whole number by weights, so that the parts add up to it exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ami::vee {

// Largest remainder, ties to the earliest: 10 over 1,1,1 is 4,3,3. A weight below zero counts as zero; where
// all are zero they count as equal. Empty when there are no weights. total at least zero.
std::vector<std::int64_t> allocate(std::int64_t total, std::span<const std::int64_t> weights);

}  // namespace ami::vee
