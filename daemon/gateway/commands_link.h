// The engine of commands in its place: between the feeds, the pipeline and the store.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/commands/engine.h"
#include "daemon/config/gateway_config.h"
#include "daemon/host/host.h"

namespace ami::daemon {

// A feed as engines see it. `host` outlives it.
commands::CommandFeed command_feed(const Host& host, const FeedConfig& feed, storage::UtilityId utility);
// Whose id a far side's is, for results that came through `feed`.
commands::MeterOf meter_of(DirectoryCache& directory, sdk::Clock& clock, std::shared_ptr<FeedRoute> feed);

class CommandsLink {
 public:
  static constexpr std::size_t kThreads = 2;  // that call the store

  CommandsLink(const CommandsConfig& config, boost::asio::any_io_executor executor, sdk::Clock& clock,
               storage::Database& database, DirectoryCache& directory, const Log& log);

  [[nodiscard]] commands::Engine& engine() noexcept { return *engine_; }
  // The feeds that `host` runs from now on; those of before that are none of them are taken off. Begins to
  // work with the first call. On one strand.
  void attach(Host& host, const std::vector<FeedConfig>& feeds,
              const std::map<std::string, storage::UtilityId>& utilities);
  // For Pipeline::on_results.
  sdk::Awaitable<Outcome> take(std::shared_ptr<FeedRoute> feed, std::span<const ResultObservation> results);
  void stop() { engine_->stop(); }
  [[nodiscard]] bool quiet() const { return !working_; }
  [[nodiscard]] std::vector<CommandCounts> counts() const;  // any thread

 private:
  sdk::Clock& clock_;
  DirectoryCache& directory_;
  WorkerPool pool_{kThreads};
  std::shared_ptr<commands::Engine> engine_;
  std::set<std::string> attached_;
  bool begun_ = false;
  std::atomic<bool> working_{false};
};

}  // namespace ami::daemon
