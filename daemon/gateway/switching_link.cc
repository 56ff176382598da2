#include "daemon/gateway/switching_link.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <random>
#include <utility>

#include "daemon/log/messages.h"
#include "daemon/switching/sealer_log.h"
#include "storage/postgres/roles.h"

namespace ami::daemon {
namespace {

constexpr std::chrono::milliseconds kTick{1000}, kSeal{500}, kSlice{100};

// A name that no other run of any gateway has.
std::string name_of_this_run() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::random_device random;
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), "%08x%08x", random(), random());
  return std::string(host.data()) + "-" + std::to_string(getpid()) + "-" + number.data();
}

storage::DatabaseOptions options(const SwitchingConfig& config, const DatabaseConfig& database,
                                 std::size_t looking) {
  storage::DatabaseOptions out;
  out.conninfo = config.conninfo;
  out.answer_timeout = database.answer_timeout;
  // Of callers and of what leaves, results, upkeep, and those who look: none takes another's.
  out.connections = 2 * static_cast<std::size_t>(config.threads) + 5 + looking;
  out.application_name = "ami-gateway switching";
  return out;
}

switching::Timing timing_of(const SwitchingConfig& config) {
  switching::Timing out;
  out.expiry = config.expiry;
  out.longest_wait = config.longest_wait;
  out.verify = config.verify;
  out.unresolved = config.unresolved;
  out.incident = config.incident;
  out.armed = config.armed;
  out.retry = config.retry;
  out.lease = config.lease;
  out.send_deadline = config.send_deadline;
  return out;
}

switching::Engine::Steady steady_now() {
  return std::chrono::duration_cast<switching::Engine::Steady>(
      std::chrono::steady_clock::now().time_since_epoch());
}

switching::UtilitySite site_of(const SwitchingUtility& utility) {
  switching::UtilitySite out;
  for (const EvidenceConfig& row : utility.evidence) {
    switching::SiteMeans means;
    means.feed = row.feed;
    means.family = row.family;
    means.minimum = row.minimum;
    means.means.reports_device_time = row.reports_device_time;
    means.means.minimum_load_w = row.minimum_load_w;
    means.means.register_step_kwh = row.register_step_kwh;
    means.means.interval = row.interval;
    means.means.interval_step_kwh = row.interval_step_kwh;
    out.means.push_back(std::move(means));
  }
  for (const ShownConfig& row : utility.shown) {
    out.shown.push_back({row.family, row.firmware, row.open, row.close, row.arm, row.rely_on_meter_interlock,
                         row.module, row.author, row.document});
  }
  return out;
}

void end_on_defect(std::exception_ptr defect) {
  if (defect) std::rethrow_exception(defect);
}

}  // namespace

SwitchingLink::SwitchingLink(const SwitchingConfig& config, const DatabaseConfig& database, Parts parts)
    : config_(config),
      allow_owner_(database.allow_owner),
      parts_(std::move(parts)),
      name_(name_of_this_run()),
      database_(options(config, database, parts_.looking_threads)),
      store_(database_),
      seal_store_(database_),
      watch_(database_),
      watcher_(parts_.log),
      site_(parts_.readings),
      pool_(static_cast<std::size_t>(config.threads)),
      sends_(static_cast<std::size_t>(config.threads)),
      registers_({parts_.commands, sends_, parts_.clock, parts_.readings}),
      carrier_({parts_.commands, parts_.executor, sends_, parts_.clock, parts_.log}, registers_),
      limits_(database_),
      stops_(database_),
      holds_(database_),
      reviews_(database_),
      limit_rules_(limits_, stops_, reviews_),
      rules_(switching::StoredRules::load(config.rules_dir, database_)),
      policy_(rules_ ? std::vector<const switching::Policy*>{&own_rules_, &limit_rules_, &rules_->policy()}
                     : std::vector<const switching::Policy*>{&own_rules_, &limit_rules_}),
      engine_({store_, site_, carrier_, policy_, watcher_, [this] { return parts_.clock.now(); }, steady_now, name_},
              timing_of(config)),
      arrivals_({engine_, store_, parts_.log, [this](const std::string& transaction) { carrier_.heard(transaction); }}),
      sealer_({seal_store_, [this] { return parts_.clock.now(); }, switching::seal_alerts_to(parts_.log)},
              {config.audit.head_dir, config.audit.key_file, name_}),
      aftercare_({database_, parts_.readings, engine_, site_, [this] { return parts_.clock.now(); }, steady_now,
                  parts_.log},
                 {.compare_every = config.reconcile, .look_every = parts_.look_every}),
      served_{engine_, site_, store_, [this](std::function<void()> work) { post(std::move(work)); },
              &aftercare_.findings(), &watch_, &holds_, &stops_, &limits_, &reviews_} {}

Outcome SwitchingLink::check() {
  return storage::check_switch_role(database_, allow_owner_);
}

