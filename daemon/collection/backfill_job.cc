#include "daemon/collection/backfill_job.h"

#include <algorithm>
#include <set>

#include "daemon/commands/routes.h"
#include "daemon/log/messages.h"
#include "storage/postgres/meter_ways.h"

namespace ami::daemon {
namespace {

using commands::FeedFacts;
using storage::Backfills;
using storage::DueGap;
using storage::GapClaim;

constexpr std::chrono::milliseconds kTick{100};  // how soon a stop is noticed
constexpr std::size_t kMostDue = 5000;           // gaps that a round looks at
constexpr std::chrono::minutes kRefusedPause{15};
constexpr std::chrono::hours kNoWayPause{24};

std::vector<std::string> that_backfill(const std::vector<FeedFacts>& feeds) {
  std::vector<std::string> out;
  for (const FeedFacts& feed : feeds) {
    if (feed.can.backfill) out.push_back(feed.name);
  }
  return out;
}

// Feeds whose gaps may be asked for: those of a family of which a feed with room states backfill.
std::vector<std::pair<storage::UtilityId, std::string>> worth_looking(
    const std::vector<FeedFacts>& feeds, const std::map<std::string, std::size_t>& room) {
  std::set<std::pair<storage::UtilityId, std::string>> families;
  for (const FeedFacts& feed : feeds) {
    const auto left = room.find(feed.name);
    if (feed.can.backfill && left != room.end() && left->second > 0)
      families.emplace(feed.utility, feed.family);
  }
  std::vector<std::pair<storage::UtilityId, std::string>> out;
  for (const FeedFacts& feed : feeds) {
    if (families.contains({feed.utility, feed.family})) out.emplace_back(feed.utility, feed.name);
  }
  return out;
}

}  // namespace

template <class T>
sdk::Awaitable<storage::Answer<T>> BackfillJob::ask(std::function<storage::Answer<T>(Backfills&)> call) {
  storage::Answer<T> answer(storage::Refusal{storage::Refusal::Kind::Unavailable, "not asked yet", {}, {}});
  Backfills backfills(parts_.database);
  const std::function<void()> work = [&] { answer = call(backfills); };
  co_await parts_.pool.run(work);
  if (!answer.ok()) failed(answer.refusal().message);
  co_return answer;
}

sdk::Awaitable<void> BackfillJob::keep(std::function<Situation()> situation) {
  UtcInstant next = parts_.clock.now();
  while (true) {
    const Situation now = situation();
    if (now.stopping) co_return;
    const UtcInstant at = parts_.clock.now();
    if (now.ready && (at >= next || next > at + now.every)) {  // further ahead: the clock was set back
      co_await round(now);
      next = parts_.clock.now() + now.every;
    }
    co_await parts_.clock.wait(kTick);
  }
}

sdk::Awaitable<void> BackfillJob::round(const Situation& now) {
  const bool settled = co_await settle(now);
  if (!settled) co_return;
  if (!now.on) co_return;
  const Feeds feeds = co_await parts_.engine.feeds();
  const std::vector<std::string> able = that_backfill(feeds);
  if (able.empty()) co_return;
  const UtcInstant at = parts_.clock.now();
  const std::function<storage::Answer<Claims>(Backfills&)> look = [&](Backfills& store) {
    return store.left_over(able, at);
  };
  const auto left_over = co_await ask(look);
  if (!left_over.ok()) co_return;
  co_await carry_out(now, *left_over);

  const bool good = co_await choose(now, feeds);
  if (!good) co_return;
  if (!chosen_.empty()) {
    const std::function<storage::Answer<Claims>(Backfills&)> claim = [&](Backfills& store) {
      return store.claim(chosen_, at);
    };
    const auto claims = co_await ask(claim);
    chosen_.clear();
    if (!claims.ok()) co_return;
    co_await carry_out(now, *claims);
  }
  failing_ = false;
}

sdk::Awaitable<bool> BackfillJob::settle(const Situation& now) {
  const std::function<storage::Answer<storage::BackfillStep>(Backfills&)> settle = [&](Backfills& store) {
    return store.settle(now.rules, parts_.clock.now());
  };
  const auto step = co_await ask(settle);
  if (!step.ok()) co_return false;
  for (const auto& [feed, gaps] : step->given_up) {
    parts_.metrics.gaps_given_up(feed, gaps);
    parts_.log.write(messages::kGapsGivenUp, {{"feed", feed}, {"gaps", std::to_string(gaps)}});
  }
  for (const auto& [utility, operation] : step->not_needed)
    co_await parts_.engine.take_back(utility, operation);
  co_return true;
}

sdk::Awaitable<bool> BackfillJob::choose(const Situation& now, const Feeds& feeds) {
  const UtcInstant at = parts_.clock.now();
  chosen_.clear();
  const std::function<storage::Answer<std::map<std::string, std::size_t>>(Backfills&)> count =
      [&](Backfills& store) { return store.room(that_backfill(feeds), now.rules, at); };
  auto room = co_await ask(count);
  if (!room.ok()) co_return false;
  const auto delivered_by = worth_looking(feeds, *room);
  if (delivered_by.empty()) co_return true;
  const std::function<storage::Answer<std::vector<DueGap>>(Backfills&)> look = [&](Backfills& store) {
    return store.due(delivered_by, now.rules, at, kMostDue);
  };
  const auto due = co_await ask(look);
  if (!due.ok()) co_return false;

  std::map<storage::UtilityId, std::set<std::string>> meters;
  for (const DueGap& gap : *due) meters[gap.utility].insert(gap.meter);
  std::map<std::pair<storage::UtilityId, std::string>, commands::Route> routes;
  for (const auto& [utility, keys] : meters) {
    const std::vector<std::string> wanted(keys.begin(), keys.end());
    const std::function<storage::Answer<std::vector<storage::MeterWays>>(Backfills&)> find =
        [&, of = utility](Backfills&) { return storage::Ways(parts_.database).of(of, wanted, at); };
    const auto ways = co_await ask(find);
    if (!ways.ok()) co_return false;
    for (const storage::MeterWays& one : *ways) {
      routes[{utility, one.key}] = commands::route_of(one, utility, storage::OperationKind::Backfill, feeds);
    }
  }

  std::map<std::int64_t, std::string> no_way;
  std::set<std::tuple<std::string, std::string, UtcInstant, UtcInstant>>
      counted;  // a meter's channels count once
  for (const DueGap& gap : *due) {
    const commands::Route& route = routes.at({gap.utility, gap.meter});
    if (!route.reason.empty()) {
      no_way.emplace(gap.id, "it cannot be asked for: " + route.words);
      continue;
    }
    // A far side that gives all of a period gives as much for a quarter of an hour as for the day: days are
    // periods that meters have in common.
    DueGap asked = gap;
    if (std::ranges::find(feeds, route.feed, &FeedFacts::name)->from_books) asked.asked = gap.days;
    std::size_t& left = (*room)[route.feed];
    if (!counted.contains({route.feed, gap.meter, asked.asked.from, asked.asked.to})) {
      if (left == 0) continue;
      --left;
      counted.emplace(route.feed, gap.meter, asked.asked.from, asked.asked.to);
    }
    chosen_[route.feed].push_back(std::move(asked));
  }
  if (!no_way.empty()) {
    const std::function<storage::Answer<Done>(Backfills&)> later = [&](Backfills& store) {
      return store.postpone(no_way, at + kNoWayPause);
    };
    const auto postponed = co_await ask(later);
    if (!postponed.ok()) co_return false;
  }
  co_return true;
}

sdk::Awaitable<void> BackfillJob::carry_out(const Situation& now, const Claims& claims) {
  std::map<std::string, std::size_t> asked;
  for (const GapClaim& claim : claims) {
    commands::Request request;
    request.utility = claim.utility;
    request.kind = storage::OperationKind::Backfill;
    request.meters = claim.meters;
    request.caller = storage::kOwnCaller;
    request.request_id = claim.request_id;
    request.purpose = "gaps";
    request.period = claim.period;
    std::optional<commands::Reply<commands::Submitted>> reply;
    co_await parts_.engine.submit(request, reply);
    if (!reply) co_return;
    if (reply->ok()) {
      const storage::OperationId operation = (*reply)->operation.id;
      const std::function<storage::Answer<Done>(Backfills&)> note = [&](Backfills& store) {
        return store.asked(claim, operation);
      };
      const auto noted = co_await ask(note);
      if (!noted.ok())
        co_return;  // the claim is left over, and its operation is found again by its request_id
      asked[claim.feed] += claim.meters.size();
      continue;
    }
    const commands::Refused& refused = reply->refused();
    using Kind = storage::Refusal::Kind;
    if (refused.refusal.kind == Kind::Unavailable || refused.refusal.kind == Kind::InDoubt) co_return;
    const UtcInstant again =
        parts_.clock.now() + (refused.retry_after ? std::chrono::minutes{kRefusedPause} : now.rules.pause);
    const std::string words = "it cannot be asked for: " + refused.refusal.message;
    const std::function<storage::Answer<Done>(Backfills&)> give_back = [&](Backfills& store) {
      return store.release(claim, again, words);
    };
    const auto released = co_await ask(give_back);
    if (!released.ok()) co_return;
  }
  for (const auto& [feed, meters] : asked) {
    parts_.metrics.gaps_asked(feed, meters);
    parts_.log.write(messages::kGapsAsked, {{"feed", feed}, {"meters", std::to_string(meters)}});
  }
}

void BackfillJob::failed(const std::string& error) {
  if (!failing_) parts_.log.write(messages::kBackfillFailed, {{"error", error}});
  failing_ = true;
}

}  // namespace ami::daemon
