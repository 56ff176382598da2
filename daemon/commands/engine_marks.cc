// SENT is stored before the first byte leaves, for all that an attempt asks or for none.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "daemon/commands/engine_state.h"
#include "meter_model/failpoint.h"

namespace ami::daemon::commands {
namespace asio = boost::asio;
using storage::Operations;

sdk::Awaitable<Outcome> Engine::before_send(std::shared_ptr<Engine> self, std::shared_ptr<Sending> sending) {
  // Runs on the adapter's strand; the engine's state is looked at on its own.
  auto marking = self->mark(sending);
  co_await asio::co_spawn(self->strand_, std::move(marking), asio::use_awaitable);
  if (sending->granted) co_return Done{};
  co_return transient(sending->refusal);
}

sdk::Awaitable<void> Engine::mark(std::shared_ptr<Sending> sending) {
  // An adapter that stops must not tear what is stored from what is remembered.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (std::exchange(sending->asked, true)) co_return;
  std::vector<Operations::Due> due;
  for (const JobPtr& job : sending->jobs) {
    if (job->phase != Job::Phase::Attempting || job->waiters.empty()) {
      sending->changed = true;
      sending->refusal = "what was to be asked has ended meanwhile";
      co_return;
    }
    if (outdated(*job, parts_.clock.now())) {
      sending->changed = true;
      sending->refusal = "the read that goes before is too old";
      co_return;
    }
    for (const Waiter& waiter : job->waiters)
      due.push_back(
          {waiter.key, std::min(sending->expires_at, waiter.expires) + sending->port->limits.grace});
  }
  if (stopping_) {
    sending->refusal = "the gateway is stopping";
    co_return;
  }
  const Operations::Sending row{sending->transaction, sending->of, sending->number, parts_.clock.now()};
  const StoreCall<std::vector<TargetKey>> store = [&](Operations& s) { return s.mark_sent(row, due); };
  const auto answer = co_await ask(store);
  if (!answer.ok()) {
    sending->in_doubt = answer.refusal().kind != storage::Refusal::Kind::Unavailable;
    sending->refusal = "SENT could not be stored: " + answer.refusal().message;
    co_return;
  }
  if (!answer->empty()) {
    sending->changed = true;
    sending->refusal = "what was to be asked has ended meanwhile";
    co_await forget(*answer);
    co_return;
  }
  failpoint("command_sent");
  sending->granted = true;
  std::set<OperationId> touched;
  std::set<TargetKey> marked;
  for (const Operations::Due& target : due) {
    const auto live = targets_.find(target.key);
    if (live != targets_.end()) set_timer(target.key, live->second, target.at);
    touched.insert(target.key.operation);
    marked.insert(target.key);
  }
  for (const JobPtr& job : sending->jobs) {
    job->transaction = sending->transaction;
    job->sent_at = row.at;
    job->expires_at = sending->expires_at;
    for (Waiter& waiter : job->waiters) waiter.sent |= marked.contains(waiter.key);
  }
  for (const OperationId operation : touched) moved(operation);
}

// Those who joined after the job had left: the same attempt is theirs.
sdk::Awaitable<void> Engine::mark_late(FeedState& feed, JobPtr job) {
  std::vector<Operations::Due> due;
  for (Waiter& waiter : job->waiters) {
    if (waiter.sent) continue;
    waiter.sent = true;
    due.push_back({waiter.key, std::min(job->expires_at, waiter.expires) + feed.queue.limits().grace});
  }
  if (due.empty()) co_return;
  const Operations::Sending row{job->transaction, 0, 0, job->sent_at};
  const StoreCall<std::vector<TargetKey>> store = [&](Operations& s) { return s.mark_sent(row, due); };
  while (!stopping_) {
    const auto answer = co_await ask(store);
    if (answer.ok() && answer->empty()) break;
    if (answer.ok()) {
      const std::set<TargetKey> moved_on(answer->begin(), answer->end());
      std::erase_if(due, [&](const Operations::Due& d) { return moved_on.contains(d.key); });
      co_await forget(*answer);
      if (due.empty()) co_return;
    } else {
      co_await parts_.clock.wait(kStoreAway);
    }
  }
  Ends ends;
  for (const Operations::Due& target : due) {
    const auto live = targets_.find(target.key);
    if (live != targets_.end()) set_timer(target.key, live->second, target.at);
    moved(target.key.operation);
    if (job->answer) ends.push_back({target.key, *job->answer});  // it came before they could be found by it
  }
  if (!ends.empty()) co_await finish(ends);
}

}  // namespace ami::daemon::commands
