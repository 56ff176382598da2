#include "meter_model/virtual_meter/virtual_meter.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace ami::virtual_meter {
namespace {

using metrology::Energy;
using metrology::EnergyPair;
using metrology::Int128;
using metrology::Load;
using metrology::ReferenceMeter;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::int64_t kQuartersADay = 96;
constexpr double kNanowattsPerWatt = 1e9;

microseconds in_time(const Decimal& amount_s) {
  return microseconds{amount_s.mantissa_at(-6).value()};
}

}  // namespace

const Sky& Outbox::sky(const SharedPlan& plan, std::int64_t quarter) {
  const std::int64_t first = quarter - quarter % kQuartersADay;
  if (sky_of_ != plan || first_quarter_ != first) {
    day_.clear();
    for (std::int64_t i = 0; i < kQuartersADay; ++i) day_.push_back(plan->site.sky(first + i));
    sky_of_ = plan;
    first_quarter_ = first;
  }
  return day_[static_cast<std::size_t>(quarter - first)];
}

Result<VirtualMeter> VirtualMeter::create(SharedPlan plan, MeterSetup setup) {
  if (!plan) return permanent("a virtual meter needs a plan");
  if (auto sound = setup.check(*plan); !sound) return sound.error();
  metrology::InitialState initial;
  initial.start = setup.start;
  initial.utc_offset = plan->site.standard_offset(setup.start);
  initial.delivered = Energy::watthours(std::int64_t{setup.initial_delivered_kwh} * 1000);
  initial.received = Energy::watthours(std::int64_t{setup.initial_received_kwh} * 1000);
  auto engine = ReferenceMeter::create(plan->program, initial);
  if (!engine) return engine.error();
  return VirtualMeter(std::move(plan), std::move(setup), std::move(engine).value());
}

VirtualMeter::VirtualMeter(SharedPlan plan, MeterSetup&& setup, ReferenceMeter engine)
    : engine_(std::move(engine)),
      plan_(std::move(plan)),
      now_(setup.start),
      origin_(std::chrono::floor<Second::duration>(setup.start)),
      premises_(setup.premises),
      number_(setup.number),
      drift_ppb_(setup.drift_ppb),
      model_(setup.model) {
  for (Fault& fault : setup.faults) {
    fault.from = std::max(fault.from, now_);
    if (fault.from < fault.to) faults_.push_back(Kept{fault, false, {}, {}, {}});
  }
  faults_.shrink_to_fit();
}

UtcInstant VirtualMeter::by_oscillator(UtcInstant true_time) const {
  const microseconds elapsed = true_time - origin_;
  const Int128 drift = Int128{elapsed.count()} * drift_ppb_ / 1'000'000'000;
  return true_time + microseconds{static_cast<std::int64_t>(drift)};
}

const VirtualMeter::Kept* VirtualMeter::in_force(FaultKind kind) const {
  for (const Kept& kept : faults_) {
    if (kept.fault.kind == kind && virtual_meter::in_force(kept.fault, now_)) return &kept;
  }
  return nullptr;
}

UtcInstant VirtualMeter::next_edge() const {
  UtcInstant next = UtcInstant::max();
  for (const Kept& kept : faults_) {
    if (kept.fault.from > now_) next = std::min(next, kept.fault.from);
    if (kept.fault.to > now_) next = std::min(next, kept.fault.to);
  }
  return next;
}

void VirtualMeter::hold(Kept& kept) const {
  kept.held = true;
  kept.totals = engine_.totals();
  for (std::size_t i = 0; i < kept.tiers.size(); ++i) kept.tiers[i] = engine_.tiers().tier(i).delivered;
}

// Ends before beginnings: one fault may follow on another.
void VirtualMeter::begin_and_end_faults(Outbox& out) {
  for (const Kept& kept : faults_) {
    if (kept.fault.to != now_) continue;
    if (kept.fault.kind == FaultKind::ClockOff) (void)set_clock(-in_time(kept.fault.amount), out);
    if (kept.fault.kind == FaultKind::LowBattery) report(EventKind::LowBatteryCleared, out);
    if (kept.fault.kind == FaultKind::TestModeOn) {
      engine_.test_mode(false);
      report(EventKind::TestModeStop, out);
    }
  }
  for (Kept& kept : faults_) {
    if (kept.fault.from != now_) continue;
    hold(kept);
    switch (kept.fault.kind) {
      case FaultKind::ClockOff:
        (void)set_clock(in_time(kept.fault.amount), out);
        break;
      case FaultKind::TestModeOn:
        engine_.test_mode(true);
        report(EventKind::TestModeStart, out);
        break;
      case FaultKind::ProgrammeChanged:
        report(EventKind::ConfigChanged, out);
        break;
      case FaultKind::Diagnostic:
        report(EventKind::RamError, out);
        break;
      case FaultKind::ReverseFlow:
        report(EventKind::ReverseEnergy, out);
        break;
      case FaultKind::CoverRemoved:
        report(EventKind::CoverRemoved, out);
        break;
      case FaultKind::LowBattery:
        report(EventKind::LowBattery, out);
        break;
      case FaultKind::OverTemperature:
        report(EventKind::OverTemperature, out);
        break;
      default:
        break;
    }
  }
  follow_power(out);
}