void SwitchingLink::attach(const Host& host, const GatewayConfig& config,
                           const std::map<std::string, storage::UtilityId>& utilities,
                           std::shared_ptr<const regime::Regimes> regimes) {
  auto facts = std::make_shared<switching::SiteFacts>();
  facts->regimes = std::move(regimes);
  if (config.switching) {
    for (const SwitchingUtility& utility : config.switching->utilities)
      facts->utilities[utility.utility] = site_of(utility);
  }
  std::map<std::string, std::shared_ptr<const commands::CommandFeed>> ports;
  for (const FeedConfig& feed : config.feeds) {
    const auto utility = utilities.find(feed.utility);
    if (utility == utilities.end()) continue;
    const auto port = std::make_shared<const commands::CommandFeed>(command_feed(host, feed, utility->second));
    switching::SwitchFeed known;
    known.facts = {port->name, port->family, port->utility, port->can, port->limits.names, false};
    known.flight = port->limits.expiry + port->limits.grace;
    facts->feeds.push_back(std::move(known));
    ports.emplace(feed.name, port);
  }
  site_.put(std::move(facts));
  {
    const std::lock_guard lock(mutex_);
    ports_ = std::move(ports);
  }
  if (!std::exchange(begun_, true)) begin();
}

void SwitchingLink::begin() {
  parts_.log.write(messages::kSwitchingOn, {{"gateway", name_}});
  if (!rules_) parts_.log.write(messages::kSwitchingNoRules);
  loops_ = 3;
  boost::asio::co_spawn(parts_.executor, repeat(kTick, [this] { tick(); }), end_on_defect);
  boost::asio::co_spawn(parts_.executor, repeat(kTick, [this] { aftercare_.tick(); }), end_on_defect);
  boost::asio::co_spawn(parts_.executor, repeat(kSeal, [this] { sealer_.tick(); }), end_on_defect);
}

sdk::Awaitable<void> SwitchingLink::repeat(std::chrono::milliseconds every, std::function<void()> work) {
  while (!stopping_) {
    co_await upkeep_.run(work);
    for (auto left = every; left.count() > 0 && !stopping_; left -= kSlice)
      co_await parts_.clock.wait(std::min(left, kSlice));
  }
  --loops_;
}

void SwitchingLink::tick() {
  engine_.tick();
  carrier_.tick();
  const bool sends = engine_.sends();
  if (sends == std::exchange(sent_, sends)) return;
  parts_.log.write(messages::kSwitchingSends, {{"gateway", name_}, {"sends", sends ? "yes" : "no"}});
}

sdk::Awaitable<Outcome> SwitchingLink::take(std::shared_ptr<FeedRoute> feed,
                                            std::span<const ResultObservation> results, TakeOthers others) {
  std::shared_ptr<const commands::CommandFeed> port;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = ports_.find(feed->name); found != ports_.end()) port = found->second;
  }
  const bool ours = std::ranges::any_of(results, [](const ResultObservation& result) {
    return result.transaction.empty() || switching::is_switch_transaction(result.transaction);
  });
  if (ours && !port) co_return transient("feed " + feed->name + " is not known to the engine of switching yet");
  if (ours) {
    const commands::MeterOf whose = meter_of(parts_.directory, parts_.clock, feed);
    Outcome outcome = Done{};
    const std::function<void()> work = [&] { outcome = arrivals_.take(*port, results, whose); };
    co_await results_.run(work);
    if (!outcome.ok()) co_return outcome;
  }
  std::vector<ResultObservation> rest;
  for (const ResultObservation& result : results) {
    if (!switching::is_switch_transaction(result.transaction)) rest.push_back(result);
  }
  if (rest.empty()) co_return Done{};
  auto telling = others(feed, rest);
  const Outcome told = co_await std::move(telling);
  co_return told;
}

void SwitchingLink::stop() {
  stopping_ = true;
  engine_.stop();
  registers_.stop();
}

sdk::Awaitable<void> SwitchingLink::finish() {
  while (loops_ > 0 || carrier_.under_way() > 0 || pool_.under_way() > 0 || sends_.under_way() > 0 ||
         results_.under_way() > 0)
    co_await parts_.clock.wait(kSlice);
  const std::function<void()> last = [this] {
    engine_.tick();  // what came back and could not be stored then
    if (begun_) sealer_.stop();
    engine_.hand_over();
  };
  co_await upkeep_.run(last);
}

SwitchCounts SwitchingLink::counts() {
  const switching::Figures figures = engine_.figures();
  const switching::SealFigures seals = sealer_.figures();
  SwitchCounts out;
  out.sends = figures.sends;
  out.oldest_unresolved = figures.oldest_unresolved;
  for (std::size_t i = 0; i < storage::kSwitchStates; ++i) {
    const auto state = static_cast<storage::SwitchState>(i);
    const auto found = figures.states.find(state);
    out.open.emplace_back(storage::name_of(state), found == figures.states.end() ? 0 : found->second);
  }
  for (const auto& [what, count] : watcher_.told()) out.told.emplace_back(what, count);
  const switching::AftercareFigures after = aftercare_.figures();
  for (const auto& [kind, count] : after.raised) out.found.emplace_back(kind, count);
  out.differences = after.differences;
  out.looks = after.looks;
  out.sealed = seals.position;
  out.unsealed = seals.unsealed;
  out.oldest_unsealed = seals.oldest_unsealed;
  out.head_at = seals.head_at;
  out.contradicted = seals.contradicted;
  return out;
}

}  // namespace ami::daemon
