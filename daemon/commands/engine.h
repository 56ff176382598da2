// Carries out commands: one engine a gateway. Keeps requests, queues them by feed, hands attempts to adapters
// as fast as each far side takes them, and puts answers, whichever way they come, to what was asked.
// docs/commands.md
//
// The store knows everything that matters; what is in memory here is a copy that may be lost at any moment.
// SENT is stored before the first byte leaves, and nothing that is SENT is sent again.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "daemon/commands/feed_queue.h"
#include "daemon/commands/figures.h"
#include "daemon/commands/followers.h"
#include "daemon/commands/request.h"
#include "daemon/commands/routes.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/backoff.h"
#include "storage/postgres/operations.h"
#include "storage/postgres/reset_checks.h"

namespace ami::daemon::commands {

// A feed as the engine sees it.
struct CommandFeed {
  std::string name, family;
  storage::UtilityId utility = 0;
  sdk::Capabilities can;
  sdk::CommandLimits limits;
  // sdk::Adapter::attempt, on whichever executor; goes to the adapter's strand by itself. When there is no
  // adapter: Failed "not_sent".
  std::function<sdk::Awaitable<std::vector<sdk::AttemptAnswer>>(sdk::Attempt)> attempt;
  // sdk::AdapterFamily::verdict with the feed's settings. Any thread.
  std::function<sdk::AttemptAnswer(sdk::CommandKind, const ResultObservation&)> verdict;
};

// Whose id a far side's is; none = nobody's. Any thread.
using MeterOf = std::function<std::optional<MeterId>(AliasKind, std::string_view)>;

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  struct Parts {
    boost::asio::any_io_executor executor;
    sdk::Clock& clock;
    sdk::Offload& pool;  // for calls of the store
    storage::Database& database;
    const Log& log;
  };
  Engine(Parts parts, Rules rules);
  ~Engine();

  // Works until stop(), then returns when nothing is under way. Once; on strand().
  sdk::Awaitable<void> keep();
  // Refuses what is new and begins no attempt. Attempts that are under way end with their adapters.
  void stop();
  [[nodiscard]] const boost::asio::any_io_executor& strand() const noexcept { return strand_; }

  // What follows may be called from any thread; callbacks run on the strand and must not block.

  // A feed that runs; one of that name before is replaced. What an earlier run left of it is taken up.
  void attach(CommandFeed feed);
  void detach(std::string name);

  using OnSubmit = std::function<void(Reply<Submitted>)>;
  // Refusals, beside Invalid and those of the store (request_id used for something else, demand reset live or
  // locked out): rule QUEUE_FULL with retry_after; and when nothing at all can be asked, NotFound for an
  // unknown meter, or rule NOT_ASSIGNED, NOT_STATED or NO_NAME. Of several meters those that cannot be asked
  // are FAILED targets.
  void submit(Request request, OnSubmit done);

  using OnCancel = std::function<void(Reply<storage::Operation>)>;
  // What has not left is cancelled; what has goes on: see the counts of the answer.
  void cancel(storage::UtilityId utility, OperationId operation, std::string actor, OnCancel done);

  // nullopt: this gateway has nothing of it waiting or under way.
  void place(OperationId operation, std::function<void(std::optional<Place>)> done);

  // Calls back once: on a change beyond version `seen` (0 = at once), at the end, or after `patience`.
  // Refused when too many follow.
  void follow(OperationId operation, std::uint64_t seen, std::chrono::milliseconds patience,
              Followers::Told done);

  // A place for one attempt of somebody else's (the switching engine) at that feed: it counts against the
  // feed's bounds, and goes before all that is queued. Null: the feed does not run, or this stops. One that is
  // not null is given back with free_slot().
  using OnSlot = std::function<void(std::shared_ptr<const CommandFeed>)>;
  void slot(std::string feed, OnSlot granted);
  void free_slot(std::string feed);

  // Results that came through a feed, after what came with them was stored. They may come any number of
  // times; once this says yes they are settled for good. Transient: nothing was, call again.
  sdk::Awaitable<Outcome> take(std::string feed, storage::UtilityId utility,
                               std::span<const ResultObservation> results, MeterOf meter_of);

  // For the gateway's own coroutines, on whichever executor; each comes back on its own.
  sdk::Awaitable<std::vector<FeedFacts>> feeds();
  sdk::Awaitable<void> submit(Request request, std::optional<Reply<Submitted>>& reply);
  sdk::Awaitable<void> take_back(storage::UtilityId utility, OperationId operation);  // by the gateway itself

  [[nodiscard]] Figures figures() const { return figures_.copy(); }

 private:
  struct FeedState;
  struct Sending;
  struct LiveOperation {
    std::uint64_t version = 1;
    std::set<TargetKey> targets;  // that have not ended
    int attempts = 0;
  };
  struct LiveTarget {
    FeedState* feed = nullptr;
    JobPtr job;  // null: waits for the read that goes before
    UtcInstant timer = UtcInstant::max();
    OperationKind kind = OperationKind::Read;
    Waiter waiter;
    MeterId meter = 0;
    std::string vendor_id;
    PacingGroups groups;
    storage::Period period;             // of a Backfill
    std::optional<UtcInstant> read_at;  // of a DemandReset: the end of the read that went before
  };
  using Ends = std::vector<storage::Operations::End>;
  template <class T>
  using StoreCall = std::function<storage::Answer<T>(storage::Operations&)>;

