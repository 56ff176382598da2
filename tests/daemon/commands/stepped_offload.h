// The store's pool by hand: while it holds, a call waits until it is carried out, and its caller until it is
// answered, so that a test sees what happens in between. And a clock that may be set.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/sdk/adapter.h"

namespace ami::daemon::commands {

class SteppedOffload final : public sdk::Offload {
 public:
  explicit SteppedOffload(boost::asio::io_context& io) : io_(io) {}

  bool holding = false;  // else each call is carried out and answered at once

  sdk::Awaitable<void> run(std::function<void()> work) override {
    if (!holding) {
      work();
      co_return;
    }
    const std::shared_ptr<Call> call(new Call{boost::asio::steady_timer(io_), std::move(work)});
    call->answered.expires_at(boost::asio::steady_timer::time_point::max());
    calls_.push_back(call);
    co_await call->answered.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

  [[nodiscard]] std::size_t held() const { return calls_.size(); }
  // In the order in which they came. Carried out twice: the answer of the first time was lost, and it was
  // asked for again.
  void carry_out(std::size_t index) {
    calls_.at(index)->work();
    calls_.at(index)->carried_out = true;
  }
  // Its caller goes on, once the test lets it; carries the call out before, unless it was.
  void answer(std::size_t index) {
    const std::shared_ptr<Call> call = calls_.at(index);
    if (!call->carried_out) call->work();
    calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(index));
    call->answered.cancel();
  }

 private:
  struct Call {
    boost::asio::steady_timer answered;
    std::function<void()> work;
    bool carried_out = false;
  };
  boost::asio::io_context& io_;
  std::vector<std::shared_ptr<Call>> calls_;
};

// Waits as the clock that it wraps does; says another time.
class SetClock final : public sdk::Clock {
 public:
  explicit SetClock(sdk::Clock& inner) : inner_(inner) {}
  UtcInstant now() override { return inner_.now() + ahead; }
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override { return inner_.wait(span); }
  std::chrono::milliseconds ahead{0};

 private:
  sdk::Clock& inner_;
};

}  // namespace ami::daemon::commands
