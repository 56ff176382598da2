// Maximum demand: block, sliding and exponential (metrology reference 2.6; S-E-06 5.15.3; bulletins E-30,
// E-34).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/metrology/clock.h"
#include "meter_model/metrology/energy.h"
#include "meter_model/metrology/exponential.h"
#include "meter_model/metrology/flags.h"
#include "meter_model/metrology/load.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::metrology {

enum class DemandMethod { Block, Sliding, Exponential };
// What an interval does that was measured for less than its length. It never counts as if it were whole.
enum class PartialPolicy {
  DivideByProgrammed,  // its energy is divided by the programmed length, so it can only come out low
  Discard,             // it is traced, but cannot be the maximum
};

struct DemandProgram {
  DemandMethod method = DemandMethod::Block;
  std::chrono::seconds window{900};     // block and sliding; for exponential only the grid of the trace
  std::chrono::seconds subinterval{0};  // sliding: divides the window; 0 = the window itself. Block: left 0
  std::chrono::seconds t90{900};        // exponential: time to 90 % of a step; tau = t90 / ln 10
  DemandQuantity quantity = DemandQuantity::Delivered;
  PartialPolicy partial = PartialPolicy::DivideByProgrammed;
  std::chrono::seconds reset_lockout{0};  // assumed none; sites speak of 25 days

  // How often the demand is worked out: the window of block, the sub-interval of sliding.
  [[nodiscard]] std::chrono::seconds update() const;
  // Errors: a window that is not a whole number of sub-intervals (at most 60), an update that does not divide
  // a day, a length that is not positive. Value: what is allowed but worth a word (a window under 15
  // minutes).
  [[nodiscard]] Result<std::vector<std::string>> check() const;
};

// One point of the demand's course.
struct DemandPoint {
  UtcInstant at{};         // as the meter's clock shows it
  UtcInstant closed_at{};  // true time
  double kw = 0;
  Flags flags;  // of the whole window; a window that is not full yet is PARTIAL
};

struct DemandMaximum {
  double kw = 0;                 // 0 until something is above it; ties keep the earlier time
  std::optional<UtcInstant> at;  // end of its window, as the meter's clock showed it
  Flags flags;                   // of that window

  // A clock set, power failure, mode or tier change overlaps it; the value is never altered for that.
  [[nodiscard]] Flags e34_causes() const { return flags & kE34Causes; }
  [[nodiscard]] bool e34_exposed() const { return !e34_causes().none(); }
};

struct DemandRegisters {
  DemandMaximum maximum;     // since the last reset
  DemandMaximum previous;    // what it was at the last reset (Standard Table 25)
  double cumulative_kw = 0;  // sum of the maxima at each reset
  double present_kw = 0;     // the last point of block or sliding; the value now of exponential
  std::uint32_t resets = 0;
  std::optional<UtcInstant> reset_at;  // the last one, as the meter's clock showed it

  [[nodiscard]] double continuous_cumulative_kw() const { return cumulative_kw + maximum.kw; }
};

enum class ResetResult { Done, AlreadyDone };

// Divisor of a window is its programmed length, or the time really measured where that is more (LONG): a
// demand is never overstated. Of a reset only the registers know: the running interval, the sub-intervals of
// a sliding window and the exponential response go on undisturbed, because a shortened interval is what E-34
// forbids, and belong to the new period when they end. Exponential: dark or in test mode it decays as if the
// load were zero (assumed). It has no interval to be shortened; its maximum is exposed when a cause came at
// most T90 before it.
class DemandMeter {
 public:
  DemandMeter() = default;
  // program: passed check().
  DemandMeter(const DemandProgram& program, double starting_power_w, const MeterClock& clock);

  [[nodiscard]] const DemandRegisters& registers() const { return registers_; }
  [[nodiscard]] UtcInstant end() const { return running_.end(); }
  [[nodiscard]] bool exponential() const { return method_ == DemandMethod::Exponential; }

  // Energy of a step; block and sliding.
  void measure(const EnergyPair& energy);
  // Exponential: the load from `from` (since its start) for `time`, which ends where `clock` stands now.
  void follow(const Load& load, std::chrono::microseconds from, std::chrono::microseconds time,
              const MeterClock& clock);
  // Time in which nothing is measured, for this reason; it ends where `clock` stands now.
  void pause(std::chrono::microseconds time, Flag cause, const MeterClock& clock);
  // A thing of an instant.
  void mark_at(Flag cause, const MeterClock& clock);

  // The clock has reached end(). trace: null = nobody keeps the points.
  void close(const MeterClock& clock, std::vector<DemandPoint>* trace);
  void clock_set(const MeterClock& before, const MeterClock& after, std::vector<DemandPoint>* trace);
  // Exponential only: a point where the clock stands, unless the grid has just put one there.
  void trace_now(const MeterClock& clock, std::vector<DemandPoint>& trace) const;

  // expected_resets: the reset count that the sender saw before its first attempt; a retry with the same
  // number is then AlreadyDone and destroys nothing. Errors: another count, or the lockout since the last
  // reset.
  Result<ResetResult> reset(const MeterClock& clock, std::optional<std::uint32_t> expected_resets);

 private:
  struct Subinterval {
    Energy energy;
    std::chrono::microseconds measured{};
    Flags flags, at_start;
  };
  DemandPoint ended(UtcInstant stamp, const MeterClock& clock);
  void rise(double kw, UtcInstant at, Flags flags);
  void expose(Flag cause, UtcInstant now);
  [[nodiscard]] Flags exposed_at(UtcInstant now) const;

  DemandMethod method_ = DemandMethod::Block;
  DemandQuantity quantity_ = DemandQuantity::Delivered;
  PartialPolicy partial_ = PartialPolicy::DivideByProgrammed;
  std::chrono::microseconds window_{};
  std::chrono::seconds lockout_{};
  RunningInterval running_;
  Energy energy_;                          // of the running interval
  std::vector<Subinterval> window_parts_;  // oldest at next_; room taken once
  std::size_t next_ = 0;
  ExponentialDemand response_;
  double starting_power_w_ = 0;
  Flags exposed_;               // exponential: causes within the last T90
  UtcInstant exposed_until_{};  // true time
  std::chrono::microseconds t90_{};
  DemandRegisters registers_;
  std::optional<UtcInstant> reset_at_;  // true time
};

}  // namespace ami::metrology
