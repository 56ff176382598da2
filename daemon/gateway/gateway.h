// The whole daemon: puts the parts together, keeps them going, reloads, and drains in order.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/config/gateway_config.h"
#include "daemon/host/simulated_time.h"
#include "daemon/log/log.h"

namespace ami::daemon {

class Gateway {
 public:
  // `families` and `log` outlive the gateway. simulated: of a demonstration only.
  Gateway(GatewayConfig config, const Families& families, Log& log, std::string version,
          std::optional<SimulatedTime> simulated = std::nullopt);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Runs until SIGTERM or SIGINT and everything under way is finished. Returns the exit code: 0 drained, 1
  // could not start. When drain_timeout passes, or a second signal comes, it does not return: the process
  // ends with code 1, because a thread may hang in a call that cannot be interrupted.
  int run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ami::daemon
