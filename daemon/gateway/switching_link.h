// The engine of switching in its place: between callers, asset data, the feeds, the pipeline and the book. Only
// where `switching` is configured.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "daemon/config/gateway_config.h"
#include "daemon/gateway/commands_link.h"
#include "daemon/host/host.h"
#include "daemon/pipeline/metrics.h"
#include "daemon/rpc/switching.h"
#include "daemon/switching/aftercare.h"
#include "daemon/switching/arrivals.h"
#include "daemon/switching/asset_site.h"
#include "daemon/switching/feed_carrier.h"
#include "daemon/switching/log_watcher.h"
#include "daemon/switching/policy_chain.h"
#include "daemon/switching/sealer.h"
#include "daemon/switching/stored_rules/limit_policy.h"
#include "daemon/switching/stored_rules/stored_rules.h"
#include "storage/postgres/switch_limits.h"
#include "storage/postgres/safety_holds.h"
#include "storage/postgres/switch_seals.h"
#include "storage/postgres/switch_watch.h"
#include "storage/postgres/switching.h"

namespace ami::daemon {

class SwitchingLink {
 public:
  struct Parts {
    boost::asio::any_io_executor executor;
    sdk::Clock& clock;
    storage::Database& readings;  // asset data and values
    DirectoryCache& directory;
    std::shared_ptr<commands::Engine> commands;
    const Log& log;
    std::chrono::milliseconds look_every;  // for evidence in the store
    std::size_t looking_threads;           // that call served() beside post()
  };
  SwitchingLink(const SwitchingConfig& config, const DatabaseConfig& database, Parts parts);

  [[nodiscard]] switching::Engine& engine() noexcept { return engine_; }
  [[nodiscard]] switching::Site& site() noexcept { return site_; }
  [[nodiscard]] storage::SwitchStore& store() noexcept { return store_; }
  [[nodiscard]] storage::SealStore& seals() noexcept { return seal_store_; }
  [[nodiscard]] storage::Database& database() noexcept { return database_; }  // as role ami_switch
  void post(std::function<void()> work) { pool_.post(std::move(work)); }      // may block
  [[nodiscard]] const rpc::Switching* served() const noexcept { return &served_; }

  // Whether the login of the book does for it. Blocking.
  Outcome check();
  // The feeds that `host` runs from now on, and what utilities know of their meters. Begins to work with the
  // first call. On one strand.
  void attach(const Host& host, const GatewayConfig& config,
              const std::map<std::string, storage::UtilityId>& utilities,
              std::shared_ptr<const regime::Regimes> regimes);
  // For Pipeline::on_results: takes what is a switch's; `others` are told the rest.
  using TakeOthers =
      std::function<sdk::Awaitable<Outcome>(std::shared_ptr<FeedRoute>, std::span<const ResultObservation>)>;
  sdk::Awaitable<Outcome> take(std::shared_ptr<FeedRoute> feed, std::span<const ResultObservation> results,
                               TakeOthers others);

  // No attempt begins from now on; those under way end with their adapters.
  void stop();
  // When the adapters have stopped: waits until nothing is under way, seals what there is and gives the lease
  // back.
  sdk::Awaitable<void> finish();
  [[nodiscard]] SwitchCounts counts();  // any thread

 private:
  sdk::Awaitable<void> repeat(std::chrono::milliseconds every, std::function<void()> work);
  void begin();
  void tick();

  const SwitchingConfig config_;
  const bool allow_owner_;
  Parts parts_;
  const std::string name_;  // of this run
  storage::Database database_;
  storage::PostgresSwitching store_;
  storage::PostgresSeals seal_store_;
  storage::PostgresSwitchWatch watch_;
  switching::LogWatcher watcher_;
  switching::AssetSite site_;
  WorkerPool pool_;       // callers
  WorkerPool sends_;      // what leaves and comes back: it must not wait behind callers
  WorkerPool results_{2};
  WorkerPool upkeep_{3};  // what time does, the seals, and the aftercare: none waits for another
  switching::FinalRegister registers_;
  switching::FeedCarrier carrier_;
  storage::PostgresSwitchLimits limits_;
  storage::PostgresSwitchStops stops_;
  storage::PostgresSafetyHolds holds_;
  storage::PostgresSwitchReviews reviews_;
  switching::EnginePolicy own_rules_;
  switching::LimitPolicy limit_rules_;
  std::unique_ptr<switching::StoredRules> rules_;  // null: none are configured
  switching::PolicyChain policy_;
  switching::Engine engine_;
  switching::Arrivals arrivals_;
  switching::Sealer sealer_;
  switching::Aftercare aftercare_;
  rpc::Switching served_;
  std::mutex mutex_;  // guards ports_
  std::map<std::string, std::shared_ptr<const commands::CommandFeed>> ports_;
  bool begun_ = false, sent_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<int> loops_{0};
};

}  // namespace ami::daemon
