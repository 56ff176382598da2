#include "meter_model/metrology/demand.h"

#include <algorithm>

namespace ami::metrology {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::int64_t kMostSubintervals = 60;
constexpr double kWattsPerKilowatt = 1000;
constexpr seconds kDay{86400};
constexpr seconds kLegalWindow{900};  // S-E-06 clause 5.15.3

Energy of(const EnergyPair& energy, DemandQuantity quantity) {
  switch (quantity) {
    case DemandQuantity::Delivered:
      return energy.delivered;
    case DemandQuantity::Received:
      return energy.received;
    case DemandQuantity::Net:
      return energy.net();
  }
  return {};
}

double mean_kw(Int128 energy, microseconds time) {
  constexpr long double kNanowattsPerKilowatt = 1e12L;
  return static_cast<double>(static_cast<long double>(energy) /
                             (static_cast<long double>(time.count()) * kNanowattsPerKilowatt));
}

std::string text(seconds time) {
  return std::to_string(time.count()) + " s";
}

}  // namespace

seconds DemandProgram::update() const {
  return method == DemandMethod::Sliding && subinterval != seconds{0} ? subinterval : window;
}

Result<std::vector<std::string>> DemandProgram::check() const {
  if (window <= seconds{0} || window > kDay) {
    return permanent("a demand window of " + text(window) + "; 1 s to a day are possible");
  }
  if (method == DemandMethod::Sliding) {
    if (subinterval < seconds{0} || window % update() != seconds{0} ||
        window / update() > kMostSubintervals) {
      return permanent("a demand window of " + text(window) + " with sub-intervals of " + text(subinterval) +
                       "; the window must be a whole number of them, at most " +
                       std::to_string(kMostSubintervals));
    }
  } else if (subinterval != seconds{0} && subinterval != window) {
    return permanent("sub-intervals of " + text(subinterval) +
                     " belong to sliding demand only; leave them out");
  }
  if (kDay % update() != seconds{0}) {
    return permanent("the demand is worked out every " + text(update()) +
                     ", which does not divide a day; 300 s or 900 s would");
  }
  if (method == DemandMethod::Exponential && (t90 <= seconds{0} || t90 > kDay)) {
    return permanent("a response of " + text(t90) + " to 90 %; 1 s to a day are possible");
  }
  if (reset_lockout < seconds{0}) {
    return permanent("a lockout of " + text(reset_lockout) + " between demand resets; it cannot be negative");
  }
  std::vector<std::string> remarks;
  if (method != DemandMethod::Exponential && window < kLegalWindow) {
    remarks.push_back("the demand window is " + text(window) +
                      "; S-E-06 clause 5.15.3 asks for not less than 15 minutes (900 s)");
  }
  return remarks;
}

DemandMeter::DemandMeter(const DemandProgram& program, double starting_power_w, const MeterClock& clock)
    : method_(program.method),
      quantity_(program.quantity),
      partial_(program.partial),
      window_(program.window),
      lockout_(program.reset_lockout),
      running_(program.update(), clock),
      response_(program.t90),
      starting_power_w_(starting_power_w),
      t90_(program.t90) {
  if (exponential()) return;
  // Until the window is full it holds sub-intervals that were never measured.
  Subinterval never;
  never.flags = Flag::Partial;
  window_parts_.assign(static_cast<std::size_t>(program.window / program.update()), never);
}

void DemandMeter::measure(const EnergyPair& energy) {
  energy_ += of(energy, quantity_);
}

void DemandMeter::follow(const Load& load, microseconds from, microseconds time, const MeterClock& clock) {
  const auto peak = response_.follow(load, from, time, quantity_, starting_power_w_);
  registers_.present_kw = response_.w() / kWattsPerKilowatt;
  const auto before_now = time - peak.after;
  rise(peak.w / kWattsPerKilowatt, clock.reading() - before_now, exposed_at(clock.now() - before_now));
}

void DemandMeter::pause(microseconds time, Flag cause, const MeterClock& clock) {
  running_.mark(cause);
  running_.not_measured(time);
  if (!exponential()) return;
  response_.decay(time);
  registers_.present_kw = response_.w() / kWattsPerKilowatt;
  expose(cause, clock.now());
}

