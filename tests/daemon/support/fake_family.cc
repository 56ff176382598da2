#include "tests/daemon/support/fake_family.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ami::daemon::testing {
namespace asio = boost::asio;
namespace {

class FakeAdapter final : public sdk::Adapter {
 public:
  FakeAdapter(const sdk::AdapterInfo& info, std::shared_ptr<FakeScript> script)
      : info_(info), script_(std::move(script)) {
    ++script_->made;
  }
  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  sdk::Health health() const override {
    sdk::Health health;
    health.state = script_->fail ? sdk::HealthState::Failed : sdk::HealthState::Healthy;
    health.reason = script_->fail ? "told to fail" : "";
    return health;
  }
  sdk::Awaitable<Outcome> start() override {
    auto outcome = script_->on_start();
    ++script_->started;
    co_return outcome;
  }
  sdk::Awaitable<void> stop() override {
    ++script_->stopped;
    co_return;
  }
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override {
    return script_->on_attempt ? script_->on_attempt(std::move(attempt)) : Adapter::attempt(std::move(attempt));
  }

 private:
  const sdk::AdapterInfo& info_;
  std::shared_ptr<FakeScript> script_;
};

}  // namespace

FakeFamily::FakeFamily(std::string name, bool pushed) {
  info_.family = std::move(name);
  info_.interface = "made up for tests";
  info_.capabilities.pushed_messages = pushed;
  schema_.title = "fake";
  sdk::SettingDef colour;
  colour.key = "colour";
  colour.doc = "Anything.";
  colour.default_value = "blue";
  schema_.settings.push_back(colour);
}

std::unique_ptr<sdk::Adapter> FakeFamily::make(const sdk::Settings&, sdk::Services services) const {
  script->on_make(services);
  return std::make_unique<FakeAdapter>(info_, script);
}

sdk::Awaitable<bool> InstantClock::wait(std::chrono::milliseconds span) {
  waited_ += span.count();
  on_wait();
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  co_return true;
}

}  // namespace ami::daemon::testing
