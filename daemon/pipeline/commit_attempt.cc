#include "daemon/pipeline/commit_attempt.h"

#include <algorithm>

namespace ami::daemon {
namespace {
constexpr int kMostChangesInARow = 5;
}

MeterResolver resolver_of(const Directory& directory, storage::UtilityId utility, std::string feed) {
  return [&directory, utility, feed = std::move(feed)](AliasKind kind, std::string_view id, UtcInstant at) {
    return directory.find(utility, feed, kind, id, at);
  };
}

namespace {

using AllCounts = Result<std::vector<storage::CommitCounts>>;

// Resolves with the newest asset data, `fill` the units, and stores them until nothing changed meanwhile.
AllCounts attempt(DirectoryCache& directory, const std::function<void(const Directory&)>& fill,
                  const std::function<AllCounts()>& store) {
  try {
    auto picture = directory.current();
    for (int change = 0; change < kMostChangesInARow; ++change) {
      if (!picture) {
        auto loaded = directory.refresh(std::nullopt);
        if (!loaded) return loaded.error();
        picture = *loaded;
      }
      fill(*picture);
      auto counts = store();
      if (!counts ||
          std::ranges::none_of(*counts, [](const storage::CommitCounts& c) { return c.directory_changed; }))
        return counts;
      auto fresh = directory.refresh(picture->version());
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

}  // namespace

Result<storage::CommitCounts> commit_attempt(
    storage::IngestStore& store, DirectoryCache& directory, storage::CommitUnit& unit, bool& built,
    const std::function<void(const Directory&, NormalisedBatch&)>& normalise_with) {
  const auto fill = [&](const Directory& picture) {
    if (built && unit.directory_version == picture.version()) return;
    unit.batch = {};
    normalise_with(picture, unit.batch);
    unit.directory_version = picture.version();
    built = true;
  };
  auto counts = attempt(directory, fill, [&]() -> AllCounts {
    auto one = store.commit(unit);
    if (!one) return one.error();
    return std::vector{*one};
  });
  if (!counts) return counts.error();
  return counts->front();
}

Result<std::vector<storage::CommitCounts>> commit_attempt(
    storage::IngestStore& store, DirectoryCache& directory, std::span<storage::CommitUnit> units,
    const std::function<void(std::size_t, const Directory&, NormalisedBatch&)>& normalise_with) {
  const auto fill = [&](const Directory& picture) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      units[i].batch = {};
      normalise_with(i, picture, units[i].batch);
      units[i].directory_version = picture.version();
    }
  };
  return attempt(directory, fill, [&] { return store.commit_all(units); });
}

}  // namespace ami::daemon
