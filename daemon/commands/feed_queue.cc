#include "daemon/commands/feed_queue.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace ami::daemon::commands {
namespace {

constexpr double kNewestAnswer = 0.2;  // its weight in the average
constexpr std::chrono::seconds kMinute{60};
constexpr int kBackfillPriority = -1;        // callers' begin at 0
constexpr std::chrono::seconds kSteered{1};  // back at most, of a clock that is not set

bool changes_the_meter(OperationKind kind) {
  return kind == OperationKind::DemandReset;
}

Job::Rank rank_of(OperationKind kind, const Waiter& waiter) {
  const int priority = kind == OperationKind::Backfill ? kBackfillPriority : waiter.priority;
  return {priority, waiter.created, waiter.key};
}

// Has left, and the far side has dropped it since; only answers that are on their way still come.
bool lapsed(const Job& job, UtcInstant now) {
  const bool left = job.phase == Job::Phase::Sent || job.phase == Job::Phase::Attempting;
  return left && !job.transaction.empty() && !job.answer && job.expires_at <= now;
}

std::size_t less(std::size_t whole, std::size_t part) {
  return whole > part ? whole - part : 0;
}

}  // namespace

FeedQueue::Added FeedQueue::add(const Waiter& waiter, OperationKind kind, MeterId meter,
                                const std::string& vendor_id, const PacingGroups& groups,
                                const storage::Period& period, UtcInstant now) {
  const auto [entry, fresh] = jobs_.try_emplace({kind, meter, period.from, period.to});
  JobPtr& job = entry->second;
  const Job::Rank rank = rank_of(kind, waiter);
  if (!fresh && !lapsed(*job, now)) {
    if (rank < job->rank) {  // the whole job moves forward
      const bool queued = job->phase == Job::Phase::Queued;
      Lane& lane = lanes_[job->groups];
      if (queued) lane.erase(job);
      job->rank = rank;
      if (queued) lane.insert(job);
      if (lane.empty()) lanes_.erase(job->groups);
    }
    job->waiters.push_back(waiter);
    return {job, true};
  }
  job = std::make_shared<Job>();
  job->kind = kind;
  job->meter = meter;
  job->vendor_id = vendor_id;
  job->groups = groups;
  job->period = period;
  job->rank = rank;
  job->waiters.push_back(waiter);
  lanes_[groups].insert(job);
  ++waiting_;
  return {job, false};
}

bool FeedQueue::by_meter(const Job& job) const {
  return job.kind != OperationKind::Backfill || !from_books();
}

template <class F>
void FeedQueue::each_group(const PacingGroups& groups, F&& with) const {
  const std::pair<const std::string&, std::size_t> all[] = {{groups.feeder, pacing_.feeder},
                                                            {groups.substation, pacing_.substation},
                                                            {groups.collector, pacing_.collector}};
  for (std::size_t kind = 0; kind < std::size(all); ++kind) {
    const auto& [name, most] = all[kind];
    if (!name.empty() && most != 0) with(kind, name, most);
  }
}

bool FeedQueue::full(const PacingGroups& groups) const {
  bool out = false;
  each_group(groups, [&](std::size_t kind, const std::string& name, std::size_t most) {
    const auto found = group_in_flight_.at(kind).find(name);
    out |= found != group_in_flight_.at(kind).end() && found->second >= most;
  });
  return out;
}

void FeedQueue::fly(Job& job) {
  ++in_flight_;
  backfills_ += job.kind == OperationKind::Backfill;
  job.counted = by_meter(job);
  if (!job.counted) return;
  each_group(job.groups, [&](std::size_t kind, const std::string& name, std::size_t) {
    ++group_in_flight_.at(kind)[name];
  });
}

void FeedQueue::land(Job& job) {
  --in_flight_;
  backfills_ -= job.kind == OperationKind::Backfill;
  if (!std::exchange(job.counted, false)) return;
  each_group(job.groups, [&](std::size_t kind, const std::string& name, std::size_t) {
    auto& counts = group_in_flight_.at(kind);
    const auto found = counts.find(name);
    if (--found->second == 0) counts.erase(found);
  });
}

