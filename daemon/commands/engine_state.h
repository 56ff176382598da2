// Inside the engine only.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>

#include "daemon/commands/engine.h"

namespace ami::daemon::commands {

// Between calls that the store could not carry out.
inline constexpr std::chrono::milliseconds kStoreAway{1000};

struct Engine::FeedState {
  FeedState(std::string name, const Rules& rules)
      : queue(std::move(name), {rules.group_in_flight, rules.substation_in_flight, rules.collector_in_flight,
                                rules.backfill_percent}),
        pause(rules.retry_first, rules.retry_longest,
              static_cast<std::uint32_t>(std::hash<std::string>{}(queue.name()))) {}
  FeedQueue queue;
  std::shared_ptr<const CommandFeed> port;  // null: does not run
  bool ready = false;                       // what an earlier run left is in the queue
  bool restoring = false;
  std::deque<OnSlot> slots;  // that are waited for
  std::size_t live = 0;      // targets
  std::size_t reserved = 0;  // targets that are about to be stored
  // What does not leave says that the far side is away: all of the feed rests, then one attempt tries.
  int failures = 0;
  UtcInstant pause_until = UtcInstant::min();
  Backoff pause;
};

// One attempt.
struct Engine::Sending {
  std::shared_ptr<const CommandFeed> port;
  std::vector<JobPtr> jobs;
  std::string transaction;
  OperationId of = 0;
  int number = 0;
  UtcInstant expires_at{};
  bool asked = false;     // before_send was called
  bool granted = false;   // it said yes
  bool changed = false;   // no, because what was to be asked has ended meanwhile
  bool in_doubt = false;  // no, because the store cannot say whether SENT is stored
  std::string refusal;
};

template <class T>
sdk::Awaitable<storage::Answer<T>> Engine::ask(StoreCall<T> call) {
  storage::Answer<T> answer(storage::Refusal{storage::Refusal::Kind::Unavailable, "not asked yet", {}, {}});
  const std::function<void()> work = [&] { answer = call(store_); };
  co_await parts_.pool.run(work);
  store_said(answer.ok() ? nullptr : &answer.refusal());
  co_return answer;
}

template <class Work>
void Engine::spawn(Work work) {
  ++under_way_;
  boost::asio::co_spawn(strand_, std::move(work), [self = shared_from_this()](std::exception_ptr defect) {
    --self->under_way_;
    if (defect) std::rethrow_exception(defect);  // a coroutine of the engine lets nothing out
  });
}

}  // namespace ami::daemon::commands
