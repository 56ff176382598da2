// The copy in memory of targets that have not ended. May be lost at any moment: see restore().
#include <algorithm>

#include "daemon/commands/engine_state.h"

namespace ami::daemon::commands {

using storage::EndedTarget;
using storage::Operations;
using storage::TargetState;

void Engine::adopt(FeedState& feed, const storage::OperationTarget& target) {
  if (targets_.contains(target.key) || ended_meanwhile_.contains(target.key) || storage::ended(target.state))
    return;
  LiveTarget& live = targets_[target.key];
  live.feed = &feed;
  live.kind = target.kind;
  live.meter = target.meter_id;
  live.vendor_id = target.vendor_id;
  live.groups = {target.pacing_group, target.substation, target.collector};
  live.period = target.period.value_or(storage::Period{});
  live.waiter = {target.key, target.priority, target.created_at, target.expires_at,
                 target.state == TargetState::Sent};
  ++feed.live;
  LiveOperation& operation = operations_[target.key.operation];
  operation.targets.insert(target.key);
  operation.attempts = std::max(operation.attempts, target.attempts);
  set_timer(target.key, live, target.expires_at);

  if (target.state == TargetState::Sent) {
    const auto added =
        feed.queue.add(live.waiter, live.kind, live.meter, live.vendor_id, live.groups, live.period);
    live.job = added.job;
    const UtcInstant due = target.answer_due_at.value_or(target.expires_at);
    if (added.job->phase != Job::Phase::Sent)
      feed.queue.restore_sent(added.job, target.transaction, target.sent_at.value_or(target.created_at), due);
    set_timer(target.key, live, due);
  } else if (target.after != 0) {
    const TargetKey read{target.after, target.key.number};
    after_[read] = target.key;
    const auto known = ended_meanwhile_.find(read);
    EndedTarget end{
        read, target.before.value_or(TargetState::Cancelled), {}, target.before_at.value_or(UtcInstant{})};
    if (known != ended_meanwhile_.end()) end = known->second;
    if (storage::ended(end.state)) drop(end);
  } else {
    enqueue(target.key, live);
  }
}

void Engine::enqueue(const TargetKey& key, LiveTarget& target) {
  FeedState& feed = *target.feed;
  const auto added = feed.queue.add(target.waiter, target.kind, target.meter, target.vendor_id, target.groups,
                                    target.period, parts_.clock.now());
  target.job = added.job;
  if (!added.joined) return;
  figures_.count([&](Figures& f) { ++f.feeds[feed.queue.name()].joined; });
  if (added.job->answer) {  // whoever asked before is just being told
    Ends ends{{key, *added.job->answer}};
    spawn([self = shared_from_this(), ends] { return self->finish(ends); });
  } else if (added.job->phase == Job::Phase::Sent) {
    spawn([self = shared_from_this(), &feed, job = added.job] { return self->mark_late(feed, job); });
  }
}

void Engine::set_timer(const TargetKey& key, LiveTarget& target, UtcInstant at) {
  timers_.erase({target.timer, key});
  target.timer = at;
  timers_.emplace(at, key);
}

void Engine::ended(const EndedTarget& end) {
  const auto found = targets_.find(end.key);
  if (found != targets_.end()) {
    const LiveTarget& target = found->second;
    figures_.count([&](Figures& f) {
      ++f.feeds[target.feed->queue.name()].ended[{target.kind, end.state, known_reason(end.reason)}];
    });
    if (target.kind == OperationKind::DemandReset && end.state != TargetState::Failed)
      next_check_ = UtcInstant::min();
  }
  drop(end);
}

sdk::Awaitable<void> Engine::forget(std::vector<TargetKey> keys) {
  const StoreCall<std::vector<EndedTarget>> look = [&](Operations& s) { return s.ends(keys); };
  while (true) {
    const auto ends = co_await ask(look);
    if (ends.ok()) {
      for (const EndedTarget& end : *ends) ended(end);
      for (const TargetKey& key : keys) {
        if (targets_.contains(key)) drop({key, TargetState::Sent, {}, {}});
      }
      co_return;
    }
    if (stopping_) co_return;
    co_await parts_.clock.wait(kStoreAway);
  }
}

void Engine::drop(const EndedTarget& end) {
  const TargetKey key = end.key;
  if (restoring_ > 0 && storage::ended(end.state)) ended_meanwhile_.insert_or_assign(key, end);
  if (const auto found = targets_.find(key); found != targets_.end()) {
    const LiveTarget target = std::move(found->second);
    targets_.erase(found);
    timers_.erase({target.timer, key});
    --target.feed->live;
    if (target.job) {
      target.feed->queue.leave(target.job, key);
      // Nobody waits any more: the far side has answered, or is not expected to.
      if (target.job->waiters.empty()) target.feed->queue.end(target.job);
    }
  }
  if (const auto next = after_.find(key); next != after_.end()) {
    const TargetKey reset = next->second;
    after_.erase(next);
    const auto waits = targets_.find(reset);
    if (waits != targets_.end() && end.state == TargetState::Succeeded) {
      waits->second.read_at = end.at;
      enqueue(reset, waits->second);
      pump(*waits->second.feed);
    } else if (waits != targets_.end() && !storage::ended(end.state)) {
      drop({reset, TargetState::Queued, {}, {}});
    } else if (waits != targets_.end()) {
      storage::TargetAnswer answer;
      answer.state = TargetState::Failed;
      answer.reason = "read_before_failed";
      answer.words = "the read that goes before did not succeed: nothing was reset";
      Ends ends{{reset, answer}};
      spawn([self = shared_from_this(), ends] { return self->finish(ends); });
    }
  }
  const auto operation = operations_.find(key.operation);
  if (operation == operations_.end() || operation->second.targets.erase(key) == 0) return;
  const Followed now{++operation->second.version, !operation->second.targets.empty()};
  if (!now.live) operations_.erase(operation);
  if (!now.live && reads_after_.erase(key.operation) > 0) next_check_ = UtcInstant::min();
  followers_.tell(key.operation, now);
}

void Engine::moved(OperationId operation) {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return;
  followers_.tell(operation, {++found->second.version, true});
}

void Engine::answered(FeedState& feed, const JobPtr& job, const storage::TargetAnswer& answer) {
  if (job->answer) return;
  job->answer = answer;
  if (answer.state == TargetState::Succeeded) {
    const auto after =
        std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.now() - job->sent_at);
    feed.queue.answered(job->kind, after);
  }
}

}  // namespace ami::daemon::commands
