// What one feed is to be asked, in which order and how fast. Pure: no clock, no database, no threads of its
// own.
#pragma once

#include <array>
#include <deque>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "adapters/sdk/command.h"
#include "daemon/commands/request.h"

namespace ami::daemon::commands {

// What meters share on their way; of each so many are asked at once. Empty = not known, so not bound.
struct PacingGroups {
  std::string feeder{}, substation{}, collector{};
  auto operator<=>(const PacingGroups&) const = default;
};
struct Pacing {
  std::size_t feeder = 0, substation = 0, collector = 0;  // meters in flight of one; 0 = no bound
  int backfill_percent = 25;                              // of what the far side takes, at most
};

// A target that waits for the answer of a job.
struct Waiter {
  TargetKey key;
  int priority = 0;
  UtcInstant created{}, expires{};
  bool sent = false;  // so it is stored
};

// One meter that is asked one thing: equal requests share it.
struct Job {
  enum class Phase : std::uint8_t {
    Queued,
    Resting,     // failed without having left; goes back into the queue later
    Attempting,  // handed to the adapter
    Sent,        // has left; the answer is waited for
    Ended,
  };
  struct Rank {  // order in the queue
    int priority = 0;
    UtcInstant created{};
    TargetKey key;
    friend bool operator<(const Rank& a, const Rank& b) {
      if (a.priority != b.priority) return a.priority > b.priority;
      if (a.created != b.created) return a.created < b.created;
      return a.key < b.key;
    }
  };

  OperationKind kind = OperationKind::Read;
  MeterId meter = 0;
  std::string vendor_id;
  PacingGroups groups;
  storage::Period period;  // of a Backfill
  std::vector<Waiter> waiters;
  Phase phase = Phase::Queued;
  Rank rank;
  std::string transaction;                      // of the attempt that is under way
  UtcInstant sent_at{}, expires_at{};           // of that attempt
  bool counted = false;                         // it stands in the counts of its groups
  std::optional<storage::TargetAnswer> answer;  // that ended it: late joiners share it, too
};
using JobPtr = std::shared_ptr<Job>;

// Used on one strand.
class FeedQueue {
 public:
  FeedQueue(std::string name, Pacing pacing) : name_(std::move(name)), pacing_(pacing) {}

  void limits(const sdk::CommandLimits& limits) { limits_ = limits; }
  [[nodiscard]] const sdk::CommandLimits& limits() const noexcept { return limits_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  struct Added {
    JobPtr job;
    bool joined = false;  // it was there already
  };
  // A read or ping of a meter that is asked the same shares its job, whatever the job's phase, unless that
  // has left and its time is over at `now`: the far side has dropped it. A backfill, when its period is the
  // same. A demand reset has a job of its own: the store sees to it that there is one a meter. A backfill
  // goes after all else, whatever its waiter's priority.
  Added add(const Waiter& waiter, OperationKind kind, MeterId meter, const std::string& vendor_id,
            const PacingGroups& groups, const storage::Period& period = {},
            UtcInstant now = UtcInstant::min());
  // A target that has left, of an earlier run: it counts as in flight.
  void restore_sent(const JobPtr& job, const std::string& transaction, UtcInstant sent_at,
                    UtcInstant expires_at);

  // The next attempt, in order, all of one kind and period: empty = nothing may be asked now. What changes a
  // meter goes alone. They are Attempting from then on and count against every bound. Where the far side
  // gives a period of many meters out of its own books (CommandLimits::backfill_targets), such an attempt is
  // one question whatever its meters, of which one is under way at a time. When `now` goes back all rests are
  // over, and what was asked in a time that is yet to come counts as asked now.
  std::vector<JobPtr> take(UtcInstant now);
  void sent(const JobPtr& job);                    // Attempting -> Sent
  void rest(const JobPtr& job, UtcInstant until);  // Attempting -> Resting: has not left
  void end(const JobPtr& job);                     // any -> Ended
  // Room for one meter that somebody else asks; false: none now. It counts as in flight until given back.
  bool borrow(UtcInstant now);
  void give_back();
  // Takes a waiter off its job; a job that is Queued or Resting and has none left ends.
  void leave(const JobPtr& job, TargetKey key);

  void answered(OperationKind kind, std::chrono::milliseconds after);  // a far side's answer
  // Jobs that are asked before one of this rank.
  [[nodiscard]] std::size_t ahead_of(const Job::Rank& rank) const;
  // Until the answer of a job with so many before it. Of a kind that was never answered: by the slowest
  // other.
  [[nodiscard]] std::optional<std::chrono::seconds> expected(OperationKind kind, std::size_t ahead) const;

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }      // jobs Queued or Resting
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }  // jobs Attempting or Sent
  [[nodiscard]] std::size_t attempting() const noexcept { return attempting_; }

 private:
  struct ByRank {
    bool operator()(const JobPtr& a, const JobPtr& b) const { return a->rank < b->rank; }
  };
  // Queued jobs that share all their groups; knows how many stand before a rank without counting them.
  using Lane = __gnu_pbds::tree<JobPtr, __gnu_pbds::null_type, ByRank, __gnu_pbds::rb_tree_tag,
                                __gnu_pbds::tree_order_statistics_node_update>;
  using Name = std::tuple<OperationKind, MeterId, UtcInstant, UtcInstant>;
  struct Asked {
    UtcInstant at{};
    std::size_t count = 0;
    bool backfill = false;
  };
  struct Room {
    std::size_t all = 0, backfill = 0;
  };

  [[nodiscard]] bool from_books() const { return limits_.backfill_targets > 1; }
  [[nodiscard]] bool by_meter(const Job& job) const;
  template <class F>
  void each_group(const PacingGroups& groups, F&& with) const;  // that is known and bound
  [[nodiscard]] bool full(const PacingGroups& groups) const;
  void fly(Job& job);                // it counts as in flight
  void land(Job& job);               // no longer
  Lane* next_lane(const Job* with);  // of which the first may join `with` (null: may go)
  Room room_in_window(UtcInstant now);
  Room room_in_flight() const;
  void take_out(const JobPtr& job);  // of whichever list its phase has it in
  void wake(UtcInstant now);

  const std::string name_;
  const Pacing pacing_;
  sdk::CommandLimits limits_;
  std::map<Name, JobPtr> jobs_;
  std::map<PacingGroups, Lane> lanes_;
  std::array<std::map<std::string, std::size_t>, 3> group_in_flight_;  // by kind of group, then its name
  std::set<std::pair<UtcInstant, JobPtr>> resting_;
  std::map<JobPtr, UtcInstant> rests_until_;
  std::deque<Asked> window_;             // meters asked, by time
  UtcInstant last_ = UtcInstant::min();  // that something was asked for
  std::size_t waiting_ = 0, in_flight_ = 0, attempting_ = 0;
  std::size_t backfills_ = 0;                  // of those in flight
  std::map<OperationKind, double> answer_ms_;  // moving average
};

}  // namespace ami::daemon::commands
