// The blocking part of a commit: resolve and normalise with the newest asset data, then store.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "daemon/pipeline/directory.h"
#include "storage/ingest.h"

namespace ami::daemon {

// Fills unit.batch with what `normalise_with` makes of the directory (again when asset data changed
// meanwhile) and commits. Never throws but std::bad_alloc. `built` says across attempts whether unit.batch is
// filled already. After some changes of asset data in a row it gives up with Transient.
Result<storage::CommitCounts> commit_attempt(
    storage::IngestStore& store, DirectoryCache& directory, storage::CommitUnit& unit, bool& built,
    const std::function<void(const Directory&, NormalisedBatch&)>& normalise_with);

// The same for many small units, side by side in the store (IngestStore::commit_all). `normalise_with` is told
// which unit. A refusal is not of all of them: commit each alone then.
Result<std::vector<storage::CommitCounts>> commit_attempt(
    storage::IngestStore& store, DirectoryCache& directory, std::span<storage::CommitUnit> units,
    const std::function<void(std::size_t, const Directory&, NormalisedBatch&)>& normalise_with);

// Resolver of one feed over one picture of the asset data, which has to outlive it.
MeterResolver resolver_of(const Directory& directory, storage::UtilityId utility, std::string feed);

}  // namespace ami::daemon
