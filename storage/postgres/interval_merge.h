// The merge of interval values, without a database. See the comment on rank in
// storage/schema/0003_readings.sql.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "meter_model/normaliser/reading.h"

namespace ami::storage {

// What decides between two values of one slot, before the values themselves do.
struct Rank {
  RankStamp stamp{};
  std::int32_t mapping_version = 0;
  auto operator<=>(const Rank&) const = default;
};

// Answers about ids that are stored in rows.
class Provenance {
 public:
  virtual ~Provenance() = default;
  [[nodiscard]] virtual const Rank& rank_of(std::int64_t source_id) const = 0;
  // Total order of two quality ids by their content, so that it does not depend on who was numbered first.
  [[nodiscard]] virtual std::strong_ordering compare_quality(std::int32_t a, std::int32_t b) const = 0;
};

// One thing said about one slot.
struct SlotValue {
  std::optional<Decimal> value;  // nullopt = hole
  std::int64_t source = 0;
  std::int32_t quality = 0;
};

// Bits of change.kinds.
enum ChangeKind : std::int16_t {
  kNew = 1,
  kCorrected = 2,       // another value; also a hole that got one
  kQualityChanged = 4,  // the same value
  kSuperseded = 8,      // the same value and quality, from a source of higher rank
};

// As in the table `change`.
struct SlotChanges {
  std::int16_t kinds = 0;           // 0 = no slot says anything else than before
  std::vector<std::int16_t> slots;  // runs: first, count, kind
  std::vector<std::int64_t> old;    // mantissa, exponent, quality before
};

// Slots of one channel-day (or, with one slot, an off-grid interval) while they are merged.
class SlotRow {
 public:
  static constexpr std::int64_t kHole = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int32_t kNarrowHole = std::numeric_limits<std::int32_t>::min();

  // keeps_digits: the row remembers the smallest exponent ever offered, so that all its slots can share it.
  explicit SlotRow(std::size_t slots, bool keeps_digits = true);

  // As stored. Null exponents = all at the row's exponent.
  struct Stored {
    std::int64_t version = 0;
    std::optional<std::int16_t> exponent;
    std::vector<std::int32_t> values;     // or
    std::vector<std::int64_t> wide;       // exactly one of the two is filled
    std::vector<std::int16_t> exponents;  // only with wide
    std::vector<std::int64_t> source_runs;
    std::vector<std::int32_t> quality_runs;
  };
  void load(const Stored& stored);  // throws std::runtime_error when the row contradicts itself

  // Takes the value in, or leaves what is there. Returns what thereby is not current: nothing when the slot
  // was empty, when the same was known, or for a hole without a flag (it says nothing). Missing is no truth:
  // a hole never replaces a value, whatever its rank.
  std::optional<SlotValue> offer(std::size_t slot, const SlotValue& said, const Provenance& provenance);

  [[nodiscard]] bool changed() const noexcept { return changed_; }
  // What the offers since load() did to the slots, for the table `change`.
  [[nodiscard]] SlotChanges changes(const Provenance& provenance) const;
  [[nodiscard]] std::int64_t base_version() const noexcept { return version_; }
  // The row to write. Its form depends on the current values and the smallest exponent ever offered only, not
  // on the order of offers.
  [[nodiscard]] Stored to_store() const;
  [[nodiscard]] SlotValue current(std::size_t slot) const;

 private:
  [[nodiscard]] std::strong_ordering compare(const SlotValue& a, const SlotValue& b,
                                             const Provenance& p) const;
  void note_exponent(std::int32_t exponent);

  static constexpr std::int16_t kNoExponent = std::numeric_limits<std::int16_t>::max();
  std::int64_t version_ = 0;
  std::int16_t exponent_ = kNoExponent;  // smallest offered
  bool keeps_digits_ = true;
  bool changed_ = false;
  std::vector<std::int64_t> mantissas_;
  std::vector<std::int16_t> exponents_;
  std::vector<std::int64_t> sources_;
  std::vector<std::int32_t> qualities_;
  std::vector<std::uint8_t> touched_;                      // of a loaded row: `before_` has the slot
  std::vector<std::pair<std::size_t, SlotValue>> before_;  // what a loaded row said
};

// Grid intervals live in interval_day; all others in interval_odd.
inline constexpr std::int64_t kMinGridSeconds = 60;
bool on_grid(UtcInstant start, std::chrono::seconds length);

}  // namespace ami::storage
