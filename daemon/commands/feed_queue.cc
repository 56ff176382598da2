#include "daemon/commands/feed_queue.h"

#include <algorithm>
#include <cmath>

namespace ami::daemon::commands {
namespace {

constexpr double kNewestAnswer = 0.2;  // its weight in the average
constexpr std::chrono::seconds kMinute{60};

bool changes_the_meter(OperationKind kind) {
  return kind == OperationKind::DemandReset;
}

Job::Rank rank_of(const Waiter& waiter) {
  return {waiter.priority, waiter.created, waiter.key};
}

}  // namespace

FeedQueue::Added FeedQueue::add(const Waiter& waiter, OperationKind kind, MeterId meter,
                                const std::string& vendor_id, const std::string& group) {
  const auto [entry, fresh] = jobs_.try_emplace({kind, meter});
  JobPtr& job = entry->second;
  if (!fresh) {
    if (rank_of(waiter) < job->rank) {  // the whole job moves forward
      const bool queued = job->phase == Job::Phase::Queued;
      auto& list = groups_[job->group].queued;
      if (queued) list.erase(job);
      job->rank = rank_of(waiter);
      if (queued) list.insert(job);
    }
    job->waiters.push_back(waiter);
    return {job, true};
  }
  job = std::make_shared<Job>();
  job->kind = kind;
  job->meter = meter;
  job->vendor_id = vendor_id;
  job->group = group;
  job->rank = rank_of(waiter);
  job->waiters.push_back(waiter);
  groups_[group].queued.insert(job);
  ++waiting_;
  return {job, false};
}

void FeedQueue::restore_sent(const JobPtr& job, const std::string& transaction, UtcInstant sent_at,
                             UtcInstant expires_at) {
  if (job->phase == Job::Phase::Queued || job->phase == Job::Phase::Resting) {
    take_out(job);
    ++groups_[job->group].in_flight;
    ++in_flight_;
  } else if (job->phase == Job::Phase::Attempting) {
    --attempting_;
  }
  job->phase = Job::Phase::Sent;
  job->transaction = transaction;
  job->sent_at = sent_at;
  job->expires_at = expires_at;
}

// Meters that may still be asked in this minute. Under one a minute: one in the time that it then takes.
std::size_t FeedQueue::room_in_window(UtcInstant now) {
  const double a_minute = std::max(limits_.per_minute, 1e-3);
  const auto span = a_minute >= 1 ? std::chrono::duration_cast<std::chrono::milliseconds>(kMinute)
                                  : std::chrono::milliseconds{static_cast<std::int64_t>(60'000 / a_minute)};
  const auto most = static_cast<std::size_t>(std::max(1.0, std::floor(std::min(a_minute, 1e9))));
  while (!window_.empty() && window_.front().first + span <= now) window_.pop_front();
  std::size_t asked = 0;
  for (const auto& [at, count] : window_) asked += count;
  return asked >= most ? 0 : most - asked;
}

FeedQueue::Group* FeedQueue::next_group(std::optional<OperationKind> kind) {
  Group* best = nullptr;
  for (auto& [name, group] : groups_) {
    if (group.queued.empty()) continue;
    if (!name.empty() && group_bound_ != 0 && group.in_flight >= group_bound_) continue;
    const JobPtr& first = *group.queued.begin();
    if (kind && first->kind != *kind) continue;
    if (best == nullptr || first->rank < (*best->queued.begin())->rank) best = &group;
  }
  return best;
}

void FeedQueue::wake(UtcInstant now) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    const JobPtr job = resting_.begin()->second;
    take_out(job);
    job->phase = Job::Phase::Queued;
    groups_[job->group].queued.insert(job);
    ++waiting_;
  }
}

std::vector<JobPtr> FeedQueue::take(UtcInstant now) {
  wake(now);
  std::vector<JobPtr> out;
  const std::size_t room = std::min({limits_.in_flight > in_flight_ ? limits_.in_flight - in_flight_ : 0,
                                     room_in_window(now), std::max<std::size_t>(limits_.targets, 1)});
  std::optional<OperationKind> kind;
  while (out.size() < room) {
    Group* const group = next_group(kind);
    if (group == nullptr) break;
    const JobPtr job = *group->queued.begin();
    if (!out.empty() && changes_the_meter(job->kind)) break;
    kind = job->kind;
    take_out(job);
    job->phase = Job::Phase::Attempting;
    ++group->in_flight;
    ++in_flight_;
    ++attempting_;
    out.push_back(job);
    if (changes_the_meter(job->kind)) break;
  }
  if (!out.empty()) window_.emplace_back(now, out.size());
  return out;
}

void FeedQueue::take_out(const JobPtr& job) {
  if (job->phase == Job::Phase::Queued) {
    groups_[job->group].queued.erase(job);
    --waiting_;
  } else if (job->phase == Job::Phase::Resting) {
    const auto until = rests_until_.find(job);
    resting_.erase({until->second, job});
    rests_until_.erase(until);
    --waiting_;
  } else {
    return;
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
  --groups_[job->group].in_flight;
  --in_flight_;
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
    --groups_[kept->group].in_flight;
    --in_flight_;
  } else {
    take_out(kept);
  }
  kept->phase = Job::Phase::Ended;
  jobs_.erase({kept->kind, kept->meter});
  const auto group = groups_.find(kept->group);
  if (group->second.queued.empty() && group->second.in_flight == 0) {
    const bool rests =
        std::ranges::any_of(resting_, [&](const auto& r) { return r.second->group == kept->group; });
    if (!rests) groups_.erase(group);
  }
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
  for (const auto& [name, group] : groups_) {
    ahead += static_cast<std::size_t>(std::distance(group.queued.begin(), group.queued.lower_bound(probe)));
  }
  return ahead;
}

std::optional<std::chrono::seconds> FeedQueue::expected(OperationKind kind, std::size_t ahead) const {
  const auto average = answer_ms_.find(kind);
  if (average == answer_ms_.end()) return std::nullopt;
  const double answer_s = std::max(average->second / 1000, 0.001);
  const double by_rate = std::max(limits_.per_minute, 1e-3) / 60;
  const double by_flight = static_cast<double>(std::max<std::size_t>(limits_.in_flight, 1)) / answer_s;
  const double total = static_cast<double>(ahead) / std::min(by_rate, by_flight) + answer_s;
  return std::chrono::seconds{static_cast<std::int64_t>(std::ceil(std::min(total, 1e9)))};
}

}  // namespace ami::daemon::commands
