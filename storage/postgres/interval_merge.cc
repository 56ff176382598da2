#include "storage/postgres/interval_merge.h"

#include <algorithm>
#include <stdexcept>

namespace ami::storage {
namespace {

template <class T>
void expand(const std::vector<T>& runs, std::vector<T>& out) {
  std::size_t slot = 0;
  for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
    const auto count = static_cast<std::size_t>(runs[i]);
    if (runs[i] <= 0 || count > out.size() - slot)
      throw std::runtime_error("stored run lengths do not fit the day");
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(slot), count, runs[i + 1]);
    slot += count;
  }
  if (slot != out.size()) throw std::runtime_error("stored run lengths do not cover the day");
}

template <class T>
std::vector<T> compress(const std::vector<T>& values) {
  std::vector<T> runs;
  for (const T value : values) {
    if (!runs.empty() && runs.back() == value) {
      ++runs[runs.size() - 2];
    } else {
      runs.push_back(1);
      runs.push_back(value);
    }
  }
  return runs;
}

}  // namespace

bool on_grid(UtcInstant start, std::chrono::seconds length) {
  constexpr std::chrono::seconds kDay{86'400};
  return length.count() >= kMinGridSeconds && length <= kDay && kDay % length == std::chrono::seconds{0} &&
         start.time_since_epoch() % length == std::chrono::microseconds{0};
}

SlotRow::SlotRow(std::size_t slots, bool keeps_digits)
    : keeps_digits_(keeps_digits),
      mantissas_(slots, kHole),
      exponents_(slots),
      sources_(slots),
      qualities_(slots) {}

void SlotRow::load(const Stored& stored) {
  const std::size_t slots = mantissas_.size();
  if (std::max(stored.values.size(), stored.wide.size()) != slots ||
      (!stored.exponents.empty() && stored.exponents.size() != slots)) {
    throw std::runtime_error("a stored day has another number of slots than its length says");
  }
  version_ = stored.version;
  touched_.assign(slots, 0);
  exponent_ = stored.exponent.value_or(kNoExponent);
  if (stored.wide.empty()) {
    std::transform(stored.values.begin(), stored.values.end(), mantissas_.begin(),
                   [](std::int32_t v) { return v == kNarrowHole ? kHole : std::int64_t{v}; });
  } else {
    mantissas_ = stored.wide;
  }
  if (stored.exponents.empty()) {
    std::fill(exponents_.begin(), exponents_.end(), stored.exponent.value_or(std::int16_t{0}));
  } else {
    exponents_ = stored.exponents;
  }
  expand(stored.source_runs, sources_);
  if (!stored.quality_runs.empty()) expand(stored.quality_runs, qualities_);
}

void SlotRow::note_exponent(std::int32_t exponent) {
  const auto narrow = static_cast<std::int16_t>(exponent);
  if (narrow >= exponent_) return;
  exponent_ = narrow;
  changed_ = true;
}

SlotValue SlotRow::current(std::size_t slot) const {
  SlotValue out;
  out.source = sources_[slot];
  out.quality = qualities_[slot];
  if (mantissas_[slot] != kHole) out.value = Decimal{mantissas_[slot], exponents_[slot]};
  return out;
}

std::strong_ordering SlotRow::compare(const SlotValue& a, const SlotValue& b, const Provenance& p) const {
  if (a.value.has_value() != b.value.has_value()) return a.value.has_value() <=> b.value.has_value();
  if (a.source != b.source) {
    if (const auto order = p.rank_of(a.source) <=> p.rank_of(b.source); order != 0) return order;
  }
  if (a.value) {
    if (const auto order = *a.value <=> *b.value; order != 0) return order;
  }
  return a.quality == b.quality ? std::strong_ordering::equal : p.compare_quality(a.quality, b.quality);
}

std::optional<SlotValue> SlotRow::offer(std::size_t slot, const SlotValue& said,
                                        const Provenance& provenance) {
  if (said.value && said.value->mantissa == kHole) {
    // The one mantissa that is our sign for a hole; it ends in 8, so no trailing zero can be taken away.
    throw std::runtime_error("a value of -9223372036854775808 cannot be stored");
  }
  if (!said.value && said.quality == 0) return std::nullopt;
  if (said.value && keeps_digits_) note_exponent(said.value->exponent);

  const auto take = [&] {
    if (!touched_.empty() && touched_[slot] == 0) {
      touched_[slot] = 1;
      before_.emplace_back(slot, current(slot));
    }
    mantissas_[slot] = said.value ? said.value->mantissa : kHole;
    exponents_[slot] = static_cast<std::int16_t>(said.value ? said.value->exponent : 0);
    sources_[slot] = said.source;
    qualities_[slot] = said.quality;
    changed_ = true;
  };
  if (sources_[slot] == 0) {
    take();
    return std::nullopt;
  }
  const SlotValue known = current(slot);
  const auto order = compare(said, known, provenance);
  if (order == 0) return std::nullopt;
  if (order < 0) return said;
  take();
  return known;
}

SlotChanges SlotRow::changes(const Provenance& provenance) const {
  SlotChanges out;
  const auto note = [&](std::size_t slot, ChangeKind kind) {
    out.kinds = static_cast<std::int16_t>(out.kinds | kind);
    const std::size_t runs = out.slots.size();
    if (runs > 0 && out.slots[runs - 1] == kind &&
        static_cast<std::size_t>(out.slots[runs - 3] + out.slots[runs - 2]) == slot) {
      ++out.slots[runs - 2];
    } else {
      out.slots.insert(out.slots.end(), {static_cast<std::int16_t>(slot), 1, kind});
    }
  };
  if (touched_.empty()) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i] != 0) note(i, kNew);
    }
    return out;
  }
  auto before = before_;
  std::sort(before.begin(), before.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [slot, was] : before) {
    if (was.source == 0) {
      note(slot, kNew);
      continue;
    }
    const SlotValue now = current(slot);
    const bool same_value =
        was.value.has_value() == now.value.has_value() && (!was.value || (*was.value <=> *now.value) == 0);
    const bool same_quality =
        was.quality == now.quality || provenance.compare_quality(was.quality, now.quality) == 0;
    note(slot, !same_value ? kCorrected : !same_quality ? kQualityChanged : kSuperseded);
    if (same_value && same_quality) continue;
    out.old.push_back(was.value ? was.value->mantissa : kHole);
    out.old.push_back(was.value ? was.value->exponent : 0);
    out.old.push_back(was.quality);
  }
  return out;
}