void VirtualMeter::report(EventKind kind, Outbox& out) {
  out.events.push_back({kind, Reporter::Meter, ++meter_events_, clock(), now_});
}

void VirtualMeter::report_of_module(EventKind kind, Outbox& out) {
  if (!plan_->module_reports) return;
  out.events.push_back({kind, Reporter::Module, ++module_events_, clock(), now_});
}

void VirtualMeter::follow_power(Outbox& out) {
  const bool dark = cut_ || in_force(FaultKind::Outage) != nullptr;
  if (dark == dark_) return;
  dark_ = dark;
  report(dark ? EventKind::Outage : EventKind::Restoration, out);
  report_of_module(dark ? EventKind::LastGasp : EventKind::ModuleRestoration, out);
}

void VirtualMeter::cut_power(Outbox& out) {
  cut_ = true;
  follow_power(out);
}

void VirtualMeter::restore_power(Outbox& out) {
  cut_ = false;
  follow_power(out);
}

std::uint32_t VirtualMeter::answers_for() const {
  const Kept* crossed = in_force(FaultKind::Crossed);
  return crossed != nullptr ? crossed->fault.other : number_;
}

SwitchAnswer VirtualMeter::feed_switch(SwitchInput input, Outbox& out) {
  const SwitchStep taken = step(switch_, input);
  switch_ = taken.next;
  if (input == SwitchInput::Arm && taken.answer != SwitchAnswer::Refused) {
    armed_until_ = std::chrono::ceil<Second::duration>(now_ + plan_->arm_timeout);
  }
  if (taken.event) {
    report(*taken.event, out);
    report_of_module(*taken.event, out);
  }
  return taken.answer;
}

bool VirtualMeter::jammed() const {
  return jammed_by_hand_ || in_force(FaultKind::JammedSwitch) != nullptr;
}

Outcome VirtualMeter::reachable() const {
  if (dark_) return transient("meter " + std::to_string(number_) + " has no power");
  return Done{};
}

Result<CommandResult> VirtualMeter::operate(SwitchInput input, Outbox& out) {
  if (!model_.disconnect) return permanent(std::string(model_.name()) + " has no service switch");
  if (auto there = reachable(); !there) return there.error();
  if (!jammed()) {
    const SwitchAnswer answer = feed_switch(input, out);
    return CommandResult{answer, switch_};
  }
  const bool fails =
      input == SwitchInput::Disconnect || input == SwitchInput::Connect || input == SwitchInput::Arm;
  if (fails) {
    const EventKind kind = input == SwitchInput::Disconnect ? EventKind::SwitchOpenFailed
                           : input == SwitchInput::Connect  ? EventKind::SwitchCloseFailed
                                                            : EventKind::SwitchArmFailed;
    report(kind, out);
    report_of_module(kind, out);
  }
  return CommandResult{SwitchAnswer::Refused, switch_};
}

Result<CommandResult> VirtualMeter::command(SwitchInput input, Outbox& out) {
  switch (input) {
    case SwitchInput::Disconnect:
    case SwitchInput::Connect:
    case SwitchInput::Arm:
    case SwitchInput::Cancel:
      return operate(input, out);
    default:
      return permanent("that is no command; disconnect, connect, arm and cancel are");
  }
}

Result<CommandResult> VirtualMeter::press_button(Outbox& out) {
  return operate(SwitchInput::Button, out);
}

Result<metrology::ResetResult> VirtualMeter::demand_reset(std::optional<std::uint32_t> expected_resets,
                                                          Outbox& out) {
  if (auto there = reachable(); !there) return there.error();
  if (in_force(FaultKind::LostDemandReset) != nullptr) return metrology::ResetResult::Done;
  auto result = engine_.demand_reset(expected_resets);
  if (result && *result == metrology::ResetResult::Done) report(EventKind::DemandReset, out);
  return result;
}

Outcome VirtualMeter::set_clock(microseconds by, Outbox& out) {
  if (auto set = engine_.set_clock(by); !set) return set;
  report(EventKind::ClockAdjusted, out);
  return Done{};
}

void VirtualMeter::sense_load_side(const Flow& flow, Outbox& out) {
  if (!is_open(switch_) || dark_) return;
  const bool generator = (premises_.generates_alone && flow.generation_w > flow.load_w) ||
                         in_force(FaultKind::LoadSideVoltage) != nullptr;
  if (generator == is_energised(switch_)) return;
  if (!generator && switch_ == SwitchState::OpenPending && jammed()) {
    switch_ = SwitchState::Open;  // the latent close fails as any other
    report(EventKind::SwitchCloseFailed, out);
    report_of_module(EventKind::SwitchCloseFailed, out);
    return;
  }
  feed_switch(generator ? SwitchInput::VoltageAppears : SwitchInput::VoltageGoes, out);
}

