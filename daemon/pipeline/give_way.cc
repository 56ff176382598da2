#include "daemon/pipeline/give_way.h"

#include <algorithm>

namespace ami::daemon {
namespace {

constexpr std::chrono::milliseconds kBreath{50};
constexpr std::chrono::milliseconds kLongest{30'000};
constexpr int kTimesTheStep = 3;

}  // namespace

sdk::Awaitable<void> give_way(sdk::Clock& clock, std::chrono::milliseconds step_took,
                              std::function<Way()> way) {
  const auto all = std::clamp(step_took * kTimesTheStep, kBreath, kLongest);
  for (auto waited = std::chrono::milliseconds{0}; waited < all;) {
    const auto slice = std::min(kBreath, all - waited);
    co_await clock.wait(slice);
    waited += slice;
    const Way now = way();
    if (now.stopping || !now.storing) co_return;
  }
}

}  // namespace ami::daemon
