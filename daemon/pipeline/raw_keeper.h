// Keeps what arrives, and lets it go when its time is over: the files of storage/raw and the table that says
// which feed's they are, always in this order: a row is written after its file and dropped before it.
#pragma once

#include <atomic>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <vector>

#include "daemon/log/log.h"
#include "storage/postgres/raw_contents.h"
#include "storage/raw/raw_files.h"

namespace ami::daemon {

// Blocking; thread-safe. One keeper a folder: it orders keeping and dropping of one content.
class RawKeeper {
 public:
  RawKeeper(const storage::RawFiles& files, storage::RawContents contents, int keep_months, const Log& log)
      : files_(files), contents_(std::move(contents)), keep_months_(keep_months), log_(log) {}

  // Durable when it returns. Transient: nothing may be committed of this content yet.
  Outcome keep(storage::RawClaim claim, const storage::ReadContent& read);
  // Many at once; `reads` are in the order of the claims.
  Outcome keep(std::vector<storage::RawClaim> claims, std::vector<storage::ReadContent> reads);

  struct Pruned {
    std::uint64_t contents = 0;  // whose time was over
    std::uint64_t orphans = 0;   // files that nobody claims, left by a crash between file and row
  };
  // Ends early, to be called again, when `stopping`.
  Result<Pruned> prune(UtcInstant now, const std::atomic<bool>& stopping);

  [[nodiscard]] const storage::RawFiles& files() const noexcept { return files_; }

 private:
  Outcome drop_orphans(Pruned& pruned, const std::atomic<bool>& stopping);

  const storage::RawFiles& files_;
  storage::RawContents contents_;
  const int keep_months_;  // 0 = for ever
  const Log& log_;
  std::shared_mutex dropping_;  // shared: file and row are being written; exclusive: row and file are dropped
};

}  // namespace ami::daemon
