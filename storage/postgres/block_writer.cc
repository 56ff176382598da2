#include "storage/postgres/block_writer.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace ami::storage {
namespace {

constexpr std::int64_t kMissing = IntervalBlock::kMissing;
static_assert(kMissing == SlotRow::kHole);

constexpr auto kPowers = [] {
  std::array<std::int64_t, 19> out{1};
  for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] * 10;
  return out;
}();

// 10^places when every magnitude up to `largest` can take it; else 0.
std::int64_t factor_for(std::int32_t places, std::int64_t largest) {
  if (places < 0 || places >= static_cast<std::int32_t>(kPowers.size())) return largest == 0 ? 1 : 0;
  const std::int64_t factor = kPowers[static_cast<std::size_t>(places)];
  return largest <= std::numeric_limits<std::int64_t>::max() / factor ? factor : 0;
}

std::int64_t largest_of(const std::vector<std::int64_t>& mantissas) {
  std::int64_t largest = 0;
  for (const std::int64_t m : mantissas) {
    if (m != kMissing) largest = std::max(largest, m < 0 ? -m : m);
  }
  return largest;
}

void scale(std::vector<std::int64_t>& mantissas, std::int64_t factor) {
  if (factor == 1) return;
  for (std::int64_t& m : mantissas) {
    if (m != kMissing) m *= factor;
  }
}

template <class T>
void check_runs(const std::vector<T>& runs, std::size_t slots) {
  std::size_t covered = 0;
  for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
    if (runs[i] <= 0 || static_cast<std::size_t>(runs[i]) > slots - covered)
      throw std::runtime_error("stored run lengths do not fit the day");
    covered += static_cast<std::size_t>(runs[i]);
  }
  if (covered != slots) throw std::runtime_error("stored run lengths do not cover the day");
}

// Calls use(count, id) for the parts of the runs that lie in [first, last).
template <class T, class Use>
void cut_runs(const std::vector<T>& runs, std::size_t first, std::size_t last, Use use) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 1 < runs.size() && begin < last; i += 2) {
    const std::size_t end = begin + static_cast<std::size_t>(runs[i]);
    const std::size_t from = std::max(begin, first), to = std::min(end, last);
    if (from < to) use(to - from, runs[i + 1]);
    begin = end;
  }
}

template <class Run, class Id>
void add_run(std::vector<Run>& runs, std::size_t count, Id Run::*id, Id value) {
  if (!runs.empty() && runs.back().*id == value) {
    runs.back().count += static_cast<std::uint32_t>(count);
  } else {
    runs.push_back({static_cast<std::uint32_t>(count), value});
  }
}

// The slots of the row that lie wholly in the period and are known, as [first, last).
std::pair<std::size_t, std::size_t> known_slots(const IntervalRow& row, const Period& period) {
  const auto slots = static_cast<std::int64_t>(row.slots());
  const std::chrono::microseconds length = row.length;
  const UtcInstant end = row.start + slots * length;
  // An open period reaches beyond what can be subtracted.
  const auto late = std::clamp(period.from, row.start, end) - row.start;
  const auto room = std::clamp(period.to, row.start, end) - row.start;
  const std::int64_t first = (late + length - std::chrono::microseconds{1}) / length, last = room / length;
  std::int64_t known_first = slots, known_last = 0, begin = 0;
  const auto& runs = row.stored.source_runs;
  for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
    const std::int64_t from = std::max(begin, first), to = std::min(begin + runs[i], last);
    if (runs[i + 1] != 0 && from < to) {
      known_first = std::min(known_first, from);
      known_last = to;
    }
    begin += runs[i];
  }
  if (known_first >= known_last) return {0, 0};
  return {static_cast<std::size_t>(known_first), static_cast<std::size_t>(known_last)};
}

}  // namespace

void BlockWriter::start_block(const IntervalRow& row, std::size_t span, std::size_t first,
                              std::int32_t exponent) {
  IntervalBlock& block = out_.emplace_back();
  block.span = span;
  block.channel = row.channel;
  block.meter = row.meter;
  block.first_start = row.start + static_cast<std::int64_t>(first) * row.length;
  block.length = row.length;
  block.exponent = exponent;
  block.grid = row.grid;
  open_ = true;
  has_value_ = false;
  largest_ = 0;
}

