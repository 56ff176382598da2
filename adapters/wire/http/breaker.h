// Keeps a peer that does not answer from costing every request its timeout, and lets it come back by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "adapters/sdk/adapter.h"

namespace ami::http {

struct BreakerSettings {
  int failures = 5;                            // in a row until it opens; 0 = never opens
  std::chrono::milliseconds open_for{30'000};  // until a request is let through as a probe
  int probes = 1;                              // at once while half open, and successes until it closes
};

enum class BreakerState { Closed, Open, HalfOpen };
std::string_view name_of(BreakerState state);  // "closed", "open", "half_open"

struct BreakerMetrics {
  BreakerState state = BreakerState::Closed;
  int failures_in_a_row = 0;
  std::uint64_t succeeded = 0, failed = 0;  // requests that told how they ended
  std::uint64_t refused = 0;                // requests that were not let through
  std::uint64_t opened = 0;                 // how often
  std::optional<UtcInstant> probe_at;       // open: when the next request goes through
};

// On one strand; time is the clock's.
//   closed ── `failures` failures in a row ──► open ── open_for ──► half open: `probes` requests at once
//   half open ── `probes` successes ──► closed;  ── one failure ──► open
class Breaker {
 public:
  Breaker(BreakerSettings settings, sdk::Clock& clock);
  ~Breaker();
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  // Leave to send one request. Tells how that ended; destroyed without a word it gives its place back and
  // counts as neither. What ends after the breaker has changed its state does not count for the new state.
  class Permit {
   public:
    Permit(Permit&&) noexcept;
    Permit& operator=(Permit&&) = delete;
    ~Permit();
    void succeeded();
    void failed();

   private:
    friend class Breaker;
    struct Place;
    explicit Permit(std::unique_ptr<Place> place);
    std::unique_ptr<Place> place_;
  };

  std::optional<Permit> admit();  // nullopt: open, or all probes are out
  [[nodiscard]] BreakerMetrics metrics() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace ami::http
