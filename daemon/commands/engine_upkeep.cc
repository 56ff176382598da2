// What time brings: due answers, expired requests, pauses that are over; and taking up what an earlier run
// left.
#include <algorithm>

#include "daemon/commands/engine_state.h"
#include "daemon/log/messages.h"

namespace ami::daemon::commands {

using storage::Operations;
using storage::OperationTarget;
using storage::TargetState;

namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kSweep{60};     // for what is not in memory
constexpr std::chrono::seconds kLookAgain{1};  // at most so often for what is
constexpr std::chrono::seconds kSetBack{1};    // less is no more than a clock that is steered
constexpr std::size_t kFullAnswer = 5000;

}  // namespace

sdk::Awaitable<void> Engine::keep() {
  const auto self = shared_from_this();
  UtcInstant last = parts_.clock.now();
  while (!stopping_) {
    const UtcInstant now = parts_.clock.now();
    if (now < last - kSetBack) clock_was_set_back();
    last = now;
    const bool due = !timers_.empty() && timers_.begin()->first <= now;
    if (now >= next_sweep_ || (due && now >= next_look_)) co_await overdue();
    for (auto& [name, feed] : feeds_) pump(*feed);
    if (now >= next_check_ && !checking_) {
      spawn([self] { return self->check_resets(); });
    }
    followers_.expire(now, [this](OperationId operation) { return followed(operation); });
    publish();
    co_await parts_.clock.wait(kTick);
  }
  for (auto& [name, feed] : feeds_) serve_slots(*feed);
  while (under_way_ > 0) co_await parts_.clock.wait(kTick);
  followers_.expire(UtcInstant::max(), [this](OperationId operation) { return followed(operation); });
  publish();
}

sdk::Awaitable<void> Engine::overdue() {
  const UtcInstant now = parts_.clock.now();
  next_look_ = now + kLookAgain;
  while (!stopping_) {
    const StoreCall<std::vector<storage::EndedTarget>> store = [&](Operations& s) {
      return s.end_overdue(now);
    };
    const auto answer = co_await ask(store);
    if (!answer.ok()) co_return;
    for (const storage::EndedTarget& target : *answer) ended(target);
    if (answer->size() < kFullAnswer) break;
  }
  next_sweep_ = now + kSweep;
  // What is due and was not ended just now may have been ended by another's hand.
  std::vector<TargetKey> past;
  for (const auto& [at, key] : timers_) {
    if (at > now || past.size() == kFullAnswer) break;
    past.push_back(key);
  }
  if (past.empty()) co_return;
  const StoreCall<std::vector<storage::EndedTarget>> look = [&](Operations& s) { return s.ends(past); };
  const auto ends = co_await ask(look);
  if (!ends.ok()) co_return;
  for (const storage::EndedTarget& target : *ends) ended(target);
  for (const TargetKey& key : past) {
    const auto live = targets_.find(key);
    if (live != targets_.end() && live->second.timer <= now) set_timer(key, live->second, now + kSweep);
  }
}

// Times that were set by what the clock said before lie too far ahead now. The queues see for themselves.
void Engine::clock_was_set_back() {
  next_sweep_ = next_look_ = next_check_ = UtcInstant::min();
  store_told_ = {};
  for (auto& [name, feed] : feeds_) feed->pause_until = UtcInstant::min();
  followers_.expire(UtcInstant::max(), [this](OperationId operation) { return followed(operation); });
}

sdk::Awaitable<void> Engine::restore(FeedState& feed) {
  feed.restoring = true;
  ++restoring_;
  const StoreCall<std::vector<OperationTarget>> store = [&](Operations& s) {
    return s.unfinished(feed.queue.name());
  };
  while (!stopping_ && feed.port) {
    const auto targets = co_await ask(store);
    if (!targets.ok()) {
      co_await parts_.clock.wait(kStoreAway);
      continue;
    }
    std::size_t queued = 0, sent = 0;
    for (const OperationTarget& target : *targets) {
      if (targets_.contains(target.key)) continue;
      ++(target.state == TargetState::Sent ? sent : queued);
      adopt(feed, target);
    }
    feed.ready = true;
    next_check_ = UtcInstant::min();  // of demand resets
    if (queued + sent > 0) {
      parts_.log.write(
          messages::kCommandsTakenUp,
          {{"feed", feed.queue.name()}, {"queued", std::to_string(queued)}, {"sent", std::to_string(sent)}});
    }
    break;
  }
  if (--restoring_ == 0) ended_meanwhile_.clear();
  feed.restoring = false;
  pump(feed);
}

void Engine::publish() {
  figures_.count([&](Figures& f) {
    const UtcInstant now = parts_.clock.now();
    for (const auto& [name, feed] : feeds_) {
      FeedFigures& of = f.feeds[name];
      of.waiting = feed->queue.waiting();
      of.in_flight = feed->queue.in_flight();
      of.attached = feed->port != nullptr;
      of.paused = feed->pause_until > now;
    }
    f.operations = operations_.size();
    f.followers = followers_.count();
  });
}

}  // namespace ami::daemon::commands
