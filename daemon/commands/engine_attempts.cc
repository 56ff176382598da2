// From the queue to the adapter, and what it answers at once.
#include <algorithm>

#include "daemon/commands/engine_state.h"
#include "daemon/commands/transaction.h"
#include "daemon/log/messages.h"

namespace ami::daemon::commands {
using sdk::AttemptAnswer;
using sdk::AttemptState;
using storage::Operations;
using storage::TargetAnswer;
using storage::TargetState;

namespace {

AttemptAnswer unknown(std::string reason, std::string words) {
  AttemptAnswer answer;
  answer.reason = std::move(reason);
  answer.words = std::move(words);
  return answer;
}
AttemptAnswer not_sent(std::string words) {
  AttemptAnswer answer = unknown("not_sent", std::move(words));
  answer.state = AttemptState::Failed;
  return answer;
}

bool surely_not_left(const AttemptAnswer& answer) {
  return answer.state == AttemptState::Failed &&
         (answer.reason == "not_sent" || answer.reason == "unreachable");
}

}  // namespace

void Engine::pump(FeedState& feed) {
  if (!serve_slots(feed)) return;
  while (!stopping_ && feed.port && feed.ready && feed.pause_until <= parts_.clock.now()) {
    if (feed.failures > 0 && feed.queue.attempting() > 0) return;
    const auto sending = std::make_shared<Sending>();
    const UtcInstant now = parts_.clock.now();
    sending->jobs = feed.queue.take(now);
    if (sending->jobs.empty()) return;
    if (outdated(*sending->jobs.front(), now)) {
      end_outdated(*sending->jobs.front(), now);
      continue;
    }
    sending->port = feed.port;
    UtcInstant last = now;
    for (const JobPtr& job : sending->jobs) {
      for (const Waiter& waiter : job->waiters) last = std::max(last, waiter.expires);
    }
    sending->expires_at = std::min(now + feed.port->limits.expiry, last);
    sending->of = sending->jobs.front()->waiters.front().key.operation;
    sending->number = ++operations_.at(sending->of).attempts;
    sending->transaction = transaction_id(sending->of, sending->number, now);
    figures_.count([&](Figures& f) { ++f.feeds[feed.queue.name()].attempts; });
    spawn([self = shared_from_this(), &feed, sending] { return self->attempt(feed, sending); });
  }
}

// A time that lies ahead says as little as one that is long past: clocks are set back, too.
bool Engine::outdated(const Job& job, UtcInstant now) const {
  if (job.kind != OperationKind::DemandReset) return false;
  return std::ranges::any_of(job.waiters, [&](const Waiter& waiter) {
    const auto live = targets_.find(waiter.key);
    if (live == targets_.end() || !live->second.read_at) return false;
    return now - *live->second.read_at > rules_.read_before_age ||
           *live->second.read_at - now > rules_.read_before_age;
  });
}

void Engine::end_outdated(const Job& job, UtcInstant now) {
  TargetAnswer answer;
  answer.state = TargetState::Failed;
  answer.reason = "read_before_failed";
  Ends ends;
  for (const Waiter& waiter : job.waiters) {
    const auto live = targets_.find(waiter.key);
    const auto age =
        live == targets_.end() ? UtcInstant::duration{} : now - live->second.read_at.value_or(now);
    answer.words = "the read that goes before was " +
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count()) +
                   " s old before the reset could leave: nothing was reset";
    ends.push_back({waiter.key, answer});
  }
  spawn([self = shared_from_this(), ends] { return self->finish(ends); });
}

sdk::Awaitable<void> Engine::attempt(FeedState& feed, std::shared_ptr<Sending> sending) {
  sdk::Attempt order;
  order.transaction = sending->transaction;
  order.kind = command_of(sending->jobs.front()->kind);
  for (const JobPtr& job : sending->jobs) order.meters.push_back(job->vendor_id);
  order.expires_at = sending->expires_at;
  if (sending->jobs.front()->kind == OperationKind::Backfill) {
    order.from = sending->jobs.front()->period.from;
    order.to = sending->jobs.front()->period.to;
  }
  order.before_send = [self = shared_from_this(), sending] { return before_send(self, sending); };
  std::vector<AttemptAnswer> answers;
  std::string defect;
  try {
    auto asked = sending->port->attempt(std::move(order));
    answers = co_await std::move(asked);
  } catch (const std::exception& error) {
    defect = error.what();
  }
  if (answers.size() != sending->jobs.size()) {
    if (defect.empty()) defect = "the adapter answered for " + std::to_string(answers.size()) + " meters";
    parts_.log.write(messages::kCommandAdapterDefect,
                     {{"feed", feed.queue.name()}, {"transaction", sending->transaction}, {"error", defect}});
    answers.assign(sending->jobs.size(),
                   sending->granted ? unknown("adapter_defect", defect) : not_sent(defect));
  }
  co_await heed(feed, sending, std::move(answers));
  pump(feed);
}

