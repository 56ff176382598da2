// How long to wait before trying again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace ami::daemon {

// Doubles from `first` to `longest`; each pause is drawn from its upper half, so that many feeds that lost
// the same database do not come back in step.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest, std::uint32_t seed)
      : first_(first), longest_(longest), next_(first), random_(seed) {}

  std::chrono::milliseconds next() {
    const auto whole = std::max<std::int64_t>(next_.count(), 1);
    next_ = std::min(next_ * 2, longest_);
    return std::chrono::milliseconds{std::uniform_int_distribution<std::int64_t>(whole / 2, whole)(random_)};
  }
  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_, longest_, next_;
  std::minstd_rand random_;
};

}  // namespace ami::daemon
