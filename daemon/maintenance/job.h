// Runs the database's nightly maintenance once a day.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "adapters/sdk/adapter.h"
#include "daemon/log/log.h"
#include "storage/postgres/maintenance.h"

namespace ami::daemon {

// The first instant after `now` at which the UTC clock shows that full hour.
UtcInstant next_at_hour(UtcInstant now, int hour);

// keep() runs on one strand; stop(), working() are for any thread.
class MaintenanceJob {
 public:
  // Blocking; runs on the pool. nullopt: another gateway is at it. Asked between transactions whether to go
  // on.
  using Work = std::function<Result<std::optional<storage::MaintenanceReport>>(
      const storage::MaintenancePlan& plan, UtcInstant now, const std::function<bool()>& go_on)>;
  struct Settings {
    int hour = 3;  // UTC
    storage::MaintenancePlan plan;
  };

  // `settings` is asked on the strand, time and again: a reload counts from the next run on.
  MaintenanceJob(sdk::Clock& clock, sdk::Offload& pool, std::function<Settings()> settings, Work work,
                 const Log& log)
      : clock_(clock), pool_(pool), settings_(std::move(settings)), work_(std::move(work)), log_(log) {}

  sdk::Awaitable<void> keep();  // until stopped or cancelled
  void stop() { stopping_ = true; }
  [[nodiscard]] bool working() const { return working_; }  // stop, then wait until this is false

 private:
  void report(const Result<std::optional<storage::MaintenanceReport>>& done) const;

  sdk::Clock& clock_;
  sdk::Offload& pool_;
  const std::function<Settings()> settings_;
  const Work work_;
  const Log& log_;
  std::atomic<bool> stopping_{false}, working_{false};
};

}  // namespace ami::daemon