sdk::Awaitable<void> Engine::heed(FeedState& feed, std::shared_ptr<Sending> sending,
                                  std::vector<AttemptAnswer> answers) {
  Ends ends, notes;
  std::vector<JobPtr> back, waiting;
  bool answered_well = false;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const JobPtr& job = sending->jobs[i];
    AttemptAnswer& answer = answers[i];
    if (job->phase == Job::Phase::Ended) continue;  // it was answered another way, or nobody waits any more
    TargetAnswer end{
        TargetState::Unknown,
        answer.reason,
        answer.words,
        answer.power == sdk::PowerState::Unknown ? "" : std::string(name_of(answer.power)),
        answer.position == sdk::SwitchPosition::Unknown ? "" : std::string(name_of(answer.position)),
        answer.at};
    if (!sending->granted && answer.state != AttemptState::Failed) {
      // It broke its contract: it may have sent what is not stored as sent.
      parts_.log.write(messages::kCommandAdapterDefect,
                       {{"feed", feed.queue.name()},
                        {"transaction", sending->transaction},
                        {"error", "it answered without asking before it sent"}});
      end.reason = "sent_unmarked";
    } else if (surely_not_left(answer) &&
               (job->kind != OperationKind::DemandReset || (!sending->granted && !sending->in_doubt))) {
      back.push_back(job);
      continue;
    } else if (answer.state == AttemptState::Waiting || answer.state == AttemptState::Unknown) {
      waiting.push_back(job);
      if (answer.state == AttemptState::Unknown) {
        for (const Waiter& waiter : job->waiters) notes.push_back({waiter.key, end});
      } else {
        answered_well = true;
      }
      continue;
    } else {
      end.state = answer.state == AttemptState::Succeeded ? TargetState::Succeeded : TargetState::Failed;
      if (end.state == TargetState::Succeeded) end.reason.clear();
      answered_well |= !surely_not_left(answer);
    }
    answered(feed, job, end);
    for (const Waiter& waiter : job->waiters) ends.push_back({waiter.key, end});
  }
  if (answered_well) {
    feed.failures = 0;
    feed.pause.reset();
  }
  for (const JobPtr& job : waiting) {
    feed.queue.sent(job);
    spawn([self = shared_from_this(), &feed, job] { return self->mark_late(feed, job); });
  }
  if (!notes.empty()) {
    const StoreCall<Done> note = [&](Operations& s) { return s.note(notes); };
    (void)co_await ask(note);  // words only: the due time decides without them
  }
  if (!back.empty()) co_await give_back(feed, sending, std::move(back));
  if (!ends.empty()) co_await finish(std::move(ends));
}

// Nothing of these has left: they go back into the queue, and the feed rests unless it is no fault of its far
// side.
sdk::Awaitable<void> Engine::give_back(FeedState& feed, std::shared_ptr<Sending> sending,
                                       std::vector<JobPtr> jobs) {
  std::vector<TargetKey> keys;
  for (const JobPtr& job : jobs) {
    for (const Waiter& waiter : job->waiters) keys.push_back(waiter.key);
  }
  const StoreCall<std::vector<TargetKey>> requeue = [&](Operations& s) {
    return s.requeue(keys, sending->transaction);
  };
  while ((sending->granted || sending->in_doubt) && !stopping_) {
    const auto answer = co_await ask(requeue);
    if (answer.ok()) break;
    co_await parts_.clock.wait(kStoreAway);
  }
  const UtcInstant now = parts_.clock.now();
  UtcInstant until = now;
  if (!sending->changed) {
    ++feed.failures;
    if (feed.pause_until <= now)
      feed.pause_until = now + feed.pause.next();  // one pause for all that fails at once
    until = feed.pause_until;
  }
  figures_.count([&](Figures& f) { f.feeds[feed.queue.name()].not_left += jobs.size(); });
  for (const JobPtr& job : jobs) {
    if (job->phase == Job::Phase::Ended) continue;
    for (Waiter& waiter : job->waiters) {
      waiter.sent = false;
      if (const auto live = targets_.find(waiter.key); live != targets_.end())
        set_timer(waiter.key, live->second, waiter.expires);
    }
    if (job->waiters.empty()) {
      feed.queue.end(job);
    } else {
      feed.queue.rest(job, until);
    }
  }
}

sdk::Awaitable<void> Engine::finish(Ends ends) {
  const StoreCall<std::vector<storage::EndedTarget>> store = [&](Operations& s) {
    return s.finish(ends, parts_.clock.now());
  };
  while (true) {
    const auto answer = co_await ask(store);
    if (answer.ok()) {
      for (const storage::EndedTarget& target : *answer) ended(target);
      co_return;
    }
    if (stopping_) co_return;  // it stays SENT until its due time
    co_await parts_.clock.wait(kStoreAway);
  }
}

}  // namespace ami::daemon::commands
