// A fixed number of threads for work that blocks: database calls, files, decoding.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>

#include "adapters/sdk/adapter.h"

namespace ami::daemon {

// A queued piece of work is a coroutine that waits for it, so the queue is as long as there are coroutines
// that each wait once: no adapter can pile up work, and a busy pool slows its callers down.
class WorkerPool final : public sdk::Offload {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool() override;  // waits for work that runs

  // Runs `work` on a thread of the pool; resumes on the caller's executor. Not cancelled by cancelling the
  // caller: what was begun is waited for. An exception of `work` comes back here.
  sdk::Awaitable<void> run(std::function<void()> work) override;

  // The same for callers that are no coroutines; they bound how much they hand in. `work` must not throw.
  void post(std::function<void()> work);

  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }  // queued or running

 private:
  boost::asio::thread_pool pool_;
  std::atomic<std::size_t> under_way_{0};
};

}  // namespace ami::daemon
