#include "meter_model/normaliser/block_end_check.h"

#include <algorithm>
#include <limits>

namespace ami {
namespace {

std::optional<Decimal> bound_of(const Decimal& first, const Decimal& second, const Decimal& one_count) {
  const Decimal last_place{1, std::max(first.exponent, second.exponent)};
  const std::optional<Decimal> twice = one_count.plus(one_count);
  return twice ? twice->plus(last_place) : std::nullopt;
}

// nullopt: the numbers are too far apart in size to be compared exactly.
std::optional<bool> agrees(const Decimal& sum, const Decimal& first, const Decimal& second,
                           const Decimal& one_count) {
  const auto difference = second.minus(first);
  const auto bound = bound_of(first, second, one_count);
  if (!difference || !bound) return std::nullopt;
  const auto above = sum.minus(*difference);
  const auto below = difference->minus(sum);
  if (!above || !below) return std::nullopt;
  return *above < *bound && *below < *bound;
}

}  // namespace

std::optional<Decimal> value_of_one_count(const Decimal& value, const Decimal& raw_count) {
  const std::optional<std::int64_t> count = raw_count.mantissa_at(0);
  if (!count || *count <= 0 || value.mantissa <= 0) return std::nullopt;
  Decimal scaled = value;
  while (scaled.mantissa % *count != 0) {
    if (scaled.mantissa > std::numeric_limits<std::int64_t>::max() / 10 || scaled.exponent <= -18)
      return std::nullopt;
    scaled.mantissa *= 10;
    --scaled.exponent;
  }
  return Decimal{scaled.mantissa / *count, scaled.exponent};
}

std::vector<std::size_t> slots_against_registers(std::span<const BlockSlot> slots,
                                                 std::chrono::seconds interval, const Decimal& one_count) {
  std::vector<std::size_t> found;
  std::optional<std::size_t> from;  // the slot of the register that opens the stretch
  std::optional<Decimal> sum;       // nullopt: not to be judged
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const BlockSlot& slot = slots[i];
    if (i > 0 && slot.end != slots[i - 1].end + interval) sum.reset();
    if (sum) sum = slot.value ? sum->plus(*slot.value) : std::nullopt;
    if (!slot.register_at_end) continue;
    if (from && sum &&
        !agrees(*sum, *slots[*from].register_at_end, *slot.register_at_end, one_count).value_or(true)) {
      for (std::size_t k = *from + 1; k <= i; ++k) found.push_back(k);
    }
    from = i;
    sum = Decimal{};
  }
  return found;
}

}  // namespace ami
