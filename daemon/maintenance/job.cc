#include "daemon/maintenance/job.h"

#include <algorithm>

#include "daemon/log/messages.h"

namespace ami::daemon {

UtcInstant next_at_hour(UtcInstant now, int hour) {
  const UtcInstant today = std::chrono::floor<std::chrono::days>(now) + std::chrono::hours{hour};
  return today > now ? today : today + std::chrono::days{1};
}

sdk::Awaitable<void> MaintenanceJob::keep() {
  // Not one long wait: when the system's clock is set, the hour is still met.
  constexpr std::chrono::milliseconds kTick = std::chrono::minutes{1};
  UtcInstant last = clock_.now();
  while (!stopping_) {
    const auto left = next_at_hour(last, settings_().hour) - clock_.now();
    if (left.count() > 0) {
      if (!co_await clock_.wait(std::min(std::chrono::ceil<std::chrono::milliseconds>(left), kTick)))
        co_return;
      continue;
    }
    last = clock_.now();
    working_ = true;
    Result<std::optional<storage::MaintenanceReport>> done = transient("not begun");
    const storage::MaintenancePlan plan = settings_().plan;
    const std::function<void()> work = [&] {
      done = work_(plan, clock_.now(), [this] { return !stopping_.load(); });
    };
    co_await pool_.run(work);
    report(done);
    working_ = false;
  }
}

void MaintenanceJob::report(const Result<std::optional<storage::MaintenanceReport>>& done) const {
  if (!done) {
    log_.write(messages::kMaintenanceFailed, {{"error", done.error().message}});
    return;
  }
  if (!*done) {
    log_.write(messages::kMaintenanceElsewhere);
    return;
  }
  std::size_t tasks = 0, postponed = 0;
  for (const auto& entry : (*done)->entries) {
    using Outcome = storage::MaintenanceEntry::Outcome;
    if (entry.outcome == Outcome::Failed) {
      log_.write(messages::kMaintenanceFailed,
                 {{"task", entry.task}, {"subject", entry.subject}, {"error", entry.detail}});
    }
    ++(entry.outcome == Outcome::Done ? tasks : postponed);
  }
  log_.write(messages::kMaintenanceDone, {{"tasks", std::to_string(tasks)},
                                          {"left", std::to_string(postponed)},
                                          {"finished", (*done)->finished ? "true" : "false"}});
}

}  // namespace ami::daemon
