#include "storage/postgres/day_cache.h"

#include <functional>

namespace ami::storage {
namespace {

template <class T>
std::size_t held(const std::vector<T>& values) {
  return values.size() * sizeof(T);
}

}  // namespace

std::size_t DayCache::Hash::operator()(const Key& key) const noexcept {
  const auto packed = (static_cast<std::uint64_t>(key.channel) << 20U) ^
                      (static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.day)) << 3U) ^
                      static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.length_s));
  return std::hash<std::uint64_t>{}(packed * 0x9E3779B97F4A7C15U);
}

bool DayCache::knows_any_of(const std::string& server, std::int64_t channel) {
  const std::lock_guard lock(mutex_);
  return server_ == server && of_channel_.contains(channel);
}

bool DayCache::find(const std::string& server, const Key& key, const State& state, SlotRow::Stored& out) {
  const std::lock_guard lock(mutex_);
  if (server_ != server) return false;
  const auto found = index_.find(key);
  if (found == index_.end()) return false;
  if (found->second->state != state) {
    drop(found->second);
    return false;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  out = found->second->row;
  return true;
}

void DayCache::put(const std::string& server, const Key& key, const State& state,
                   const SlotRow::Stored& row) {
  constexpr std::size_t kOverhead = sizeof(Entry) + 160;  // the nodes of list and index
  const std::size_t bytes = kOverhead + held(row.values) + held(row.wide) + held(row.exponents) +
                            held(row.source_runs) + held(row.quality_runs);
  if (bytes > bound_) return;
  const std::lock_guard lock(mutex_);
  if (server_ != server) {
    entries_.clear();
    index_.clear();
    of_channel_.clear();
    bytes_ = 0;
    server_ = server;
  }
  if (const auto found = index_.find(key); found != index_.end()) drop(found->second);
  while (bytes_ + bytes > bound_) drop(std::prev(entries_.end()));
  entries_.push_front({key, state, row, bytes});
  index_.emplace(key, entries_.begin());
  ++of_channel_[key.channel];
  bytes_ += bytes;
}

void DayCache::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  index_.erase(entry->key);
  const auto count = of_channel_.find(entry->key.channel);
  if (--count->second == 0) of_channel_.erase(count);
  entries_.erase(entry);
}

}  // namespace ami::storage
