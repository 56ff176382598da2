#include "storage/postgres/combined_qualities.h"

namespace ami::storage {

QualityId CombinedQualities::id_of(const ValueQuality& quality) {
  const std::lock_guard lock(mutex_);
  const auto next = static_cast<QualityId>(-1 - static_cast<std::int64_t>(ids_.size()));
  return ids_.try_emplace(quality, next).first->second;
}

}  // namespace ami::storage
