// Which meter a vendor's id was, at which time: an immutable picture of the asset data in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "meter_model/normaliser/normaliser.h"
#include "storage/postgres/assets.h"

namespace ami::daemon {

// Immutable, so any thread may ask. A feed's own aliases come before the utility's general ones; ids of other
// utilities do not exist for it.
class Directory {
 public:
  explicit Directory(storage::DirectorySnapshot snapshot);

  [[nodiscard]] std::int64_t version() const noexcept { return version_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_; }
  // The answer's [from, to) is the stretch in which it is the same.
  [[nodiscard]] std::optional<ResolvedMeter> find(storage::UtilityId utility, std::string_view feed,
                                                  AliasKind kind, std::string_view id, UtcInstant at) const;

 private:
  struct Span {
    storage::Period valid;
    MeterId meter = 0;
    std::string form;
  };
  using Timeline = std::vector<Span>;  // by time; the store's exclusion constraints keep spans apart
  [[nodiscard]] const Timeline* timeline(storage::UtilityId utility, std::string_view feed, AliasKind kind,
                                         std::string_view id) const;

  std::int64_t version_;
  std::size_t entries_;
  std::unordered_map<std::string, Timeline> timelines_;
};

// Holds the newest Directory. Thread-safe.
class DirectoryCache {
 public:
  using Load = std::function<Result<storage::DirectorySnapshot>()>;  // blocking

  explicit DirectoryCache(Load load) : load_(std::move(load)) {}

  [[nodiscard]] std::shared_ptr<const Directory> current() const;  // nullptr until the first refresh
  // Reads asset data anew unless somebody else already did since `seen`. Blocking.
  Result<std::shared_ptr<const Directory>> refresh(std::optional<std::int64_t> seen);

 private:
  Load load_;
  std::mutex loading_;        // one load at a time; taken before mutex_
  mutable std::mutex mutex_;  // guards current_
  std::shared_ptr<const Directory> current_;
};

}  // namespace ami::daemon
