// SimulatedJobs behind an HTTP server: each path of the template, POST.
#pragma once

#include <cstdint>
#include <memory>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/server.h"
#include "adapters/wire/uiq_job/peer/simulated_jobs.h"

namespace ami::uiq_job::peer {

// Jobs go on by services.clock. An answer that is lost arrives as 502, as a proxy in between gives it. Log-in
// is ServerSettings::basic. Threads: services.executor; `jobs` outlives it and is touched on it only.
class JobService {
 public:
  JobService(SimulatedJobs& jobs, http::ServerSettings settings, sdk::Services services);

  sdk::Awaitable<Outcome> start();
  sdk::Awaitable<void> stop();
  [[nodiscard]] std::uint16_t port() const { return server_.ports().front(); }
  [[nodiscard]] http::ServerCounters counters() const { return server_.counters(); }

 private:
  SimulatedJobs& jobs_;
  sdk::Clock& clock_;
  http::Server server_;
};

}  // namespace ami::uiq_job::peer
