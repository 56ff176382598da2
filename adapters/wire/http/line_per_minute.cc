#include "adapters/wire/http/line_per_minute.h"

#include <chrono>

namespace ami::http {
namespace {

constexpr std::size_t kMostAddresses = 1'000;
constexpr std::chrono::seconds kPause{60};

}  // namespace

std::optional<std::uint64_t> LinePerMinute::admit(const std::string& address, UtcInstant now) {
  const auto known = seen_.find(address);
  if (known == seen_.end() && seen_.size() >= kMostAddresses) {
    std::erase_if(seen_, [&](const auto& one) { return now - one.second.said >= kPause; });
  }
  const std::string& name = known == seen_.end() && seen_.size() >= kMostAddresses ? std::string() : address;
  const auto [place, fresh] = seen_.try_emplace(name, Seen{now, 0});
  if (!fresh && now - place->second.said < kPause) {
    ++place->second.held;
    return std::nullopt;
  }
  const std::uint64_t held = place->second.held;
  place->second = {now, 0};
  return held;
}

}  // namespace ami::http
