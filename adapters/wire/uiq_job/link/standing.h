// How the feed stands, for whoever asks. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "adapters/sdk/adapter.h"

namespace ami::uiq_job {

class Standing {
 public:
  void set(sdk::HealthState state, std::string reason) {
    const std::lock_guard lock(mutex_);
    health_.state = state;
    health_.reason = std::move(reason);
  }
  // The head-end gave an answer that could be read: whatever was wrong is over.
  void answered(UtcInstant now) {
    const std::lock_guard lock(mutex_);
    if (health_.state == sdk::HealthState::Stopped) return;
    health_.state = sdk::HealthState::Healthy;
    health_.reason.clear();
    health_.last_success = now;
  }
  void trouble(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (health_.state == sdk::HealthState::Stopped) return;
    health_.state = sdk::HealthState::Degraded;
    health_.reason = reason;
  }
  void jobs(std::size_t waiting) {
    const std::lock_guard lock(mutex_);
    waiting_ = waiting;
  }
  void result() {
    const std::lock_guard lock(mutex_);
    ++results_;
  }
  void given_up() {
    const std::lock_guard lock(mutex_);
    ++given_up_;
  }

  // With what was counted here as facts.
  [[nodiscard]] sdk::Health health() const {
    const std::lock_guard lock(mutex_);
    sdk::Health out = health_;
    out.facts.emplace_back("jobs", std::to_string(waiting_) + " waited for, " + std::to_string(results_) +
                                       " ended, " + std::to_string(given_up_) + " given up");
    return out;
  }

 private:
  mutable std::mutex mutex_;
  sdk::Health health_;
  std::size_t waiting_ = 0;
  std::uint64_t results_ = 0, given_up_ = 0;
};

}  // namespace ami::uiq_job
