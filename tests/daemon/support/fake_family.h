// A module family whose adapters do what a test tells them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "adapters/sdk/registration.h"

namespace ami::daemon::testing {

// Counts what happens to all adapters of the family; read from any thread.
struct FakeScript {
  std::function<Outcome()> on_start = [] { return Outcome(Done{}); };
  std::atomic<int> made{0}, started{0}, stopped{0};
  std::atomic<bool> fail{false};  // health() says Failed
  std::function<void(sdk::Services&)> on_make = [](sdk::Services&) {};
  std::function<DecodedBatch(std::string_view)> on_decode = [](std::string_view) { return DecodedBatch{}; };
  std::function<DecodedBatch(std::string_view, UtcInstant received_at)> on_message;  // instead of on_decode
  // Empty: no command is stated.
  std::function<sdk::Awaitable<std::vector<sdk::AttemptAnswer>>(sdk::Attempt)> on_attempt;
  std::function<Result<sdk::FeedPlan>()> on_plan = [] { return Result<sdk::FeedPlan>(sdk::FeedPlan{}); };
};

class FakeFamily final : public sdk::AdapterFamily {
 public:
  explicit FakeFamily(std::string name, bool pushed = false);
  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  const sdk::SettingsSchema& schema() const noexcept override { return schema_; }
  Result<sdk::FeedPlan> plan(const sdk::Settings&, const std::string&) const override {
    return script->on_plan();
  }
  std::unique_ptr<sdk::Adapter> make(const sdk::Settings&, sdk::Services services) const override;
  DecodedBatch decode(const sdk::Settings&, std::string_view raw, UtcInstant received_at) const override {
    return script->on_message ? script->on_message(raw, received_at) : script->on_decode(raw);
  }

  std::shared_ptr<FakeScript> script = std::make_shared<FakeScript>();

 private:
  sdk::AdapterInfo info_;
  sdk::SettingsSchema schema_;
};

// Waits take no time: they only let others run. Total of what was waited for is kept.
class InstantClock final : public sdk::Clock {
 public:
  UtcInstant now() override { return start_ + waited(); }
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override;
  [[nodiscard]] std::chrono::milliseconds waited() const { return std::chrono::milliseconds{waited_}; }
  std::function<void()> on_wait = [] {};

 private:
  const UtcInstant start_{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15}};
  std::atomic<std::int64_t> waited_{0};
};

}  // namespace ami::daemon::testing
