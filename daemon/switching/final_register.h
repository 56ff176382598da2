// The register of a meter right after its switch was opened: a read on demand as everybody's, then the value
// that it brought, out of the store.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "daemon/commands/engine.h"
#include "daemon/pipeline/worker_pool.h"
#include "meter_model/result.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

// "1234.5 kWh as of 2026-01-15T12:00:05Z", of the newest reading of delivered energy since `since` that the
// device dated and nothing is said against; an error when there is none. Blocking.
Result<std::string> stored_register(storage::Database& readings, MeterId meter, UtcInstant since, UtcInstant now);

class FinalRegister {
 public:
  struct Parts {
    std::shared_ptr<commands::Engine> commands;
    WorkerPool& pool;  // for the store, and for `done`
    sdk::Clock& clock;
    storage::Database& readings;
  };
  explicit FinalRegister(Parts parts) : parts_(std::move(parts)) {}

  // Any thread. `done` once, on the pool; never after stop().
  void read(const storage::SwitchOperation& operation, std::function<void(Result<std::string>)> done);
  void stop() noexcept { stopping_ = true; }

 private:
  struct Read;
  void follow(const std::shared_ptr<Read>& read, std::uint64_t seen);
  void finish(const std::shared_ptr<Read>& read, Result<std::string> result);
  [[nodiscard]] Result<std::string> outcome(const Read& read);  // blocking

  Parts parts_;
  std::atomic<bool> stopping_{false};
};

}  // namespace ami::daemon::switching