// Brings block and part_ to one exponent where 64 bits allow.
bool BlockWriter::join(IntervalBlock& block, std::int32_t exponent) {
  const std::int64_t largest = largest_of(part_);
  const bool part_has_value = std::any_of(part_.begin(), part_.end(), [](auto m) { return m != kMissing; });
  if (part_has_value && !has_value_) {
    block.exponent = exponent;
  } else if (part_has_value && exponent > block.exponent) {
    const std::int64_t factor = factor_for(exponent - block.exponent, largest);
    if (factor == 0) return false;
    scale(part_, factor);
    largest_ = std::max(largest_, largest * factor);
  } else if (part_has_value && exponent < block.exponent) {
    const std::int64_t factor = factor_for(block.exponent - exponent, largest_);
    if (factor == 0) return false;
    scale(block.mantissas, factor);
    largest_ *= factor;
    block.exponent = exponent;
  }
  largest_ = std::max(largest_, largest);
  has_value_ |= part_has_value;
  block.mantissas.insert(block.mantissas.end(), part_.begin(), part_.end());
  return true;
}

void BlockWriter::add(const IntervalRow& row, std::size_t span, const Period& period) {
  const SlotRow::Stored& stored = row.stored;
  const std::size_t slots = row.slots();
  if (stored.values.empty() == stored.wide.empty() ||
      (!stored.exponents.empty() && stored.exponents.size() != slots)) {
    throw std::runtime_error("a stored day has another number of slots than its length says");
  }
  check_runs(stored.source_runs, slots);
  if (!stored.quality_runs.empty()) check_runs(stored.quality_runs, slots);
  const auto [first, last] = known_slots(row, period);

  for (std::size_t i = first; i < last;) {
    const std::int32_t exponent =
        stored.exponents.empty() ? stored.exponent.value_or(std::int16_t{0}) : stored.exponents[i];
    std::size_t end = last;
    if (!stored.exponents.empty()) {
      for (end = i + 1; end < last && stored.exponents[end] == exponent;) ++end;
    }
    part_.resize(end - i);
    if (stored.wide.empty()) {
      std::transform(stored.values.begin() + static_cast<std::ptrdiff_t>(i),
                     stored.values.begin() + static_cast<std::ptrdiff_t>(end), part_.begin(),
                     [](std::int32_t v) { return v == SlotRow::kNarrowHole ? kMissing : std::int64_t{v}; });
    } else {
      std::copy(stored.wide.begin() + static_cast<std::ptrdiff_t>(i),
                stored.wide.begin() + static_cast<std::ptrdiff_t>(end), part_.begin());
    }

    const UtcInstant start = row.start + static_cast<std::int64_t>(i) * row.length;
    const auto goes_on = [&](const IntervalBlock& block) {
      return block.span == span && block.channel == row.channel && block.length == row.length &&
             block.grid == row.grid &&
             block.first_start + static_cast<std::int64_t>(block.mantissas.size()) * block.length == start &&
             block.mantissas.size() + part_.size() <= kMaxBlockSlots;
    };
    if (!open_ || !goes_on(out_.back()) || !join(out_.back(), exponent)) {
      start_block(row, span, i, exponent);
      join(out_.back(), exponent);
    }
    IntervalBlock& block = out_.back();
    cut_runs(stored.source_runs, i, end, [&](std::size_t count, std::int64_t id) {
      add_run(block.sources, count, &IntervalBlock::SourceRun::source, id);
    });
    if (stored.quality_runs.empty()) {
      add_run(block.qualities, end - i, &IntervalBlock::QualityRun::quality, QualityId{0});
    } else {
      cut_runs(stored.quality_runs, i, end, [&](std::size_t count, std::int32_t id) {
        add_run(block.qualities, count, &IntervalBlock::QualityRun::quality, id);
      });
    }
    i = end;
  }
}

}  // namespace ami::storage
