#include "meter_model/metrology/meter.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ami::metrology {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr seconds kDay{86400};
constexpr seconds kWidestOffset{14 * 3600};
constexpr UtcInstant kEarliest{};  // 1970
constexpr UtcInstant kLatest = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31};

// Energy of a pulse or a turn, within what any meter has: so no count can leave 64 bits.
Result<Energy> constant_of(const char* name, const Decimal& wh) {
  constexpr Decimal kLeast{1, -3};
  constexpr Decimal kMost{1, 6};
  if (wh < kLeast || wh > kMost) {
    return permanent(std::string(name) + " is " + wh.to_string() + " Wh; 0.001 to 1000000 are possible");
  }
  auto energy = Energy::from_wh(wh);
  if (!energy) return permanent(std::string(name) + ": " + energy.error().message);
  return energy;
}

bool possible(UtcInstant instant) {
  return instant >= kEarliest && instant <= kLatest;
}

}  // namespace

Result<std::vector<std::string>> MeterProgram::check() const {
  if (auto kh = constant_of("Kh", kh_wh); !kh) return kh.error();
  if (auto ke = constant_of("Ke", ke_wh); !ke) return ke.error();
  if (kt_wh) {
    if (auto kt = constant_of("Kt", *kt_wh); !kt) return kt.error();
  }
  if (auto sound = format().check(); !sound) return sound.error();
  if (interval <= seconds{0} || interval > kDay || kDay % interval != seconds{0}) {
    return permanent("a recorder interval of " + std::to_string(interval.count()) +
                     " s; it must divide a day, as 300 s or 900 s do");
  }
  if (channel_bits != 8 && channel_bits != 16) {
    return permanent("recorder channels of " + std::to_string(channel_bits) + " bits; 8 or 16 are possible");
  }
  if (!(starting_power_w >= 0)) return permanent("the starting power cannot be negative");
  if (auto power = nanowatts(starting_power_w); !power) {
    return permanent("starting power: " + power.error().message);
  }
  return demand.check();
}

Result<ReferenceMeter> ReferenceMeter::create(const MeterProgram& program, const InitialState& initial) {
  if (auto sound = program.check(); !sound) return sound.error();
  if (!possible(initial.start)) {
    return permanent("the meter starts at " + to_text(initial.start) + "; 1970 to 9999 are possible");
  }
  if (std::chrono::abs(initial.utc_offset) > kWidestOffset) {
    return permanent("an offset of " + std::to_string(initial.utc_offset.count()) +
                     " s from UTC; at most 14 hours are possible");
  }
  if (initial.delivered < Energy{} || initial.received < Energy{}) {
    return permanent("registers start at " + initial.delivered.wh_text() + " Wh delivered and " +
                     initial.received.wh_text() + " Wh received; they cannot be negative");
  }
  const Energy ke = constant_of("Ke", program.ke_wh).value();
  ReferenceMeter meter;
  if (auto tier = meter.tiers_.select(initial.tier); !tier) return tier.error();
  meter.clock_ = MeterClock(initial.start, initial.utc_offset);
  meter.initial_ = {initial.delivered, initial.received};
  meter.delivered_ = Quantiser::create(ke).value();
  meter.received_ = meter.delivered_;
  meter.recorder_ = Recorder(program.interval, program.channel_bits, meter.clock_);
  meter.starting_power_nw_ = nanowatts(program.starting_power_w).value();
  meter.demand_ = DemandMeter(program.demand, program.starting_power_w, meter.clock_);
  meter.per_led_pulse_ = constant_of("Kt", program.kt_wh.value_or(program.kh_wh)).value();
  meter.format_ = program.format();
  meter.clock_has_battery_ = program.clock_has_battery;
  meter.test_mode_bills_ = program.test_mode_bills;
  meter.traces_demand_ = program.traces_demand;
  return meter;
}

microseconds ReferenceMeter::to_next_end() const {
  return std::min(recorder_.end(), demand_.end()) - clock_.reading();
}

void ReferenceMeter::close_what_ends() {
  if (clock_.reading() == recorder_.end()) recorder_.close(clock_, intervals_);
  if (clock_.reading() == demand_.end()) demand_.close(clock_, trace());
}