  // engine.cc
  FeedState& feed_state(const std::string& name);
  [[nodiscard]] std::vector<FeedFacts> feed_facts() const;
  [[nodiscard]] std::optional<Place> place_of(OperationId operation) const;
  [[nodiscard]] Followed followed(OperationId operation) const;
  template <class T>
  sdk::Awaitable<storage::Answer<T>> ask(StoreCall<T> call);
  template <class Work>
  void spawn(Work work);  // a coroutine on the strand that this waits for when it stops
  void store_said(const storage::Refusal* refusal);

  // engine_submit.cc
  sdk::Awaitable<Reply<Submitted>> submit_now(Request request);
  sdk::Awaitable<Reply<storage::Operation>> cancel_now(storage::UtilityId utility, OperationId operation,
                                                       std::string actor);
  sdk::Awaitable<storage::Answer<std::vector<storage::MeterWays>>> ways_of(
      const storage::NewOperation& asked);
  std::optional<Refused> route(storage::NewOperation& asked,
                               const std::vector<storage::MeterWays>& ways) const;
  std::optional<Refused> make_room(const storage::NewOperation& asked,
                                   std::map<FeedState*, std::size_t>& taken);
  void adopt_created(const storage::NewOperation& asked, const storage::Operations::Created& created);
  void look_again();

  // engine_live.cc: the copy of targets in memory
  void adopt(FeedState& feed, const storage::OperationTarget& target);
  void enqueue(const TargetKey& key, LiveTarget& target);
  void set_timer(const TargetKey& key, LiveTarget& target, UtcInstant at);
  // A target that has ended in the store, whoever ended it. The only way out of memory but for what another
  // gateway works on.
  void ended(const storage::EndedTarget& target);
  // Targets that are not as they were known: the store says how they have ended; what has not is another's.
  sdk::Awaitable<void> forget(std::vector<TargetKey> keys);
  void drop(const storage::EndedTarget& target);
  void moved(OperationId operation);  // followers are told
  // The far side answered: whoever shares the job has it, too.
  void answered(FeedState& feed, const JobPtr& job, const storage::TargetAnswer& answer);

  // engine_marks.cc
  static sdk::Awaitable<Outcome> before_send(std::shared_ptr<Engine> self, std::shared_ptr<Sending> sending);
  sdk::Awaitable<void> mark(std::shared_ptr<Sending> sending);
  sdk::Awaitable<void> mark_late(FeedState& feed, JobPtr job);

  // engine_slots.cc
  bool serve_slots(FeedState& feed);  // true: nobody waits for one any more

  // engine_attempts.cc
  void pump(FeedState& feed);
  // A reset whose read is too old to stand for what it would destroy.
  [[nodiscard]] bool outdated(const Job& job, UtcInstant now) const;
  void end_outdated(const Job& job, UtcInstant now);
  sdk::Awaitable<void> attempt(FeedState& feed, std::shared_ptr<Sending> sending);
  sdk::Awaitable<void> heed(FeedState& feed, std::shared_ptr<Sending> sending,
                            std::vector<sdk::AttemptAnswer> answers);
  sdk::Awaitable<void> give_back(FeedState& feed, std::shared_ptr<Sending> sending, std::vector<JobPtr> jobs);
  sdk::Awaitable<void> finish(Ends ends);

  // engine_answers.cc
  struct Taking;
  sdk::Awaitable<void> take_now(std::shared_ptr<Taking> taking);

  // engine_resets.cc
  sdk::Awaitable<void> check_resets();
  sdk::Awaitable<void> check_reset(const storage::DueCheck& check);
  // True: it is waited for.
  sdk::Awaitable<bool> read_after(const storage::DueCheck& check);

  // engine_upkeep.cc
  sdk::Awaitable<void> restore(FeedState& feed);
  sdk::Awaitable<void> overdue();
  void clock_was_set_back();
  void publish();

  Parts parts_;
  const Rules rules_;
  boost::asio::any_io_executor strand_;
  storage::Operations store_;
  std::map<std::string, std::unique_ptr<FeedState>> feeds_;
  std::map<OperationId, LiveOperation> operations_;
  std::map<TargetKey, LiveTarget> targets_;
  std::set<std::pair<UtcInstant, TargetKey>> timers_;
  std::map<TargetKey, TargetKey> after_;  // read that goes before -> demand reset
  int restoring_ = 0;                     // feeds
  std::map<TargetKey, storage::EndedTarget>
      ended_meanwhile_;  // while feeds restore: what they read may be older
  Followers followers_;
  FigureBook figures_;
  UtcInstant next_sweep_ = UtcInstant::min(), next_look_ = UtcInstant::min(), next_check_ = UtcInstant::min();
  bool checking_ = false;              // demand resets
  std::set<OperationId> reads_after_;  // them, that are under way
  std::size_t under_way_ = 0;          // coroutines that were spawned
  std::atomic<bool> stopping_{false};
  UtcInstant store_told_{};  // when the log was told that it fails
};

}  // namespace ami::daemon::commands
