// Inside the store only: stored rows as blocks, consecutive days joined into the longest that one exponent
// allows. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "storage/postgres/interval_merge.h"
#include "storage/postgres/readers.h"

namespace ami::storage {

// A row of interval_day or interval_odd (then with one slot).
struct IntervalRow {
  std::size_t stretch = 0;  // which part of the query found it
  ChannelId channel = 0;
  MeterId meter = 0;
  UtcInstant start{};  // of slot 0
  std::chrono::seconds length{0};
  bool grid = true;
  SlotRow::Stored stored;

  [[nodiscard]] std::size_t slots() const { return std::max(stored.values.size(), stored.wide.size()); }
};

class BlockWriter {
 public:
  explicit BlockWriter(std::vector<IntervalBlock>& out) : out_(out) {}

  // Appends the slots that lie wholly in `period`, without unknown ones at the edges. Rows come by span,
  // channel, time. Throws std::runtime_error when the row contradicts itself.
  void add(const IntervalRow& row, std::size_t span, const Period& period);

 private:
  // part_ at that exponent becomes the next mantissas of the block; false when no common exponent fits.
  bool join(IntervalBlock& block, std::int32_t exponent);
  void start_block(const IntervalRow& row, std::size_t span, std::size_t first, std::int32_t exponent);

  std::vector<IntervalBlock>& out_;
  bool open_ = false;         // out_.back() may go on
  bool has_value_ = false;    // of out_.back(): else it has no exponent yet
  std::int64_t largest_ = 0;  // of its magnitudes
  std::vector<std::int64_t> part_;
};

}  // namespace ami::storage
