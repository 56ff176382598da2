// The reference meter: energy in, and everything that a FOCUS AX may report about it out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/metrology/clock.h"
#include "meter_model/metrology/demand.h"
#include "meter_model/metrology/energy.h"
#include "meter_model/metrology/load.h"
#include "meter_model/metrology/pulses.h"
#include "meter_model/metrology/recorder.h"
#include "meter_model/metrology/registers.h"
#include "meter_model/metrology/tou.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::metrology {

struct MeterProgram {
  Decimal kh_wh{72, -1};               // Wh per equivalent disk turn
  Decimal ke_wh{12, -1};               // Wh per pulse of the recorder
  std::optional<Decimal> kt_wh;        // Wh per pulse of the test LED; left out: Kh (assumed)
  std::int32_t digits = 5;             // of the kWh registers; 1 … 9
  std::int32_t decimals = 0;           // 0 … digits - 1
  std::chrono::seconds interval{900};  // of the recorder; divides a day
  int channel_bits = 16;               // 8 or 16
  DemandProgram demand;
  double starting_power_w = 0;    // creep: below this nothing is counted
  bool clock_has_battery = true;  // assumed: the clock runs on while the meter is dark; else it stands still
  bool test_mode_bills =
      false;                  // assumed: in test mode the billing registers, tiers, recorder and demand rest
  bool traces_demand = true;  // keep a DemandPoint at each boundary

  [[nodiscard]] RegisterFormat format() const { return {digits, decimals}; }
  // Errors say which value is impossible. Value: remarks about what is allowed but worth a word.
  [[nodiscard]] Result<std::vector<std::string>> check() const;
};

struct InitialState {
  UtcInstant start{};                  // 1970 … 9999; the clock is right
  std::chrono::seconds utc_offset{0};  // of the zone at the start; the grid keeps it. Within 14 hours
  Energy delivered, received;          // what the registers hold already; not negative. Pulse carry is zero
  char tier = 'A';
};

enum class Direction { Delivered, Received };

// Values, no clock, no I/O; one thread at a time. Copies are independent meters. Where a boundary and an
// event fall on one instant, the interval is closed first: the event belongs to the next one.
class ReferenceMeter {
 public:
  static Result<ReferenceMeter> create(const MeterProgram& program, const InitialState& initial);

  // The load from its own start for `time` (negative counts as zero); or, with cursor_of(load), from where
  // the cursor stands, so that events may cut a segment at will.
  void run(const Load& load, std::chrono::microseconds time);
  void run(LoadCursor& cursor, std::chrono::microseconds time);
  [[nodiscard]] LoadCursor cursor_of(const Load& load) const { return LoadCursor(load, starting_power_nw_); }
  // Power of this segment is off: nothing is measured.
  void outage(std::chrono::microseconds time);

  Result<ResetResult> demand_reset(std::optional<std::uint32_t> expected_resets = std::nullopt);
  // Positive is forward. Refused: a clock outside 1970 … 9999.
  Outcome set_clock(std::chrono::microseconds by);
  Outcome select_tier(char tier);  // 'A' … 'D'
  void test_mode(bool on) { test_mode_ = on; }
  // Adds a point to the trace of an exponential demand, where it is not on the grid (a segment's end).
  void trace_demand();

  [[nodiscard]] const MeterClock& clock() const { return clock_; }
  // What the registers hold, the initial values included; and what was counted since the start.
  [[nodiscard]] EnergyPair totals() const;
  [[nodiscard]] EnergyPair metered() const;
  // totals: delivered less received; signed, derived.
  [[nodiscard]] Energy net() const { return totals().net(); }
  // Since the start, as is the carry.
  [[nodiscard]] const Quantiser& pulses(Direction direction) const {
    return direction == Direction::Delivered ? delivered_ : received_;
  }
  // Since the start, energy in test mode included.
  [[nodiscard]] std::uint64_t led_pulses(Direction direction) const;
  // What test mode kept out of the registers.
  [[nodiscard]] const EnergyPair& test_energy() const { return test_energy_; }
  [[nodiscard]] const DemandRegisters& demand() const { return demand_.registers(); }
  // Since the start; their sum is metered().
  [[nodiscard]] const TierRegisters& tiers() const { return tiers_; }
  struct Displayed {
    std::string delivered, received, net;
  };
  [[nodiscard]] Displayed registers() const;  // kWh, secondary

  // Oldest first; taking them leaves none. `room`: a vector whose memory is used for the next ones.
  [[nodiscard]] const std::vector<IntervalRecord>& intervals() const { return intervals_; }
  std::vector<IntervalRecord> take_intervals(std::vector<IntervalRecord> room = {});
  [[nodiscard]] const std::vector<DemandPoint>& demand_trace() const { return trace_; }
  std::vector<DemandPoint> take_demand_trace(std::vector<DemandPoint> room = {});

 private:
  ReferenceMeter() = default;
  [[nodiscard]] std::chrono::microseconds to_next_end() const;
  void close_what_ends();
  void count(const EnergyPair& energy);
  void rest(std::chrono::microseconds unmeasured, Flag cause);
  [[nodiscard]] std::vector<DemandPoint>* trace() { return traces_demand_ ? &trace_ : nullptr; }

  MeterClock clock_;
  EnergyPair initial_;
  EnergyPair test_energy_;
  Quantiser delivered_, received_;
  Recorder recorder_;
  DemandMeter demand_;
  TierRegisters tiers_;
  std::vector<IntervalRecord> intervals_;
  std::vector<DemandPoint> trace_;
  Energy per_led_pulse_;
  std::int64_t starting_power_nw_ = 0;
  RegisterFormat format_;
  bool clock_has_battery_ = true;
  bool test_mode_bills_ = false;
  bool traces_demand_ = true;
  bool test_mode_ = false;
};

}  // namespace ami::metrology
