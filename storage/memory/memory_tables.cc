#include "storage/memory/memory_tables.h"

#include <tuple>

namespace ami::storage {
namespace {

using std::strong_ordering;
constexpr std::int64_t kDaySeconds = 86'400;

strong_ordering by_quality(const ValueQuality& a, const ValueQuality& b) {
  return std::tie(a.codes, a.vendor_flag) <=> std::tie(b.codes, b.vendor_flag);
}

template <class Statements>
const typename Statements::key_type* highest_as_of(const MemoryTables& tables, const Statements& said,
                                                   UtcInstant then) {
  for (auto it = said.rbegin(); it != said.rend(); ++it) {
    if (tables.source(it->second).second.stored_at <= then) return &it->first;
  }
  return nullptr;
}

}  // namespace

strong_ordering operator<=>(const IntervalSaid& a, const IntervalSaid& b) {
  if (a.value.has_value() != b.value.has_value()) return a.value.has_value() <=> b.value.has_value();
  if (const auto order = a.stamp <=> b.stamp; order != 0) return order;
  if (const auto order = a.mapping_version <=> b.mapping_version; order != 0) return order;
  if (a.value) {
    if (const auto order = *a.value <=> *b.value; order != 0) return order;
  }
  return by_quality(a.quality, b.quality);
}

strong_ordering operator<=>(const RegisterSaid& a, const RegisterSaid& b) {
  if (const auto order = a.stamp <=> b.stamp; order != 0) return order;
  if (const auto order = a.mapping_version <=> b.mapping_version; order != 0) return order;
  if (const auto order = a.value <=> b.value; order != 0) return order;
  if (const auto order = by_quality(a.quality, b.quality); order != 0) return order;
  if (const auto order = b.value.exponent <=> a.value.exponent; order != 0) return order;
  if (const auto order = a.period_start <=> b.period_start; order != 0) return order;
  if (const auto order = a.occurred_at <=> b.occurred_at; order != 0) return order;
  return b.time_source <=> a.time_source;
}

strong_ordering operator<=>(const EventSaid& a, const EventSaid& b) {
  if (const auto order = a.mapping_version <=> b.mapping_version; order != 0) return order;
  if (const auto order = a.kind <=> b.kind; order != 0) return order;
  if (const auto order = a.code <=> b.code; order != 0) return order;
  return b.time_source <=> a.time_source;
}

std::pair<IntervalRow, int> row_of(const IntervalKey& key) {
  const std::chrono::seconds length{key.length_s};
  const UtcInstant midnight = std::chrono::floor<std::chrono::days>(key.start);
  const bool grid = key.length_s >= 60 && key.length_s <= kDaySeconds && kDaySeconds % key.length_s == 0 &&
                    (key.start - midnight) % length == std::chrono::microseconds{0};
  if (!grid) return {{key.channel, key.start, key.length_s, false}, 0};
  return {{key.channel, midnight, key.length_s, true}, static_cast<int>((key.start - midnight) / length)};
}

IntervalKey slot_of(const IntervalRow& row, int slot) {
  return {row.channel, row.start + slot * std::chrono::seconds{row.length_s}, row.length_s};
}

const IntervalSaid* MemoryTables::interval_as_of(const IntervalKey& key, UtcInstant then) const {
  const auto found = intervals.find(key);
  return found == intervals.end() ? nullptr : highest_as_of(*this, found->second, then);
}

const RegisterSaid* MemoryTables::register_as_of(const RegisterKey& key, UtcInstant then) const {
  const auto found = registers.find(key);
  return found == registers.end() ? nullptr : highest_as_of(*this, found->second, then);
}

const std::pair<const MemorySourceKey, MemorySource>& MemoryTables::source(MemorySourceId id) const {
  return *sources.find(source_keys.at(static_cast<std::size_t>(id - 1)));
}

}  // namespace ami::storage