void DemandMeter::mark_at(Flag cause, const MeterClock& clock) {
  running_.mark_at(cause, clock);
  if (exponential()) expose(cause, clock.now());
}

void DemandMeter::expose(Flag cause, UtcInstant now) {
  exposed_ = exposed_at(now) | cause;
  exposed_until_ = now + t90_;
}

Flags DemandMeter::exposed_at(UtcInstant now) const {
  return now <= exposed_until_ ? exposed_ : Flags{};
}

void DemandMeter::rise(double kw, UtcInstant at, Flags flags) {
  if (kw <= registers_.maximum.kw) return;
  registers_.maximum = {kw, at, flags};
}

DemandPoint DemandMeter::ended(UtcInstant stamp, const MeterClock& clock) {
  DemandPoint point{stamp, clock.now(), registers_.present_kw, exposed_at(clock.now())};
  if (exponential()) return point;

  const RunningInterval::Closed closed = running_.closed(clock);
  window_parts_[next_] = {energy_, closed.measured, closed.flags, closed.at_start};
  energy_ = {};
  next_ = next_ + 1 == window_parts_.size() ? 0 : next_ + 1;

  Int128 energy = 0;
  microseconds measured{};
  for (const Subinterval& part : window_parts_) {
    energy += part.energy.units();
    measured += part.measured;
    point.flags |= part.flags | part.at_start;
  }
  if (!window_parts_[next_]
           .at_start.none()) {  // the oldest: what happened where the window starts is outside
    point.flags = {};
    for (std::size_t i = 0; i < window_parts_.size(); ++i) {
      point.flags |= window_parts_[i].flags;
      if (i != next_) point.flags |= window_parts_[i].at_start;
    }
  }
  point.kw = mean_kw(energy, std::max(window_, measured));
  registers_.present_kw = point.kw;
  if (partial_ == PartialPolicy::DivideByProgrammed || !point.flags.has(Flag::Partial)) {
    rise(point.kw, stamp, point.flags);
  }
  return point;
}

void DemandMeter::close(const MeterClock& clock, std::vector<DemandPoint>* trace) {
  const DemandPoint point = ended(running_.end(), clock);
  if (trace != nullptr) trace->push_back(point);
  running_.open_on_grid(clock);
}

void DemandMeter::clock_set(const MeterClock& before, const MeterClock& after,
                            std::vector<DemandPoint>* trace) {
  const RunningInterval::Set set = running_.clock_set(before, after);
  if (exponential() && after.reading() != before.reading()) {
    expose(after.reading() > before.reading() ? Flag::ClockForward : Flag::ClockBackward, before.now());
  }
  if (set.closes) {
    const DemandPoint point = ended(set.stamp, before);
    if (trace != nullptr) trace->push_back(point);
  }
  if (set.reopens) running_.reopen(set, after);
}

void DemandMeter::trace_now(const MeterClock& clock, std::vector<DemandPoint>& trace) const {
  if (!exponential() || running_.just_opened(clock)) return;
  trace.push_back({clock.reading(), clock.now(), registers_.present_kw, exposed_at(clock.now())});
}

Result<ResetResult> DemandMeter::reset(const MeterClock& clock,
                                       std::optional<std::uint32_t> expected_resets) {
  if (expected_resets && *expected_resets != registers_.resets) {
    if (registers_.resets == std::uint64_t{*expected_resets} + 1) return ResetResult::AlreadyDone;
    return permanent("the meter counts " + std::to_string(registers_.resets) + " demand resets, not " +
                     std::to_string(*expected_resets) + ": read it again before resetting");
  }
  if (reset_at_ && clock.now() - *reset_at_ < lockout_) {
    return permanent("demand reset is locked out for another " +
                     text(std::chrono::ceil<seconds>(lockout_ - (clock.now() - *reset_at_))));
  }
  registers_.previous = registers_.maximum;
  registers_.cumulative_kw += registers_.maximum.kw;
  registers_.maximum = {};
  ++registers_.resets;
  registers_.reset_at = clock.reading();
  reset_at_ = clock.now();
  if (exponential()) rise(registers_.present_kw, clock.reading(), exposed_at(clock.now()));
  return ResetResult::Done;
}

}  // namespace ami::metrology
