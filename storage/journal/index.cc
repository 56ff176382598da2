#include "storage/journal/index.h"

#include <algorithm>

namespace ami::storage {

Digest JournalIndex::identity_of(const StoredMessage& message) {
  std::string framed(message.content.begin(), message.content.end());
  return digest_of(framed.append(message.key));
}

void JournalIndex::add(const StoredMessage& message) {
  auto& feed = feeds_[message.feed];
  const Entry entry{weight_of(message), message.received_at, identity_of(message)};
  if (!feed.entries.emplace(message.id, entry).second) return;
  feed.by_identity.emplace(entry.identity, message.id);
  feed.bytes += entry.bytes;
  bytes_ += entry.bytes;
  ++messages_;
}

void JournalIndex::erase(const std::string& name, std::uint64_t id) {
  const auto feed = feeds_.find(name);
  if (feed == feeds_.end()) return;
  const auto entry = feed->second.entries.find(id);
  if (entry == feed->second.entries.end()) return;
  auto& by_identity = feed->second.by_identity;
  // After a salvage a trimmed message may be there a second time.
  if (const auto same = by_identity.find(entry->second.identity);
      same != by_identity.end() && same->second == id)
    by_identity.erase(same);
  feed->second.bytes -= entry->second.bytes;
  bytes_ -= entry->second.bytes;
  --messages_;
  feed->second.entries.erase(entry);
}

const JournalIndex::Feed* JournalIndex::find(const std::string& feed) const {
  const auto found = feeds_.find(feed);
  return found == feeds_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> JournalIndex::lowest() const {
  std::optional<std::uint64_t> lowest;
  for (const auto& [name, feed] : feeds_) {
    if (feed.entries.empty()) continue;
    const auto first = feed.entries.begin()->first;
    lowest = std::min(lowest.value_or(first), first);
  }
  return lowest;
}

std::set<std::uint64_t> JournalIndex::ids() const {
  std::set<std::uint64_t> ids;
  for (const auto& [name, feed] : feeds_) {
    for (const auto& [id, entry] : feed.entries) ids.insert(ids.end(), id);
  }
  return ids;
}

}  // namespace ami::storage
