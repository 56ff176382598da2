// Asking for something, and taking it back.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "daemon/commands/engine_state.h"
#include "daemon/commands/request_check.h"
#include "storage/postgres/meter_ways.h"

namespace ami::daemon::commands {
namespace asio = boost::asio;
using storage::NewOperation;
using storage::NewTarget;
using storage::Operation;
using storage::Operations;
using storage::OperationTarget;
using storage::Refusal;

namespace {

Refused unavailable(std::string message) {
  return {{Refusal::Kind::Unavailable, std::move(message), {}, {}}, std::chrono::seconds{1}};
}
Refused excluded(std::string rule, std::string message, std::map<std::string, std::string> facts,
                 std::optional<std::chrono::seconds> retry_after) {
  Refused refused{{Refusal::Kind::Excluded, std::move(message), "meters", {}}, retry_after};
  refused.refusal.rule =
      std::make_shared<const storage::Rule>(storage::Rule{std::move(rule), std::move(facts)});
  return refused;
}
Refused refused_by_store(const Refusal& refusal) {
  const bool again = refusal.kind == Refusal::Kind::Unavailable || refusal.kind == Refusal::Kind::InDoubt;
  return {refusal, again ? std::optional(std::chrono::seconds{1}) : std::nullopt};
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

}  // namespace

void Engine::submit(Request request, OnSubmit done) {
  asio::post(
      strand_, [self = shared_from_this(), request = std::move(request), done = std::move(done)]() mutable {
        auto work = [](std::shared_ptr<Engine> engine, Request asked, OnSubmit tell) -> sdk::Awaitable<void> {
          auto reply = co_await engine->submit_now(std::move(asked));
          tell(std::move(reply));
        };
        self->spawn([self, work, request = std::move(request), done = std::move(done)] {
          return work(self, request, done);
        });
      });
}

void Engine::cancel(storage::UtilityId utility, OperationId operation, std::string actor, OnCancel done) {
  asio::post(strand_, [self = shared_from_this(), utility, operation, actor = std::move(actor),
                       done = std::move(done)] {
    auto work = [](std::shared_ptr<Engine> engine, storage::UtilityId of, OperationId id, std::string by,
                   OnCancel tell) -> sdk::Awaitable<void> {
      auto reply = co_await engine->cancel_now(of, id, std::move(by));
      tell(std::move(reply));
    };
    self->spawn([self, work, utility, operation, actor, done] {
      return work(self, utility, operation, actor, done);
    });
  });
}

// What each meter is asked through. A request of one meter that cannot be asked is refused; of several, that
// one fails.
std::optional<Refused> Engine::route(NewOperation& asked, const std::vector<storage::MeterWays>& ways) const {
  const auto facts = feed_facts();
  for (std::size_t i = 0; i < asked.targets.size(); ++i) {
    NewTarget& target = asked.targets[i];
    Route found = route_of(ways[i], asked.utility, asked.kind, facts);
    if (found.reason.empty() && asked.kind == OperationKind::DemandReset && asked.read_before) {
      const auto feed = std::ranges::find(facts, found.feed, &FeedFacts::name);
      if (!feed->can.read_on_demand) {
        found.reason = "not_stated";
        found.words =
            "the interface of " + found.feed + " states no read, which has to go before a demand reset";
      }
    }
    target.meter_id = ways[i].meter;
    target.feed = std::move(found.feed);
    target.vendor_id = std::move(found.vendor_id);
    target.pacing_group = ways[i].feeder;
    target.substation = ways[i].substation;
    target.collector = ways[i].collector;
    target.reason = std::move(found.reason);
    target.words = std::move(found.words);
  }
  const NewTarget& first = asked.targets.front();
  if (asked.targets.size() > 1 || first.reason.empty()) return std::nullopt;
  if (first.meter_id == 0)
    return Refused{{Refusal::Kind::NotFound, first.words, "meters", ways.front().nearest}, std::nullopt};
  return excluded(upper(first.reason), first.words, {{"meter", first.meter}}, std::nullopt);
}

std::optional<Refused> Engine::make_room(const NewOperation& asked,
                                         std::map<FeedState*, std::size_t>& taken) {
  for (const NewTarget& target : asked.targets) {
    if (target.reason.empty())
      taken[&feed_state(target.feed)] +=
          asked.read_before && asked.kind == OperationKind::DemandReset ? 2 : 1;
  }
  // Recorded values leave room for what people ask for.
  const std::size_t most =
      asked.kind == OperationKind::Backfill ? std::max<std::size_t>(rules_.queue / 2, 1) : rules_.queue;
  for (const auto& [feed, more] : taken) {
    if (more > most) {
      return Refused{{Refusal::Kind::Invalid,
                      std::to_string(more) + " meters to ask of feed " + feed->queue.name() +
                          ", which has room for " + std::to_string(most) + " at most: ask for fewer at once",
                      "meters",
                      {}},
                     std::nullopt};
    }
    const std::size_t used = feed->live + feed->reserved;
    if (used + more <= most) continue;
    const std::string& name = feed->queue.name();
    figures_.count([&, &n = name](Figures& f) { ++f.feeds[n].queue_full; });
    const auto wait = feed->queue.expected(asked.kind, used + more - most);
    return excluded("QUEUE_FULL",
                    "feed " + name + " has " + std::to_string(used) + " meters to ask; " +
                        std::to_string(more) + " more do not fit into its " + std::to_string(most),
                    {{"feed", name}, {"waiting", std::to_string(used)}, {"most", std::to_string(most)}},
                    std::clamp(wait.value_or(std::chrono::seconds{30}), std::chrono::seconds{1},
                               std::chrono::seconds{std::chrono::hours{1}}));
  }
  for (const auto& [feed, more] : taken) feed->reserved += more;
  return std::nullopt;
}

sdk::Awaitable<storage::Answer<std::vector<storage::MeterWays>>> Engine::ways_of(const NewOperation& asked) {
  std::vector<std::string> keys;
  for (const NewTarget& target : asked.targets) keys.push_back(target.meter);
  const StoreCall<std::vector<storage::MeterWays>> look = [&](Operations&) {
    return storage::Ways(parts_.database).of(asked.utility, keys, asked.created_at);
  };
  auto ways = co_await ask(look);
  co_return ways;
}

// What may be stored and not in memory, after a COMMIT in doubt, say, is looked for again.
void Engine::look_again() {
  for (auto& [name, feed] : feeds_) {
    FeedState* const state = feed.get();
    if (!state->port || state->restoring) continue;
    spawn([self = shared_from_this(), state] { return self->restore(*state); });
  }
}

void Engine::adopt_created(const NewOperation& asked, const Operations::Created& created) {
  const auto take_up = [&](const Operation& operation, OperationId after) {
    for (std::size_t i = 0; i < asked.targets.size(); ++i) {
      const NewTarget& wanted = asked.targets[i];
      if (!wanted.reason.empty()) continue;
      OperationTarget target;
      target.key = {operation.id, static_cast<std::int32_t>(i)};
      target.utility = operation.utility;
      target.kind = operation.kind;
      target.meter = wanted.meter;
      target.meter_id = wanted.meter_id;
      target.vendor_id = wanted.vendor_id;
      target.pacing_group = wanted.pacing_group;
      target.substation = wanted.substation;
      target.collector = wanted.collector;
      target.period = asked.period;
      target.created_at = operation.created_at;
      target.expires_at = operation.expires_at;
      target.priority = operation.priority;
      target.after = after;
      if (after != 0) target.before = storage::TargetState::Queued;
      FeedState& feed = feed_state(wanted.feed);
      figures_.count([&](Figures& f) { ++f.feeds[wanted.feed].asked; });
      adopt(feed, target);
    }
  };
  // The reset first: it must be known to wait when its read ends.
  take_up(created.operation, created.read_before ? created.read_before->id : 0);
  if (created.read_before) take_up(*created.read_before, 0);
}

sdk::Awaitable<Reply<Submitted>> Engine::submit_now(Request request) {
  if (stopping_) co_return unavailable("the gateway is stopping");
  if (auto wrong = check(request, parts_.clock.now())) co_return *wrong;
  NewOperation asked = asked_of(request, rules_, parts_.clock.now());

  const StoreCall<std::optional<Operation>> find = [&](Operations& s) { return s.find_request(asked); };
  const auto known = co_await ask(find);
  if (!known.ok()) co_return refused_by_store(known.refusal());
  if (known->has_value()) {
    const Operation& operation = **known;
    if (!operation.done() && !operations_.contains(operation.id)) look_again();
    co_return Submitted{operation, true, std::nullopt, place_of(operation.id).value_or(Place{})};
  }

  const auto ways = co_await ways_of(asked);
  if (!ways.ok()) co_return refused_by_store(ways.refusal());
  if (auto none = route(asked, *ways)) co_return *none;
  std::map<FeedState*, std::size_t> taken;
  if (auto full = make_room(asked, taken)) co_return *full;

  const storage::ResetRules resets{rules_.reset_lock_out};
  const StoreCall<Operations::Created> create = [&](Operations& s) { return s.create(asked, resets); };
  const auto created = co_await ask(create);
  for (const auto& [feed, more] : taken) feed->reserved -= more;
  if (!created.ok()) {
    if (created.refusal().kind == Refusal::Kind::InDoubt) look_again();
    co_return refused_by_store(created.refusal());
  }
  Submitted reply{created->operation, created->repeated, std::nullopt, {}};
  if (created->read_before) reply.read_before = created->read_before->id;
  if (!created->repeated) adopt_created(asked, *created);
  reply.place = place_of(created->operation.id).value_or(Place{});
  for (const auto& [feed, more] : taken) pump(*feed);
  co_return reply;
}

sdk::Awaitable<Reply<Operation>> Engine::cancel_now(storage::UtilityId utility, OperationId operation,
                                                    std::string actor) {
  if (stopping_) co_return unavailable("the gateway is stopping");
  const StoreCall<Operations::Cancelled> cancel = [&](Operations& s) {
    return s.cancel(utility, operation, actor, parts_.clock.now());
  };
  const auto cancelled = co_await ask(cancel);
  if (!cancelled.ok()) co_return refused_by_store(cancelled.refusal());
  for (const storage::EndedTarget& target : cancelled->targets) ended(target);
  co_return cancelled->operation;
}

}  // namespace ami::daemon::commands
