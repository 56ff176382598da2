#include "daemon/pipeline/directory.h"

#include <algorithm>

namespace ami::daemon {
namespace {

// Lengths in front keep ("a", "bc") and ("ab", "c") apart.
std::string key_of(storage::UtilityId utility, std::string_view feed, AliasKind kind, std::string_view id) {
  std::string key = std::to_string(utility) + ':' + std::to_string(static_cast<int>(kind)) + ':' +
                    std::to_string(feed.size()) + ':';
  return key.append(feed).append(id);
}

}  // namespace

Directory::Directory(storage::DirectorySnapshot snapshot)
    : version_(snapshot.version), entries_(snapshot.entries.size()) {
  for (auto& entry : snapshot.entries) {
    timelines_[key_of(entry.utility, entry.feed, entry.kind, entry.value)].push_back(
        {entry.valid, entry.meter, std::move(entry.form)});
  }
  for (auto& [key, spans] : timelines_) {
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.valid.from < b.valid.from; });
  }
}

const Directory::Timeline* Directory::timeline(storage::UtilityId utility, std::string_view feed,
                                               AliasKind kind, std::string_view id) const {
  const auto found = timelines_.find(key_of(utility, feed, kind, id));
  return found == timelines_.end() ? nullptr : &found->second;
}

std::optional<ResolvedMeter> Directory::find(storage::UtilityId utility, std::string_view feed,
                                             AliasKind kind, std::string_view id, UtcInstant at) const {
  storage::Period stretch;  // where no own alias speaks, the general one holds at most this long
  for (const auto* spans :
       {feed.empty() ? nullptr : timeline(utility, feed, kind, id), timeline(utility, "", kind, id)}) {
    if (spans == nullptr) continue;
    const auto after = std::upper_bound(spans->begin(), spans->end(), at,
                                        [](UtcInstant t, const Span& span) { return t < span.valid.from; });
    if (after != spans->end()) stretch.to = std::min(stretch.to, after->valid.from);
    if (after == spans->begin()) continue;
    const auto& span = *std::prev(after);
    if (span.valid.contains(at)) {
      return ResolvedMeter{span.meter, span.form, std::max(stretch.from, span.valid.from),
                           std::min(stretch.to, span.valid.to)};
    }
    stretch.from = std::max(stretch.from, span.valid.to);
  }
  return std::nullopt;
}

std::shared_ptr<const Directory> DirectoryCache::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<std::shared_ptr<const Directory>> DirectoryCache::refresh(std::optional<std::int64_t> seen) {
  const std::lock_guard one_at_a_time(loading_);
  if (const auto newest = current(); newest && (!seen || newest->version() > *seen)) return newest;
  auto loaded = load_();
  if (!loaded) return loaded.error();
  auto fresh = std::make_shared<const Directory>(std::move(loaded).value());
  const std::lock_guard lock(mutex_);
  current_ = fresh;
  return fresh;
}

}  // namespace ami::daemon