double VirtualMeter::billed_w(const Flow& flow) const {
  if (dark_ || (is_open(switch_) && in_force(FaultKind::WeldedSwitch) == nullptr)) return 0;
  return in_force(FaultKind::ReverseFlow) != nullptr ? -flow.net_w() : flow.net_w();
}

double VirtualMeter::power_w() const {
  const std::int64_t quarter = quarter_of(now_);
  return billed_w(flow(premises_, plan_->site.seed(), number_, quarter, plan_->site.sky(quarter)));
}

void VirtualMeter::run_until(UtcInstant next, double power_w) {
  const UtcInstant target = by_oscillator(next);
  const Load load = Load::constant_nw(static_cast<std::int64_t>(power_w * kNanowattsPerWatt)).value();
  const bool tiers = !plan_->tou.none();
  while (engine_.clock().now() < target) {
    microseconds step = target - engine_.clock().now();
    if (tiers) {
      const UtcInstant reading = clock();
      const auto civil = CivilTime{reading.time_since_epoch() + plan_->site.utc_offset(reading)};
      (void)engine_.select_tier(plan_->tou.tier(civil));
      step = std::min(step, engine_.clock().next_end(kQuarter) - reading);
    }
    if (dark_) {
      engine_.outage(step);
    } else {
      engine_.run(load, step);
    }
  }
}

void VirtualMeter::advance(UtcInstant to, Outbox& out) {
  to = std::min(to, kLastInstant);
  // The engine borrows the outbox's memory for its records, so that a meter at rest owns none.
  engine_.take_intervals(std::move(out.room_));
  while (now_ < to) {
    begin_and_end_faults(out);
    const std::int64_t quarter = quarter_of(now_);
    const Flow drawn = flow(premises_, plan_->site.seed(), number_, quarter, out.sky(plan_, quarter));
    sense_load_side(drawn, out);
    UtcInstant next = std::min({to, quarter_start(quarter + 1), next_edge()});
    if (is_armed(switch_)) next = std::min(next, UtcInstant{armed_until_});
    run_until(next, billed_w(drawn));
    now_ = next;
    if (is_armed(switch_) && now_ >= armed_until_) feed_switch(SwitchInput::ArmTimeout, out);
  }
  out.room_ = engine_.take_intervals();
  if (model_.recorder) serve(out.room_, out.intervals);
}

void VirtualMeter::serve(std::span<const metrology::IntervalRecord> records, std::vector<Interval>& out) {
  constexpr std::int64_t kMillion = 1'000'000;
  const auto as_count = [](std::int64_t count) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(count, INT32_MIN, INT32_MAX));
  };
  for (const metrology::IntervalRecord& record : records) {
    Interval interval{record.end, static_cast<std::int32_t>(record.delivered_pulses),
                      plan_->received_channel ? static_cast<std::int32_t>(record.received_pulses) : 0,
                      record.flags};
    int copies = 1;
    std::int32_t added_to_second = 0;
    for (Kept& kept : faults_) {
      if (!covers_end(kept.fault, record.end)) continue;
      const std::int64_t millionths = kept.fault.amount.mantissa_at(-6).value_or(0);
      const auto scaled = [&](std::int32_t pulses) {
        return as_count((std::int64_t{pulses} * millionths + kMillion / 2) / kMillion);
      };
      switch (kept.fault.kind) {
        case FaultKind::WrongKe:
          interval.delivered_pulses = scaled(interval.delivered_pulses);
          interval.received_pulses = scaled(interval.received_pulses);
          break;
        case FaultKind::MissedIntervals:
          copies = 0;
          break;
        case FaultKind::RepeatedInterval:
          copies = std::min(copies, 1) * 2;
          break;
        case FaultKind::ConflictingInterval:
          copies = std::min(copies, 1) * 2;
          added_to_second = 1;
          break;
        case FaultKind::FrozenIntervals:
          if (!kept.pulses) kept.pulses = record.delivered_pulses;
          interval.delivered_pulses = static_cast<std::int32_t>(*kept.pulses);
          break;
        case FaultKind::Spike: {
          const Energy added = Energy::from_wh(kept.fault.amount).value();
          const Energy ke = Energy::from_wh(plan_->program.ke_wh).value();
          interval.delivered_pulses =
              as_count(interval.delivered_pulses + static_cast<std::int64_t>(added.units() / ke.units()));
          break;
        }
        case FaultKind::NegativeInterval:
          interval.delivered_pulses = -interval.delivered_pulses;
          break;
        case FaultKind::FullChannel:
          interval.delivered_pulses = plan_->program.channel_bits == 8 ? 255 : 65535;
          interval.flags |= metrology::Flag::Overflow;
          break;
        case FaultKind::ShiftedStamps:
          interval.end += in_time(kept.fault.amount);
          break;
        default:
          break;
      }
    }
    for (; copies > 0; --copies) {
      out.push_back(interval);
      interval.delivered_pulses += added_to_second;
    }
  }
}

}  // namespace ami::virtual_meter
