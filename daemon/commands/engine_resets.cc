// What became of demand resets that succeeded, or may have: a read afterwards, and what the values say.
// Nothing here resets anything.
#include <algorithm>

#include "daemon/commands/engine_state.h"
#include "daemon/commands/reset_verdict.h"
#include "daemon/log/messages.h"
#include "storage/postgres/reset_checks.h"

namespace ami::daemon::commands {

using storage::DueCheck;
using storage::Operations;
using storage::ResetChecks;
using storage::Verification;

namespace {

constexpr std::chrono::minutes kLook{1};  // for what is not in memory
// So long values may still come that say something: copies of the previous period come with daily files, too.
constexpr std::chrono::hours kListen{48};
constexpr std::chrono::minutes kSoonest{1};
constexpr std::chrono::hours kLatest{6};

}  // namespace

sdk::Awaitable<void> Engine::check_resets() {
  const auto self = shared_from_this();
  std::vector<std::string> running;
  for (const auto& [name, feed] : feeds_) {
    if (feed->port && feed->port->can.demand_reset) running.push_back(name);
  }
  next_check_ = parts_.clock.now() + kLook;
  if (running.empty()) co_return;
  checking_ = true;
  const StoreCall<std::vector<DueCheck>> look = [&](Operations&) {
    return ResetChecks(parts_.database).due(running, parts_.clock.now());
  };
  const auto due = co_await ask(look);
  if (due.ok()) {
    for (const DueCheck& check : *due) {
      if (stopping_) break;
      co_await check_reset(check);
    }
  }
  checking_ = false;
}

// A read of its own tells most; what it cannot tell may come with other values of the feed.
sdk::Awaitable<bool> Engine::read_after(const DueCheck& check) {
  const auto feed = feeds_.find(check.feed);
  if (check.read_after != 0 || feed == feeds_.end() || !feed->second->port) co_return false;
  if (!feed->second->port->can.read_on_demand) co_return false;
  Request request;
  request.utility = check.utility;
  request.kind = OperationKind::Read;
  request.meters = {check.meter};
  request.caller = storage::kOwnCaller;
  request.request_id = "after " + std::to_string(check.key.operation);
  request.order_id = check.order_id;
  request.on_behalf_of = check.caller;
  request.purpose = "demand reset " + std::to_string(check.key.operation);
  request.priority = check.priority;
  const auto reply = co_await submit_now(request);
  if (!reply.ok()) co_return reply.refused().retry_after.has_value();
  const OperationId read = reply->operation.id;
  const StoreCall<Done> store = [&](Operations&) {
    return ResetChecks(parts_.database).set_read(check.key, read, parts_.clock.now());
  };
  (void)co_await ask(store);  // the same request again is the same read
  if (operations_.contains(read)) reads_after_.insert(read);
  co_return true;
}

sdk::Awaitable<void> Engine::check_reset(const DueCheck& check) {
  const UtcInstant now = parts_.clock.now();
  const bool waits = co_await read_after(check);
  if (waits && now < check.ended_at + kListen) co_return;
  const StoreCall<storage::ResetFacts> load = [&](Operations&) {
    return ResetChecks(parts_.database).facts(check.key);
  };
  const auto facts = co_await ask(load);
  if (!facts.ok()) co_return;
  const ResetVerdict verdict = judge_reset(*facts);
  std::optional<UtcInstant> again;
  if (!verdict.complete && verdict.outcome != Verification::Contradicted && now < check.ended_at + kListen) {
    const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - check.ended_at);
    again = now + std::clamp<std::chrono::microseconds>(age, kSoonest, kLatest);
  }
  const StoreCall<Done> store = [&](Operations&) {
    return ResetChecks(parts_.database).settle(check.key, verdict.outcome, verdict.words, now, again);
  };
  const auto stored = co_await ask(store);
  if (!stored.ok()) co_return;
  const bool contradicted = verdict.outcome == Verification::Contradicted;
  if (contradicted && check.verification != Verification::Contradicted) {
    parts_.log.write(messages::kCommandResetContradicted,
                     {{"feed", check.feed}, {"operation", std::to_string(check.key.operation)}});
  }
  if (again) co_return;
  figures_.count([&](Figures& f) { ++f.feeds[check.feed].resets[verdict.outcome]; });
}

}  // namespace ami::daemon::commands