void FeedQueue::restore_sent(const JobPtr& job, const std::string& transaction, UtcInstant sent_at,
                             UtcInstant expires_at) {
  if (job->phase == Job::Phase::Queued || job->phase == Job::Phase::Resting) {
    take_out(job);
    fly(*job);
  } else if (job->phase == Job::Phase::Attempting) {
    --attempting_;
  }
  job->phase = Job::Phase::Sent;
  job->transaction = transaction;
  job->sent_at = sent_at;
  job->expires_at = expires_at;
}

// Meters that may still be asked in this minute. Under one a minute: one in the time that it then takes.
FeedQueue::Room FeedQueue::room_in_window(UtcInstant now) {
  const double a_minute = std::max(limits_.per_minute, 1e-3);
  const auto span = a_minute >= 1 ? std::chrono::duration_cast<std::chrono::milliseconds>(kMinute)
                                  : std::chrono::milliseconds{static_cast<std::int64_t>(60'000 / a_minute)};
  const auto most = static_cast<std::size_t>(std::max(1.0, std::floor(std::min(a_minute, 1e9))));
  for (Asked& one : window_) one.at = std::min(one.at, now);
  while (!window_.empty() && window_.front().at + span <= now) window_.pop_front();
  std::size_t asked = 0, backfills = 0;
  for (const Asked& one : window_) (one.backfill ? backfills : asked) += one.count;
  return {less(most, asked + backfills), less(share_of(most, pacing_.backfill_percent), backfills)};
}

FeedQueue::Room FeedQueue::room_in_flight() const {
  const std::size_t share = share_of(limits_.in_flight, pacing_.backfill_percent);
  if (!from_books()) return {less(limits_.in_flight, in_flight_), less(share, backfills_)};
  const std::size_t one = backfills_ > 0 ? 1 : 0;
  return {less(limits_.in_flight, in_flight_ - backfills_ + one), 1 - one};
}

FeedQueue::Lane* FeedQueue::next_lane(const Job* with) {
  Lane* best = nullptr;
  for (auto& [groups, lane] : lanes_) {
    if (lane.empty()) continue;
    const Job& first = **lane.begin();
    if (with != nullptr && (first.kind != with->kind || first.period != with->period)) continue;
    if (by_meter(first) && full(groups)) continue;
    if (best == nullptr || first.rank < (*best->begin())->rank) best = &lane;
  }
  return best;
}

void FeedQueue::wake(UtcInstant now) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    const JobPtr job = resting_.begin()->second;
    take_out(job);
    job->phase = Job::Phase::Queued;
    lanes_[job->groups].insert(job);
    ++waiting_;
  }
}

std::vector<JobPtr> FeedQueue::take(UtcInstant now) {
  wake(now + kSteered < last_ ? UtcInstant::max() : now);
  last_ = now;
  const Room minute = room_in_window(now), flight = room_in_flight();
  const std::size_t room = std::min(flight.all, minute.all);
  // What a backfill finds in front of it is all gone: it goes last, so nothing else waits then.
  const std::size_t room_backfill = std::min({room, flight.backfill, minute.backfill});
  std::vector<JobPtr> out;
  std::size_t most = 1;
  while (out.size() < most) {
    Lane* const lane = next_lane(out.empty() ? nullptr : out.front().get());
    if (lane == nullptr) break;
    const JobPtr job = *lane->begin();
    if (out.empty()) {
      if (job->kind != OperationKind::Backfill) {
        most = changes_the_meter(job->kind) ? std::min<std::size_t>(room, 1)
                                            : std::min(room, std::max<std::size_t>(limits_.targets, 1));
      } else {
        most = from_books() && room_backfill > 0 ? limits_.backfill_targets
                                                 : std::min<std::size_t>(room_backfill, 1);
      }
      if (most == 0) break;
    }
    take_out(job);
    job->phase = Job::Phase::Attempting;
    fly(*job);
    ++attempting_;
    out.push_back(job);
  }
  if (!out.empty()) {
    const bool backfill = out.front()->kind == OperationKind::Backfill;
    window_.push_back({now, by_meter(*out.front()) ? out.size() : 1, backfill});
  }
  return out;
}

