// Keeping what arrives, dropping it when its time is over, and reading it again: the parts, and the two loops
// of them.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "daemon/config/gateway_config.h"
#include "daemon/gateway/database_link.h"
#include "daemon/host/host.h"
#include "daemon/pipeline/raw_keeper.h"
#include "daemon/pipeline/reprocess.h"
#include "daemon/rpc/records.h"

namespace ami::daemon {

class KeptContent {
 public:
  KeptContent(const GatewayConfig& config, DatabaseLink& database, const Log& log);

  // Null when the configuration says that nothing is kept.
  [[nodiscard]] RawKeeper* keeper() noexcept { return keep_ ? &keeper_ : nullptr; }

  // Begins both loops. `host` and `clock` outlive them.
  void start(const boost::asio::any_io_executor& executor, const Host& host, sdk::Clock& clock);
  void stop() noexcept { stopping_ = true; }
  [[nodiscard]] bool quiet() const noexcept { return loops_ == 0; }

  // For gRPC; each blocks, any thread.
  storage::Answer<std::int64_t> order(const storage::RunOrder& order, const Host& host);
  Result<rpc::RawStream> open(const std::string& sha256) const;
  [[nodiscard]] bool holds(const std::string& sha256) const { return files_.holds(sha256); }

 private:
  sdk::Awaitable<void> prune(sdk::Clock& clock);
  sdk::Awaitable<void> reprocess(const Host& host, sdk::Clock& clock);
  sdk::Awaitable<void> rest(sdk::Clock& clock, std::chrono::milliseconds span);

  const bool keep_;
  DatabaseLink& database_;
  const Log& log_;
  storage::RawFiles files_;
  RawKeeper keeper_;
  WorkerPool work_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> loops_{0};
};

}  // namespace ami::daemon
