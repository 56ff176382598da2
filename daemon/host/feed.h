// One configured feed while it runs: its adapter, its strand, what it is given, and its restarts.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "daemon/config/gateway_config.h"
#include "daemon/host/feed_inbox.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/raw_keeper.h"

namespace ami::daemon {

// What feeds share. All of it outlives the feeds.
struct HostParts {
  boost::asio::any_io_executor executor;
  sdk::Clock& clock;
  WorkerPool& work;      // adapters' blocking work
  WorkerPool& database;  // calls of the store
  storage::IngestStore& store;
  DirectoryCache& directory;
  Pipeline& pipeline;
  Metrics& metrics;
  const Log& log;
  RawKeeper* raw = nullptr;  // null: what arrives is not kept
  JournalLink* journal = nullptr;  // null: families that are pushed to are refused
};

enum class FeedPhase : std::uint8_t {
  Waiting,  // not tried yet: its predecessor of the same name still stops, or the host has just begun
  Running,
  Failed,   // stopped by a failure; started again after a pause
  Refused,  // needs what this gateway lacks; never started
  Stopped,
};
std::string_view name_of(FeedPhase phase);

struct FeedStatus {
  std::string name, utility, family, interface;
  FeedPhase phase = FeedPhase::Waiting;
  std::string error;  // of Failed and Refused
  sdk::Health health;
  std::string trouble;  // why its batches cannot be stored now; empty = they can
};

// A failure of a feed ends nothing but this run of it: it is started again with growing pauses.
class Feed : public std::enable_shared_from_this<Feed> {
 public:
  Feed(HostParts parts, FeedConfig config, storage::UtilityId utility);
  ~Feed();

  // Begins to run, after `predecessor` (may be null) has become quiet. Once.
  void start(std::shared_ptr<Feed> predecessor);
  void stop();                       // asks; any thread, any number of times
  [[nodiscard]] bool quiet() const;  // stopped, nothing under way
  [[nodiscard]] FeedStatus status() const;
  [[nodiscard]] const FeedConfig& config() const noexcept { return config_; }
  // sdk::Adapter::attempt of the adapter that runs, on its strand; without one Failed "not_sent". The caller keeps
  // this feed alive.
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) const;
  [[nodiscard]] storage::UtilityId utility() const noexcept { return route_->utility; }

 private:
  struct Given;  // the services that the adapter sees

  sdk::Awaitable<void> run(std::shared_ptr<Feed> predecessor);
  sdk::Awaitable<std::string> run_once();  // returns why it ended; empty = asked to stop
  void enter(FeedPhase phase, std::string error);
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt_here(sdk::Attempt attempt) const;

  HostParts parts_;
  const FeedConfig config_;
  boost::asio::strand<boost::asio::any_io_executor> strand_;
  std::shared_ptr<FeedRoute> route_;
  std::unique_ptr<Given> given_;
  std::shared_ptr<FeedInbox> inbox_;  // of a family that is pushed to
  boost::asio::cancellation_signal cancel_;  // used on strand_ only

  mutable std::mutex mutex_;  // guards what follows
  FeedPhase phase_ = FeedPhase::Waiting;
  std::string error_;
  std::shared_ptr<sdk::Adapter> adapter_;
};

}  // namespace ami::daemon