void FeedQueue::take_out(const JobPtr& job) {
  if (job->phase == Job::Phase::Queued) {
    const auto lane = lanes_.find(job->groups);
    lane->second.erase(job);
    if (lane->second.empty()) lanes_.erase(lane);
    --waiting_;
  } else if (job->phase == Job::Phase::Resting) {
    const auto until = rests_until_.find(job);
    resting_.erase({until->second, job});
    rests_until_.erase(until);
    --waiting_;
  }
}

void FeedQueue::sent(const JobPtr& job) {
  if (job->phase != Job::Phase::Attempting) return;
  job->phase = Job::Phase::Sent;
  --attempting_;
}

void FeedQueue::rest(const JobPtr& job, UtcInstant until) {
  if (job->phase != Job::Phase::Attempting && job->phase != Job::Phase::Sent) return;
  if (job->phase == Job::Phase::Attempting) --attempting_;
  land(*job);
  job->transaction.clear();
  job->phase = Job::Phase::Resting;
  resting_.emplace(until, job);
  rests_until_.emplace(job, until);
  ++waiting_;
}

void FeedQueue::end(const JobPtr& job) {
  if (job->phase == Job::Phase::Ended) return;
  const JobPtr kept = job;  // the caller's may be the one in the map
  if (kept->phase == Job::Phase::Attempting || kept->phase == Job::Phase::Sent) {
    if (kept->phase == Job::Phase::Attempting) --attempting_;
    land(*kept);
  } else {
    take_out(kept);
  }
  kept->phase = Job::Phase::Ended;
  // One that lapsed has made room for another.
  const auto named = jobs_.find({kept->kind, kept->meter, kept->period.from, kept->period.to});
  if (named != jobs_.end() && named->second == kept) jobs_.erase(named);
}

bool FeedQueue::borrow(UtcInstant now) {
  if (room_in_flight().all == 0 || room_in_window(now).all == 0) return false;
  ++in_flight_;
  window_.push_back({now, 1, false});
  return true;
}

void FeedQueue::give_back() {
  --in_flight_;
}

void FeedQueue::leave(const JobPtr& job, TargetKey key) {
  const JobPtr kept = job;
  std::erase_if(kept->waiters, [&](const Waiter& waiter) { return waiter.key == key; });
  const bool idle = kept->phase == Job::Phase::Queued || kept->phase == Job::Phase::Resting;
  if (kept->waiters.empty() && idle) end(kept);
}

void FeedQueue::answered(OperationKind kind, std::chrono::milliseconds after) {
  const auto [entry, fresh] = answer_ms_.try_emplace(kind, static_cast<double>(after.count()));
  if (!fresh) entry->second += kNewestAnswer * (static_cast<double>(after.count()) - entry->second);
}

std::size_t FeedQueue::ahead_of(const Job::Rank& rank) const {
  const auto probe = std::make_shared<Job>();
  probe->rank = rank;
  std::size_t ahead = 0;
  for (const auto& [groups, lane] : lanes_) ahead += lane.order_of_key(probe);
  return ahead;
}

std::optional<std::chrono::seconds> FeedQueue::expected(OperationKind kind, std::size_t ahead) const {
  if (answer_ms_.empty()) return std::nullopt;
  const auto average = answer_ms_.find(kind);
  const double answer_ms =
      average != answer_ms_.end()
          ? average->second
          : std::ranges::max_element(answer_ms_, {}, [](const auto& one) { return one.second; })->second;
  const bool backfill = kind == OperationKind::Backfill;
  const double answer_s = std::max(answer_ms / 1000, 0.001);
  const double share = backfill ? pacing_.backfill_percent / 100.0 : 1;
  const double together = backfill && from_books() ? static_cast<double>(limits_.backfill_targets) : 1;
  const double at_once =
      backfill && from_books() ? 1 : std::max(static_cast<double>(limits_.in_flight) * share, 1.0);
  const double by_rate = std::max(limits_.per_minute, 1e-3) / 60 * share;
  const double total =
      static_cast<double>(ahead) / (std::min(by_rate, at_once / answer_s) * together) + answer_s;
  return std::chrono::seconds{static_cast<std::int64_t>(std::ceil(std::min(total, 1e9)))};
}

}  // namespace ami::daemon::commands
