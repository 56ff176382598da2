// How far a long comparison is, for who waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string_view>

namespace ami::amictl {

// On stderr, every two seconds at most.
class Progress {
 public:
  // of: 0 = nobody knows.
  void at(std::string_view what, std::uint64_t done, std::uint64_t of = 0) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds{2}) return;
    last_ = now;
    std::cerr << "demo-check: " << what << ' ' << done;
    if (of > 0) std::cerr << " of " << of;
    std::cerr << '\n';
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace ami::amictl
