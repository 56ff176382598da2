#include "meter_model/vee/allocation.h"

#include <algorithm>
#include <numeric>

#include "meter_model/vee/exact.h"

namespace ami::vee {

std::vector<std::int64_t> allocate(std::int64_t total, std::span<const std::int64_t> weights) {
  std::vector<std::int64_t> parts(weights.size());
  if (weights.empty()) return parts;
  Wide all = 0;
  for (const std::int64_t weight : weights) all += std::max<std::int64_t>(weight, 0);
  const bool equal = all == 0;
  if (equal) all = static_cast<Wide>(weights.size());
  std::vector<Wide> remainders(weights.size());
  std::int64_t left = total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Wide share = Wide{total} * (equal ? 1 : std::max<std::int64_t>(weights[i], 0));
    parts[i] = static_cast<std::int64_t>(share / all);
    remainders[i] = share % all;
    left -= parts[i];
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; i < static_cast<std::size_t>(left); ++i) ++parts[order[i]];
  return parts;
}

}  // namespace ami::vee
