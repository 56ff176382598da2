// The pulse recorder: one record an interval of the meter's clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "meter_model/metrology/clock.h"
#include "meter_model/metrology/energy.h"
#include "meter_model/metrology/flags.h"
#include "meter_model/time/instant.h"

namespace ami::metrology {

struct IntervalRecord {
  UtcInstant end{};                      // as stamped by the meter's clock; may repeat after a set backward
  UtcInstant closed_at{};                // true time
  EnergyPair energy;                     // true energy that reached the billing registers meanwhile
  std::chrono::microseconds measured{};  // true time with power, in the mode that bills
  std::uint32_t delivered_pulses = 0;    // at most 255 or 65535
  std::uint32_t received_pulses = 0;
  std::uint32_t skipped_ends = 0;  // ends of the grid that the clock jumped over just before it
  Flags flags;
};

// A full channel keeps its greatest count; OVERFLOW says that pulses were lost (a count of exactly 255 or
// 65535 without it lost none; check V08 of a reader, who cannot know, asks about both). An interval is
// recorded for dark time too, with zero pulses and POWER_FAIL, so that a day keeps its 96 records: assumed,
// as is that the clock runs on while dark.
class Recorder {
 public:
  Recorder() = default;
  // length: a day is a multiple of it. channel_bits: 8 or 16.
  Recorder(std::chrono::microseconds length, int channel_bits, const MeterClock& clock);

  [[nodiscard]] UtcInstant end() const { return running_.end(); }
  RunningInterval& running() { return running_; }

  void measure(const EnergyPair& energy, std::uint64_t delivered_pulses, std::uint64_t received_pulses);
  // The clock has reached end().
  void close(const MeterClock& clock, std::vector<IntervalRecord>& records);
  void clock_set(const MeterClock& before, const MeterClock& after, std::vector<IntervalRecord>& records);

 private:
  void record(UtcInstant stamp, const MeterClock& clock, std::vector<IntervalRecord>& records);

  RunningInterval running_;
  EnergyPair energy_;
  std::uint64_t delivered_pulses_ = 0;
  std::uint64_t received_pulses_ = 0;
  std::uint32_t full_ = 0;
};

}  // namespace ami::metrology
