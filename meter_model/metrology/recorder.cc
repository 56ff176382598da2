#include "meter_model/metrology/recorder.h"

#include <algorithm>

namespace ami::metrology {

Recorder::Recorder(std::chrono::microseconds length, int channel_bits, const MeterClock& clock)
    : running_(length, clock), full_((1U << static_cast<unsigned>(channel_bits)) - 1U) {}

void Recorder::measure(const EnergyPair& energy, std::uint64_t delivered_pulses,
                       std::uint64_t received_pulses) {
  energy_ += energy;
  delivered_pulses_ += delivered_pulses;
  received_pulses_ += received_pulses;
}

void Recorder::record(UtcInstant stamp, const MeterClock& clock, std::vector<IntervalRecord>& records) {
  const RunningInterval::Closed closed = running_.closed(clock);
  IntervalRecord& record = records.emplace_back();
  record.end = stamp;
  record.closed_at = clock.now();
  record.energy = energy_;
  record.measured = closed.measured;
  record.delivered_pulses = static_cast<std::uint32_t>(std::min<std::uint64_t>(delivered_pulses_, full_));
  record.received_pulses = static_cast<std::uint32_t>(std::min<std::uint64_t>(received_pulses_, full_));
  record.skipped_ends = closed.skipped_ends;
  record.flags = closed.flags;
  if (delivered_pulses_ > full_ || received_pulses_ > full_) record.flags |= Flag::Overflow;
  energy_ = {};
  delivered_pulses_ = 0;
  received_pulses_ = 0;
}

void Recorder::close(const MeterClock& clock, std::vector<IntervalRecord>& records) {
  record(running_.end(), clock, records);
  running_.open_on_grid(clock);
}

void Recorder::clock_set(const MeterClock& before, const MeterClock& after,
                         std::vector<IntervalRecord>& records) {
  const RunningInterval::Set set = running_.clock_set(before, after);
  if (set.closes) record(set.stamp, before, records);
  if (set.reopens) running_.reopen(set, after);
}

}  // namespace ami::metrology
