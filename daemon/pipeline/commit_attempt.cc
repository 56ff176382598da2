#include "daemon/pipeline/commit_attempt.h"

namespace ami::daemon {
namespace {
constexpr int kMostChangesInARow = 5;
}

MeterResolver resolver_of(const Directory& directory, storage::UtilityId utility, std::string feed) {
  return [&directory, utility, feed = std::move(feed)](AliasKind kind, std::string_view id, UtcInstant at) {
    return directory.find(utility, feed, kind, id, at);
  };
}

Result<storage::CommitCounts> commit_attempt(
    storage::IngestStore& store, DirectoryCache& directory, storage::CommitUnit& unit, bool& built,
    const std::function<void(const Directory&, NormalisedBatch&)>& normalise_with) {
  try {
    auto picture = directory.current();
    for (int change = 0; change < kMostChangesInARow; ++change) {
      if (!picture) {
        auto loaded = directory.refresh(std::nullopt);
        if (!loaded) return loaded.error();
        picture = *loaded;
      }
      if (!built || unit.directory_version != picture->version()) {
        unit.batch = {};
        normalise_with(*picture, unit.batch);
        unit.directory_version = picture->version();
        built = true;
      }
      auto counts = store.commit(unit);
      if (!counts || !counts->directory_changed) return counts;
      auto fresh = directory.refresh(unit.directory_version);
      if (!fresh) return fresh.error();
      picture = *fresh;
    }
    return transient("asset data keeps changing");
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& defect) {
    return permanent(std::string("defect while normalising or storing: ") + defect.what());
  }
}

}  // namespace ami::daemon