SlotRow::Stored SlotRow::to_store() const {
  Stored out;
  out.version = version_ + 1;
  out.source_runs = compress(sources_);
  if (std::any_of(qualities_.begin(), qualities_.end(), [](std::int32_t q) { return q != 0; })) {
    out.quality_runs = compress(qualities_);
  }
  const std::size_t slots = mantissas_.size();
  if (exponent_ == kNoExponent) {
    out.values.assign(slots, kNarrowHole);
    return out;
  }
  out.exponent = exponent_;

  // All at the smallest exponent where 64 bits allow; else each slot at the smallest that its value allows.
  std::vector<std::int64_t> common = mantissas_;
  std::vector<std::int16_t> own(slots, exponent_);
  bool one_exponent = true, narrow = true;
  for (std::size_t i = 0; i < slots; ++i) {
    if (common[i] == kHole) continue;
    if (exponents_[i] != exponent_) {
      const Decimal value{mantissas_[i], exponents_[i]};
      std::int16_t exponent = exponent_;
      auto mantissa = value.mantissa_at(exponent);
      while (!mantissa || *mantissa == kHole) mantissa = value.mantissa_at(++exponent);
      common[i] = *mantissa;
      own[i] = exponent;
      one_exponent &= exponent == exponent_;
    }
    narrow &= common[i] > kNarrowHole && common[i] <= std::numeric_limits<std::int32_t>::max();
  }
  if (one_exponent && narrow) {
    out.values.resize(slots);
    std::transform(common.begin(), common.end(), out.values.begin(),
                   [](std::int64_t v) { return v == kHole ? kNarrowHole : static_cast<std::int32_t>(v); });
  } else {
    out.wide = std::move(common);
    if (!one_exponent) out.exponents = std::move(own);
  }
  return out;
}

}  // namespace ami::storage
