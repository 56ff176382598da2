// Takes errands of the engine to the adapters, through the feeds and within the bounds of daemon/commands. One
// attempt is one question about one meter.
//
// Threads: any. Callbacks of the engine block, so they run on `pool`.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/commands/engine.h"
#include "daemon/log/log.h"
#include "daemon/pipeline/worker_pool.h"
#include "daemon/switching/engine.h"
#include "daemon/switching/final_register.h"

namespace ami::daemon::switching {

// The answer of an attempt that was never let send. What it failed for is surely not sent, whatever the adapter
// calls it; its reason stays in the words. Any other answer is as it was: nothing but a defect explains it.
sdk::AttemptAnswer before_it_left(sdk::AttemptAnswer answer);

class FeedCarrier final : public Carrier {
 public:
  struct Parts {
    std::shared_ptr<commands::Engine> feeds;
    boost::asio::any_io_executor executor;
    WorkerPool& pool;
    sdk::Clock& clock;
    const Log& log;
  };
  FeedCarrier(Parts parts, FinalRegister& registers) : parts_(std::move(parts)), registers_(registers) {}

  void carry(const Errand& errand, std::function<Outcome()> before_send,
             std::function<void(sdk::AttemptAnswer)> done) override;
  void read_register(const SwitchOperation& operation, std::function<void(Result<std::string>)> done) override {
    registers_.read(operation, std::move(done));
  }

  // The far side has said what came of it: its place at the feed is free. Of a transaction that is not ours, or
  // was told before: nothing.
  void heard(const std::string& transaction);
  // Places of what was never answered, whose time is over. About once a second.
  void tick();

  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }  // attempts

 private:
  struct Trip;
  struct Held {
    std::string feed;
    UtcInstant until{};
  };
  sdk::Awaitable<void> go(std::shared_ptr<Trip> trip);
  void back(const std::shared_ptr<Trip>& trip, sdk::AttemptAnswer answer);
  void hold(const Trip& trip);

  Parts parts_;
  FinalRegister& registers_;
  std::atomic<std::size_t> under_way_{0};
  std::mutex mutex_;
  std::map<std::string, Held> held_;  // places of attempts whose answer is waited for, by transaction
};

}  // namespace ami::daemon::switching
