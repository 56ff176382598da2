#include "adapters/wire/http/breaker.h"

#include <utility>

namespace ami::http {

std::string_view name_of(BreakerState state) {
  switch (state) {
    case BreakerState::Closed:
      return "closed";
    case BreakerState::Open:
      return "open";
    case BreakerState::HalfOpen:
      return "half_open";
  }
  return "unknown";
}

struct Breaker::Core {
  Core(BreakerSettings with, sdk::Clock& on) : settings(with), clock(on) {}

  void enter(BreakerState next) {
    state = next;
    ++era;
    out = good = 0;
    failures_in_a_row = 0;
    if (next == BreakerState::Open) {
      ++metrics.opened;
      probe_at = clock.now() + settings.open_for;
    }
  }

  const BreakerSettings settings;
  sdk::Clock& clock;
  BreakerState state = BreakerState::Closed;
  std::uint64_t era = 0;  // of the state: a permit of another era counts no more
  int failures_in_a_row = 0;
  int out = 0, good = 0;  // probes
  UtcInstant probe_at{};
  BreakerMetrics metrics;
};

struct Breaker::Permit::Place {
  std::shared_ptr<Core> core;
  std::uint64_t era;
};

Breaker::Permit::Permit(std::unique_ptr<Place> place) : place_(std::move(place)) {}
Breaker::Permit::Permit(Permit&&) noexcept = default;

Breaker::Permit::~Permit() {
  if (place_ && place_->era == place_->core->era) --place_->core->out;
}

void Breaker::Permit::succeeded() {
  const auto place = std::move(place_);
  if (!place) return;
  Core& core = *place->core;
  ++core.metrics.succeeded;
  if (place->era != core.era) return;
  --core.out;
  core.failures_in_a_row = 0;
  if (core.state == BreakerState::HalfOpen && ++core.good >= core.settings.probes)
    core.enter(BreakerState::Closed);
}

void Breaker::Permit::failed() {
  const auto place = std::move(place_);
  if (!place) return;
  Core& core = *place->core;
  ++core.metrics.failed;
  if (place->era != core.era) return;
  --core.out;
  ++core.failures_in_a_row;
  const bool enough = core.settings.failures > 0 && core.failures_in_a_row >= core.settings.failures;
  if (core.state == BreakerState::HalfOpen || enough) core.enter(BreakerState::Open);
}

Breaker::Breaker(BreakerSettings settings, sdk::Clock& clock)
    : core_(std::make_shared<Core>(settings, clock)) {}
Breaker::~Breaker() = default;

std::optional<Breaker::Permit> Breaker::admit() {
  Core& core = *core_;
  if (core.state == BreakerState::Open && core.clock.now() >= core.probe_at)
    core.enter(BreakerState::HalfOpen);
  const bool probes_are_out =
      core.state == BreakerState::HalfOpen && core.out + core.good >= core.settings.probes;
  if (core.state == BreakerState::Open || probes_are_out) {
    ++core.metrics.refused;
    return std::nullopt;
  }
  ++core.out;
  return Permit(std::unique_ptr<Permit::Place>(new Permit::Place{core_, core.era}));
}

BreakerMetrics Breaker::metrics() const {
  BreakerMetrics metrics = core_->metrics;
  metrics.state = core_->state;
  metrics.failures_in_a_row = core_->failures_in_a_row;
  if (core_->state == BreakerState::Open) metrics.probe_at = core_->probe_at;
  return metrics;
}

}  // namespace ami::http
