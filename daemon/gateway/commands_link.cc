#include "daemon/gateway/commands_link.h"

#include <boost/asio/co_spawn.hpp>

namespace ami::daemon {
namespace {

commands::Rules rules_of(const CommandsConfig& config) {
  using std::chrono::ceil, std::chrono::seconds;
  commands::Rules rules;
  rules.queue = static_cast<std::size_t>(config.queue);
  rules.group_in_flight = static_cast<std::size_t>(config.feeder_in_flight);
  rules.substation_in_flight = static_cast<std::size_t>(config.substation_in_flight);
  rules.collector_in_flight = static_cast<std::size_t>(config.collector_in_flight);
  rules.backfill_percent = config.backfill_percent;
  rules.expiry = ceil<seconds>(config.expiry);
  rules.reset_lock_out = ceil<seconds>(config.reset_lock_out);
  rules.read_before_reset = config.read_before_reset;
  rules.read_before_age = ceil<seconds>(config.read_before_age);
  rules.followers = static_cast<std::size_t>(config.followers);
  return rules;
}

// Whichever feed bears the name now: it may have been replaced since the engine heard of it.
sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt_through(const Host& host, std::string name,
                                                                sdk::Attempt attempt) {
  const auto feed = host.find(name);
  if (!feed) {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "not_sent";
    answer.words = "the feed was removed";
    co_return std::vector<sdk::AttemptAnswer>(attempt.meters.size(), answer);
  }
  auto asked = feed->attempt(std::move(attempt));
  auto answers = co_await std::move(asked);
  co_return answers;
}

}  // namespace

commands::CommandFeed command_feed(const Host& host, const FeedConfig& feed, storage::UtilityId utility) {
  commands::CommandFeed port;
  port.name = feed.name;
  port.family = feed.family->info().family;
  port.utility = utility;
  port.can = feed.family->capabilities(feed.settings);
  port.limits = feed.family->command_limits(feed.settings);
  port.attempt = [&host, name = feed.name](sdk::Attempt attempt) {
    return attempt_through(host, name, std::move(attempt));
  };
  port.verdict = [family = feed.family, settings = feed.settings](sdk::CommandKind kind,
                                                                  const ResultObservation& result) {
    return family->verdict(settings, kind, result);
  };
  return port;
}

commands::MeterOf meter_of(DirectoryCache& directory, sdk::Clock& clock, std::shared_ptr<FeedRoute> feed) {
  return [&directory, &clock, feed = std::move(feed)](AliasKind kind,
                                                      std::string_view id) -> std::optional<MeterId> {
    const auto picture = directory.current();
    if (!picture) return std::nullopt;
    const auto found = picture->find(feed->utility, feed->name, kind, id, clock.now());
    return found ? std::optional(found->id) : std::nullopt;
  };
}

CommandsLink::CommandsLink(const CommandsConfig& config, boost::asio::any_io_executor executor,
                           sdk::Clock& clock, storage::Database& database, DirectoryCache& directory,
                           const Log& log)
    : clock_(clock),
      directory_(directory),
      engine_(std::make_shared<commands::Engine>(
          commands::Engine::Parts{std::move(executor), clock, pool_, database, log}, rules_of(config))) {}

void CommandsLink::attach(Host& host, const std::vector<FeedConfig>& feeds,
                          const std::map<std::string, storage::UtilityId>& utilities) {
  if (!std::exchange(begun_, true)) {
    working_ = true;
    boost::asio::co_spawn(engine_->strand(), engine_->keep(), [this](std::exception_ptr defect) {
      working_ = false;
      if (defect) std::rethrow_exception(defect);
    });
  }
  std::set<std::string> gone = std::exchange(attached_, {});
  for (const FeedConfig& feed : feeds) {
    const auto utility = utilities.find(feed.utility);
    if (utility == utilities.end()) continue;
    engine_->attach(command_feed(host, feed, utility->second));
    attached_.insert(feed.name);
    gone.erase(feed.name);
  }
  for (const std::string& name : gone) engine_->detach(name);
}

sdk::Awaitable<Outcome> CommandsLink::take(std::shared_ptr<FeedRoute> feed,
                                           std::span<const ResultObservation> results) {
  const commands::MeterOf whose = meter_of(directory_, clock_, feed);
  auto taking = engine_->take(feed->name, feed->utility, results, whose);
  const Outcome outcome = co_await std::move(taking);
  co_return outcome;
}

std::vector<CommandCounts> CommandsLink::counts() const {
  std::vector<CommandCounts> out;
  for (const auto& [name, of] : engine_->figures().feeds) {
    CommandCounts counts{name,        of.waiting,    of.in_flight,  of.paused, of.attempts, of.joined,
                         of.not_left, of.queue_full, of.duplicates, of.late,   of.strays,   {}};
    for (const auto& [what, count] : of.ended) {
      const auto& [kind, state, reason] = what;
      counts.ended.push_back({std::string(name_of(kind)), std::string(name_of(state)), reason, count});
    }
    for (const auto& [outcome, count] : of.resets)
      counts.resets.emplace_back(std::string(name_of(outcome)), count);
    out.push_back(std::move(counts));
  }
  return out;
}

}  // namespace ami::daemon
