#include "storage/memory/protected_lists.h"

#include <algorithm>

namespace ami::storage {

Answer<Done> MemoryProtectedLists::import(const ProtectedImport& list) {
  if (const auto wrong = wrong_import(list)) return *wrong;
  const std::lock_guard lock(mutex_);
  const auto at = newest_.find({list.utility, list.kind});
  if (at != newest_.end() && (at->second.version >= list.version || at->second.made_at > list.made_at))
    return old_protected_list(list);
  newest_[{list.utility, list.kind}] = list;
  return Done{};
}

Answer<std::vector<ProtectedMark>> MemoryProtectedLists::marks(std::int32_t utility,
                                                               const std::string& usage_point) {
  const std::lock_guard lock(mutex_);
  std::vector<ProtectedMark> out;
  for (const auto& [key, list] : newest_) {
    if (key.first != utility) continue;
    out.push_back({list.kind, list.version, list.made_at, list.sha256,
                   static_cast<std::int64_t>(list.usage_points.size()),
                   std::ranges::find(list.usage_points, usage_point) != list.usage_points.end()});
  }
  return out;
}

}  // namespace ami::storage
