#include "daemon/commands/engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/commands/engine_state.h"
#include "daemon/log/messages.h"

namespace ami::daemon::commands {
namespace asio = boost::asio;
namespace {
constexpr std::chrono::minutes kTellAgain{10};  // that the store fails: some calls may go well in between
}

Engine::Engine(Parts parts, Rules rules)
    : parts_(std::move(parts)),
      rules_(rules),
      strand_(asio::make_strand(parts_.executor)),
      store_(parts_.database),
      followers_(rules.followers) {}
Engine::~Engine() = default;

void Engine::stop() {
  stopping_ = true;
}

Engine::FeedState& Engine::feed_state(const std::string& name) {
  auto& state = feeds_[name];
  if (!state) state = std::make_unique<FeedState>(name, rules_);
  return *state;
}

void Engine::attach(CommandFeed feed) {
  asio::post(strand_, [self = shared_from_this(), feed = std::move(feed)]() mutable {
    FeedState& state = self->feed_state(feed.name);
    state.queue.limits(feed.limits);
    state.port = std::make_shared<const CommandFeed>(std::move(feed));
    state.ready = false;
    if (!state.restoring) self->spawn([self, &state] { return self->restore(state); });
  });
}

void Engine::detach(std::string name) {
  asio::post(strand_, [self = shared_from_this(), name = std::move(name)] {
    const auto found = self->feeds_.find(name);
    if (found == self->feeds_.end()) return;
    found->second->port = nullptr;
    self->serve_slots(*found->second);
  });
}

std::vector<FeedFacts> Engine::feed_facts() const {
  std::vector<FeedFacts> out;
  for (const auto& [name, state] : feeds_) {
    if (!state->port) continue;
    const CommandFeed& port = *state->port;
    out.push_back(
        {name, port.family, port.utility, port.can, port.limits.names, port.limits.backfill_targets > 1});
  }
  return out;
}

// Calls that fail are made again by whoever makes them; a caller's own mistakes are no failure of the store.
void Engine::store_said(const storage::Refusal* refusal) {
  using Kind = storage::Refusal::Kind;
  const bool failed =
      refusal != nullptr && (refusal->kind == Kind::Unavailable || refusal->kind == Kind::InDoubt ||
                             refusal->kind == Kind::Internal);
  if (!failed) return;
  figures_.count([](Figures& f) { ++f.store_failures; });
  const UtcInstant now = parts_.clock.now();
  if (now < store_told_ + kTellAgain) return;
  parts_.log.write(messages::kCommandsStoreFailing, {{"error", refusal->message}});
  store_told_ = now;
}

std::optional<Place> Engine::place_of(OperationId operation) const {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return std::nullopt;
  Place place;
  const LiveTarget* last = nullptr;
  const LiveTarget* under_way = nullptr;
  for (const TargetKey& key : found->second.targets) {
    const LiveTarget& target = targets_.at(key);
    const bool left =
        target.job && (target.job->phase == Job::Phase::Attempting || target.job->phase == Job::Phase::Sent);
    ++(left ? place.sent : place.queued);
    if (left) {
      under_way = &target;
    } else if (target.job && (last == nullptr || last->job->rank < target.job->rank)) {
      last = &target;
    }
  }
  if (last != nullptr) {
    place.position = last->feed->queue.ahead_of(last->job->rank);
    place.expected = last->feed->queue.expected(last->kind, place.position);
  } else if (under_way != nullptr) {
    place.expected = under_way->feed->queue.expected(under_way->kind, 0);
  }
  // While a feed rests nothing of it leaves.
  const UtcInstant now = parts_.clock.now();
  if (last != nullptr && place.expected && last->feed->pause_until > now)
    *place.expected += std::chrono::ceil<std::chrono::seconds>(last->feed->pause_until - now);
  return place;
}

sdk::Awaitable<std::vector<FeedFacts>> Engine::feeds() {
  std::vector<FeedFacts> out;
  auto look = [](Engine& engine, std::vector<FeedFacts>& into) -> sdk::Awaitable<void> {
    into = engine.feed_facts();
    co_return;
  };
  auto work = look(*this, out);
  co_await asio::co_spawn(strand_, std::move(work), asio::use_awaitable);
  co_return out;
}

sdk::Awaitable<void> Engine::submit(Request request, std::optional<Reply<Submitted>>& reply) {
  auto ask_for = [](Engine& engine, Request& asked,
                    std::optional<Reply<Submitted>>& into) -> sdk::Awaitable<void> {
    auto told = co_await engine.submit_now(asked);
    into.emplace(std::move(told));
  };
  auto work = ask_for(*this, request, reply);
  co_await asio::co_spawn(strand_, std::move(work), asio::use_awaitable);
}

sdk::Awaitable<void> Engine::take_back(storage::UtilityId utility, OperationId operation) {
  auto cancel_it = [](Engine& engine, storage::UtilityId of, OperationId id) -> sdk::Awaitable<void> {
    (void)co_await engine.cancel_now(of, id, storage::kOwnCaller);
  };
  auto work = cancel_it(*this, utility, operation);
  co_await asio::co_spawn(strand_, std::move(work), asio::use_awaitable);
}

void Engine::place(OperationId operation, std::function<void(std::optional<Place>)> done) {
  asio::post(strand_, [self = shared_from_this(), operation, done = std::move(done)] {
    done(self->place_of(operation));
  });
}

Followed Engine::followed(OperationId operation) const {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return {};
  return {found->second.version, true};
}

void Engine::follow(OperationId operation, std::uint64_t seen, std::chrono::milliseconds patience,
                    Followers::Told done) {
  asio::post(strand_, [self = shared_from_this(), operation, seen, patience, done = std::move(done)] {
    const Followed now = self->followed(operation);
    if (!now.live || now.version > seen || self->stopping_) {
      done(now);
    } else if (!self->followers_.add(operation, seen, self->parts_.clock.now() + patience, done)) {
      Refused refused{{storage::Refusal::Kind::Excluded, "too many callers wait for operations", {}, {}},
                      std::chrono::seconds{5}};
      refused.refusal.rule = std::make_shared<const storage::Rule>(
          storage::Rule{"TOO_MANY_FOLLOWERS", {{"most", std::to_string(self->rules_.followers)}}});
      done(refused);
    }
  });
}

}  // namespace ami::daemon::commands
