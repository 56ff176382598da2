// A FOCUS AX that was never built: the reference engine, driven by a premises' loads, with a service switch,
// events, and faults where they were asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "meter_model/metrology/meter.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/event.h"
#include "meter_model/virtual_meter/plan.h"
#include "meter_model/virtual_meter/served.h"
#include "meter_model/virtual_meter/service_switch.h"

namespace ami::virtual_meter {

// What a meter said while it advanced, in order. One is enough for a whole fleet: the meters keep nothing
// that they have handed out. It also holds memory and a day's sky, which all meters of a site share.
// One thread at a time.
class Outbox {
 public:
  std::vector<Interval> intervals;  // empty from a meter without a recorder
  std::vector<Event> events;
  void clear() {
    intervals.clear();
    events.clear();
  }

 private:
  friend class VirtualMeter;
  const Sky& sky(const SharedPlan& plan, std::int64_t quarter);

  std::vector<metrology::IntervalRecord> room_;
  std::vector<Sky> day_;
  std::int64_t first_quarter_ = 0;
  SharedPlan sky_of_;  // whose site `day_` was worked out for
};

struct CommandResult {
  SwitchAnswer answer{};
  SwitchState state{};
};

// A value; copies are independent. Time is true time and only goes on with advance(); commands happen where
// it stands. The same setup, advanced in whatever steps to the same instant with the same commands at the
// same instants, is the same meter.
//   The oscillator paces all that the meter does, sampling included, so its drift is in the energy too:
// 20 ppm are 0.002 %. What the meter believes about time is its clock(); only a clock set changes its drift's
// past.
//   While the power is out the meter answers nobody (Transient). A fault's beginning and end take effect when
// time goes on from them.
class VirtualMeter {
 public:
  static Result<VirtualMeter> create(SharedPlan plan, MeterSetup setup);

  // Up to `to`; an instant that has passed changes nothing. At most kLastInstant.
  void advance(UtcInstant to, Outbox& out);

  [[nodiscard]] UtcInstant now() const { return now_; }
  [[nodiscard]] UtcInstant clock() const { return engine_.clock().reading(); }
  [[nodiscard]] bool powered() const { return !dark_; }
  // The number under which it is found now: its own, unless it is crossed.
  [[nodiscard]] std::uint32_t answers_for() const;
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] Model model() const { return model_; }
  [[nodiscard]] SwitchState switch_state() const { return switch_; }
  // What it serves now.
  [[nodiscard]] Reading read() const;
  // What it truly holds, without the faults that are only in what it serves.
  [[nodiscard]] const metrology::ReferenceMeter& engine() const { return engine_; }
  // A moment's power by its loads, positive = delivered; 0 while dark or open. For a page that shows it.
  [[nodiscard]] double power_w() const;

  // Disconnect, Connect, Arm, Cancel. Errors: no switch (Permanent), no power (Transient).
  Result<CommandResult> command(SwitchInput input, Outbox& out);
  Result<CommandResult> press_button(Outbox& out);
  // As ReferenceMeter::demand_reset.
  Result<metrology::ResetResult> demand_reset(std::optional<std::uint32_t> expected_resets, Outbox& out);
  // Positive is forward; reported as CLOCK_ADJUSTED.
  Outcome set_clock(std::chrono::microseconds by, Outbox& out);
  // Somebody else's hand on the power, beside outages among the faults.
  void cut_power(Outbox& out);
  void restore_power(Outbox& out);
  // The same on the switch's works, beside JammedSwitch among the faults.
  void jam_switch(bool jammed) { jammed_by_hand_ = jammed; }
  [[nodiscard]] bool jammed() const;

 private:
  // What a fault has kept from when it began.
  struct Kept {
    Fault fault;
    bool held = false;
    metrology::EnergyPair totals;
    std::array<metrology::Energy, metrology::TierRegisters::kTiers> tiers{};
    std::optional<std::uint32_t> pulses;
  };

  VirtualMeter(SharedPlan plan, MeterSetup&& setup, metrology::ReferenceMeter engine);

  [[nodiscard]] UtcInstant by_oscillator(UtcInstant true_time) const;
  [[nodiscard]] const Kept* in_force(FaultKind kind) const;
  [[nodiscard]] UtcInstant next_edge() const;
  void begin_and_end_faults(Outbox& out);
  void hold(Kept& kept) const;
  void follow_power(Outbox& out);
  void report(EventKind kind, Outbox& out);
  void report_of_module(EventKind kind, Outbox& out);
  SwitchAnswer feed_switch(SwitchInput input, Outbox& out);
  Result<CommandResult> operate(SwitchInput input, Outbox& out);
  void sense_load_side(const Flow& now, Outbox& out);
  [[nodiscard]] double billed_w(const Flow& now) const;
  void run_until(UtcInstant next, double power_w);
  void serve(std::span<const metrology::IntervalRecord> records, std::vector<Interval>& out);
  [[nodiscard]] Outcome reachable() const;
  [[nodiscard]] Identity identity() const;
  [[nodiscard]] EnergyRegisters energy_registers() const;
  [[nodiscard]] DemandRead demand_read() const;

  metrology::ReferenceMeter engine_;  // its true time is the oscillator's
  SharedPlan plan_;
  std::vector<Kept> faults_;
  UtcInstant now_{};
  // Whole seconds in 32 bits: a hundred thousand meters make every byte count.
  using Second = std::chrono::sys_time<std::chrono::duration<std::uint32_t>>;
  Second origin_{};  // where oscillator and true time agree
  Second armed_until_{};
  Premises premises_;
  std::uint32_t number_ = 0;
  std::int32_t drift_ppb_ = 0;
  std::uint32_t meter_events_ = 0;
  std::uint32_t module_events_ = 0;
  Model model_;
  SwitchState switch_ = SwitchState::Closed;
  bool cut_ : 1 = false;
  bool dark_ : 1 = false;
  bool jammed_by_hand_ : 1 = false;
};

}  // namespace ami::virtual_meter
