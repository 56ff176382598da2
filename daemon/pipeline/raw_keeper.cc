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
  return keep(std::vector{std::move(claim)}, std::vector{read});
}

Outcome RawKeeper::keep(std::vector<storage::RawClaim> claims, std::vector<storage::ReadContent> reads) {
  std::vector<storage::RawFiles::Content> contents;
  for (std::size_t i = 0; i < claims.size(); ++i)
    contents.push_back({claims[i].sha256, claims[i].bytes, std::move(reads.at(i))});
  const std::shared_lock lock(dropping_);
  const auto kept = files_.keep(contents);
  if (!kept) {
    log_.write(messages::kRawNotKept, {{"feed", claims.front().feed},
                                       {"sha256", claims.front().sha256.substr(0, 16)},
                                       {"contents", std::to_string(claims.size())},
                                       {"error", kept.error().message}});
    return kept.error();
  }
  for (std::size_t i = 0; i < claims.size(); ++i) claims[i].compressed_bytes = kept->at(i);
  const Outcome claimed = contents_.claim(claims, keep_months_);
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