void ReferenceMeter::count(const EnergyPair& energy) {
  recorder_.measure(energy, delivered_.add(energy.delivered), received_.add(energy.received));
  tiers_.add(energy);
  if (!demand_.exponential()) demand_.measure(energy);
}

// Time that has passed on the clock already.
void ReferenceMeter::rest(microseconds unmeasured, Flag cause) {
  recorder_.running().mark(cause);
  recorder_.running().not_measured(unmeasured);
  demand_.pause(unmeasured, cause, clock_);
}

void ReferenceMeter::run(const Load& load, microseconds time) {
  LoadCursor cursor = cursor_of(load);
  run(cursor, time);
}

void ReferenceMeter::run(LoadCursor& cursor, microseconds time) {
  while (time > time.zero()) {
    const microseconds step = std::min(time, to_next_end());
    const microseconds from = cursor.at();
    const EnergyPair energy = cursor.advance(step);
    clock_.run(step);
    if (test_mode_) rest(test_mode_bills_ ? microseconds{0} : step, Flag::TestMode);
    if (test_mode_ && !test_mode_bills_) {
      test_energy_ += energy;
    } else {
      count(energy);
      if (demand_.exponential()) demand_.follow(cursor.load(), from, step, clock_);
    }
    close_what_ends();
    time -= step;
  }
}

void ReferenceMeter::outage(microseconds time) {
  if (time > time.zero() && !clock_has_battery_) {
    clock_.stand_still(time);
    rest(time, Flag::PowerFail);
    return;
  }
  while (time > time.zero()) {
    const microseconds step = std::min(time, to_next_end());
    clock_.run(step);
    rest(step, Flag::PowerFail);
    close_what_ends();
    time -= step;
  }
}

Result<ResetResult> ReferenceMeter::demand_reset(std::optional<std::uint32_t> expected_resets) {
  return demand_.reset(clock_, expected_resets);
}

Outcome ReferenceMeter::set_clock(microseconds by) {
  const bool far = by < kEarliest - kLatest || by > kLatest - kEarliest;
  if (far || !possible(clock_.reading() + by)) {
    return permanent("the clock shows " + to_text(clock_.reading()) + " and cannot be set by " +
                     std::to_string(by.count()) + " us: 1970 to 9999 are possible");
  }
  MeterClock after = clock_;
  after.set_by(by);
  recorder_.clock_set(clock_, after, intervals_);
  demand_.clock_set(clock_, after, trace());
  clock_ = after;
  return Done{};
}

Outcome ReferenceMeter::select_tier(char tier) {
  const auto changed = tiers_.select(tier);
  if (!changed) return changed.error();
  if (*changed) {
    recorder_.running().mark_at(Flag::TierChange, clock_);
    demand_.mark_at(Flag::TierChange, clock_);
  }
  return Done{};
}

void ReferenceMeter::trace_demand() {
  if (traces_demand_) demand_.trace_now(clock_, trace_);
}

EnergyPair ReferenceMeter::totals() const {
  return initial_ + metered();
}

EnergyPair ReferenceMeter::metered() const {
  return {delivered_.total(), received_.total()};
}

std::uint64_t ReferenceMeter::led_pulses(Direction direction) const {
  const EnergyPair seen = metered() + test_energy_;
  const Energy energy = direction == Direction::Delivered ? seen.delivered : seen.received;
  return static_cast<std::uint64_t>(energy.units() / per_led_pulse_.units());
}

ReferenceMeter::Displayed ReferenceMeter::registers() const {
  const EnergyPair held = totals();
  return {format_.display(held.delivered), format_.display(held.received), format_.display(held.net())};
}

std::vector<IntervalRecord> ReferenceMeter::take_intervals(std::vector<IntervalRecord> room) {
  room.clear();
  return std::exchange(intervals_, std::move(room));
}

std::vector<DemandPoint> ReferenceMeter::take_demand_trace(std::vector<DemandPoint> room) {
  room.clear();
  return std::exchange(trace_, std::move(room));
}

}  // namespace ami::metrology
