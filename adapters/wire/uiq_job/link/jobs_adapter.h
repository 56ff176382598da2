// The adapter of a feed that speaks with UtilityIQ in jobs: find the device, add a job, ask for its state,
// fetch its results. docs/uiq-job.md
#pragma once

#include <memory>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/uiq_job/link/settings.h"

namespace ami::uiq_job {

// A job that may have been added is never added again. The job's id is durable before its attempt is answered
// Waiting; what becomes of it reaches the sink as a ResultObservation with the attempt's transaction, after a
// restart, too.
class JobsAdapter : public sdk::Adapter {
 public:
  // On a fault in `settings` start() says it.
  JobsAdapter(sdk::AdapterInfo info, Result<JobSettings> settings, sdk::Services services);
  ~JobsAdapter() override;

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] sdk::Health health() const override;
  sdk::Awaitable<Outcome> start() override;
  sdk::Awaitable<void> stop() override;
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override;

 private:
  class Core;
  sdk::AdapterInfo info_;
  std::optional<Error> error_;
  std::shared_ptr<Core> core_;  // null when there is an error
};

}  // namespace ami::uiq_job
