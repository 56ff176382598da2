// From what an adapter decoded to what the store keeps: resolve, normalise, commit; and wait out what passes.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/directory.h"
#include "daemon/pipeline/metrics.h"
#include "daemon/pipeline/worker_pool.h"
#include "storage/ingest.h"

namespace ami::daemon {

struct RetryPolicy {
  std::chrono::milliseconds first{200};  // pause before the second attempt; doubles each time, with jitter
  std::chrono::milliseconds longest{15000};
};

// One feed as the pipeline sees it. Shared by the host and by commits under way.
struct FeedRoute {
  FeedRoute(std::string feed, storage::UtilityId utility_id, FeedRules feed_rules, FeedMetrics& feed_metrics)
      : name(std::move(feed)), utility(utility_id), rules(std::move(feed_rules)), metrics(feed_metrics) {}
  const std::string name;
  const storage::UtilityId utility;
  const FeedRules rules;
  FeedMetrics& metrics;
  std::atomic<bool> stopping{false};  // set: a commit that would have to wait gives up instead

  // Why its batches cannot be stored for the time being; empty = they can. Any thread.
  void trouble(std::string why) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(why);
  }
  [[nodiscard]] std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  mutable std::mutex mutex_;
  std::string trouble_;
};

// As many batches are worked on at once as the database pool has threads; a further one waits in its
// adapter's coroutine, so a slow database slows the adapters and nothing piles up. A batch that waits for its
// next attempt holds no thread.
class Pipeline {
 public:
  Pipeline(storage::IngestStore& store, DirectoryCache& directory, WorkerPool& database, sdk::Clock& clock,
           RetryPolicy retry, const Log& log)
      : store_(store), directory_(directory), database_(database), clock_(clock), retry_(retry), log_(log) {}

  // Who is told of results of commands, after the batch that they came with was stored. They are told again until
  // it says yes, and so is the adapter's batch: at least once. Set before the first commit.
  using TakeResults =
      std::function<sdk::Awaitable<Outcome>(std::shared_ptr<FeedRoute>, std::span<const ResultObservation>)>;
  void on_results(TakeResults take) { take_results_ = std::move(take); }

  // When a question of that transaction left, nullopt = it is none of ours: what an answer's time is judged by
  // (meter_model/normaliser/clock_signs.h). Set before the first commit.
  using AskedAt = std::function<std::optional<UtcInstant>(std::string_view transaction)>;
  void on_answers(AskedAt asked_at) { asked_at_ = std::move(asked_at); }

  // When this content came to the feed before: IngestStore::receipts. Not waited out: the caller asks again.
  sdk::Awaitable<Result<std::vector<UtcInstant>>> receipts(std::shared_ptr<FeedRoute> feed,
                                                           std::string content_sha256);

  // The contract of sdk::ObservationSink::commit. Cancelling the caller has the effect of `feed->stopping`.
  sdk::Awaitable<Result<sdk::CommitReceipt>> commit(std::shared_ptr<FeedRoute> feed, sdk::SourceSpan source,
                                                    DecodedBatch batch, std::vector<sdk::StateChange> state);

  // The same for many small batches of a feed, in order and without state, at little more than the price of one:
  // side by side in one transaction, or each alone when that cannot be. One answer a batch.
  struct Arrived {
    sdk::SourceSpan source;
    DecodedBatch batch;
  };
  sdk::Awaitable<std::vector<Result<sdk::CommitReceipt>>> commit_all(std::shared_ptr<FeedRoute> feed,
                                                                     std::vector<Arrived> arrived);

  // Batches handed over and not committed yet. Any thread.
  [[nodiscard]] int under_way() const noexcept { return under_way_; }

 private:
  struct Work;
  using Normalise = std::function<void(const Directory&, NormalisedBatch&)>;
  sdk::Awaitable<Result<storage::CommitCounts>> store(Work& work, storage::CommitUnit& unit,
                                                      const Normalise& normalise_with);
  sdk::Awaitable<Outcome> store_part(Work& work, std::size_t from, std::size_t to, bool whole);
  sdk::Awaitable<bool> store_together(std::span<Work> all);
  sdk::Awaitable<Result<sdk::CommitReceipt>> finish(Work& work, Outcome outcome,
                                                    std::chrono::steady_clock::time_point begin);
  sdk::Awaitable<Outcome> tell_results(Work& work);
  void note_clocks(const Work& work, const MeterResolver& resolve, NormalisedBatch& out) const;

  storage::IngestStore& store_;
  DirectoryCache& directory_;
  WorkerPool& database_;
  sdk::Clock& clock_;
  RetryPolicy retry_;
  const Log& log_;
  TakeResults take_results_;
  AskedAt asked_at_;
  std::atomic<int> under_way_{0};
};

}  // namespace ami::daemon
