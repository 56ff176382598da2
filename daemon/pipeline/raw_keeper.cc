#include "daemon/pipeline/raw_keeper.h"

#include <mutex>

#include "daemon/log/messages.h"

namespace ami::daemon {
namespace {

constexpr int kTogether = 100;
// A younger file may belong to a row that is about to be written by another process on the same folder.
constexpr std::chrono::hours kOrphanAge{24};
constexpr int kSubfolders = 256;

}  // namespace

Outcome RawKeeper::keep(storage::RawClaim claim, const storage::ReadContent& read) {
  const std::shared_lock lock(dropping_);
  const Result<std::uint64_t> kept = files_.keep(claim.sha256, claim.bytes, read);
  if (!kept) {
    log_.write(
        messages::kRawNotKept,
        {{"feed", claim.feed}, {"sha256", claim.sha256.substr(0, 16)}, {"error", kept.error().message}});
    return kept.error();
  }
  claim.compressed_bytes = *kept;
  const Outcome claimed = contents_.claim(claim, keep_months_);
  // In doubt is not known to be kept: the same again is harmless.
  if (!claimed && claimed.error().fault == Fault::InDoubt) return transient(claimed.error().message);
  return claimed;
}

Result<RawKeeper::Pruned> RawKeeper::prune(UtcInstant now, const std::atomic<bool>& stopping) {
  Pruned pruned;
  std::string after;
  while (!stopping) {
    const Result<std::vector<std::string>> due = contents_.expired(keep_months_, now, after, kTogether);
    if (!due) return due.error();
    if (due->empty()) break;
    after = due->back();
    for (const std::string& sha256 : *due) {
      if (stopping) break;
      const std::unique_lock lock(dropping_);
      const Result<bool> last = contents_.drop_expired(sha256, keep_months_, now);
      if (!last) return last.error();
      if (!*last) continue;
      if (const Outcome removed = files_.remove(sha256); !removed) return removed.error();
      ++pruned.contents;
    }
  }
  if (const Outcome swept = drop_orphans(pruned, stopping); !swept) return swept.error();
  if (pruned.contents + pruned.orphans > 0) {
    log_.write(messages::kRawPruned,
               {{"contents", std::to_string(pruned.contents)}, {"orphans", std::to_string(pruned.orphans)}});
  }
  return pruned;
}

Outcome RawKeeper::drop_orphans(Pruned& pruned, const std::atomic<bool>& stopping) {
  for (int subfolder = 0; subfolder < kSubfolders && !stopping; ++subfolder) {
    const auto old = files_.older_than(subfolder, kOrphanAge);
    if (!old) return old.error();
    if (old->empty()) continue;
    const std::unique_lock lock(dropping_);
    const auto orphans = contents_.unclaimed(*old);
    if (!orphans) return orphans.error();
    for (const std::string& sha256 : *orphans) {
      if (const Outcome removed = files_.remove(sha256); !removed) return removed;
      ++pruned.orphans;
    }
  }
  return Done{};
}

}  // namespace ami::daemon
