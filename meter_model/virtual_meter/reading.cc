// What a virtual meter answers when it is read.
#include <algorithm>
#include <cstdio>

#include "meter_model/virtual_meter/counter_random.h"
#include "meter_model/virtual_meter/virtual_meter.h"

namespace ami::virtual_meter {
namespace {

using metrology::Energy;
using metrology::EnergyPair;

template <class Number>
std::string in_digits(const char* format, Number number) {
  char text[24];
  const int length = std::snprintf(text, sizeof text, format, number);
  return {text, static_cast<std::size_t>(length)};
}

// Times a factor in millionths, cut off to a unit; in two parts, so that nothing leaves 128 bits.
Energy scaled(Energy energy, std::int64_t millionths) {
  constexpr std::int64_t kMillion = 1'000'000;
  const metrology::Int128 units = energy.units();
  return Energy::of(units / kMillion * millionths + units % kMillion * millionths / kMillion);
}

DemandMaximumRead served(const metrology::DemandMaximum& maximum, std::int32_t decimals) {
  return {displayed_kw(maximum.kw, decimals), maximum.at, maximum.flags};
}

}  // namespace

Identity VirtualMeter::identity() const {
  Identity out;
  out.serial = in_digits("%010u", number_);
  out.module =
      in_digits("%016llx",
                static_cast<unsigned long long>(random_bits(plan_->site.seed(), Stream::Module, number_, 0)));
  out.model = model_.name();
  out.program_id = plan_->program_id;
  const Kept* changed = in_force(FaultKind::ProgrammeChanged);
  out.ke_wh = changed != nullptr ? changed->fault.amount : plan_->program.ke_wh;
  out.multiplier = plan_->multiplier;
  return out;
}

EnergyRegisters VirtualMeter::energy_registers() const {
  EnergyPair totals = engine_.totals();
  auto tiers = std::array<Energy, metrology::TierRegisters::kTiers>{};
  for (std::size_t i = 0; i < tiers.size(); ++i) tiers[i] = engine_.tiers().tier(i).delivered;
  if (const Kept* stuck = in_force(FaultKind::StuckRegisters); stuck != nullptr && stuck->held) {
    totals = stuck->totals;
    tiers = stuck->tiers;
  }
  if (const Kept* stuck = in_force(FaultKind::StuckTier); stuck != nullptr && stuck->held) {
    const auto tier = static_cast<std::size_t>(stuck->fault.amount.mantissa_at(0).value_or(0));
    tiers.at(tier) = stuck->tiers.at(tier);
  }
  Energy net = totals.net();
  if (const Kept* stuck = in_force(FaultKind::StuckNet); stuck != nullptr && stuck->held) {
    net = stuck->totals.net();
  }
  if (const Kept* drop = in_force(FaultKind::RegisterDrop)) {
    const Energy by = scaled(Energy::watthours(1000), drop->fault.amount.mantissa_at(-6).value_or(0));
    totals.delivered = std::max(totals.delivered - by, Energy{});
  }
  if (const Kept* wrong = in_force(FaultKind::WrongMultiplier)) {
    const std::int64_t factor = wrong->fault.amount.mantissa_at(-6).value_or(0);
    totals = {scaled(totals.delivered, factor), scaled(totals.received, factor)};
    net = scaled(net, factor);
    for (Energy& tier : tiers) tier = scaled(tier, factor);
  }

  const metrology::RegisterFormat format = plan_->program.format();
  EnergyRegisters out;
  out.delivered_kwh = displayed_kwh(format, totals.delivered);
  if (plan_->received_channel) {
    out.received_kwh = displayed_kwh(format, totals.received);
    out.net_kwh = displayed_kwh(format, net);
  }
  if (!plan_->tou.none()) {
    auto& shown = out.tiers_kwh.emplace();
    for (std::size_t i = 0; i < tiers.size(); ++i) shown[i] = displayed_kwh(format, tiers[i]);
  }
  return out;
}

DemandRead VirtualMeter::demand_read() const {
  const metrology::DemandRegisters& registers = engine_.demand();
  const std::int32_t decimals = plan_->demand_decimals;
  return {served(registers.maximum, decimals), served(registers.previous, decimals),
          displayed_kw(registers.cumulative_kw, decimals), registers.resets, registers.reset_at};
}

Reading VirtualMeter::read() const {
  Reading out;
  out.clock = clock();
  out.identity = identity();
  out.energy = energy_registers();
  out.demand = demand_read();
  if (model_.disconnect) {
    const bool grid = switch_ == SwitchState::Closed && !dark_;
    out.service_switch = SwitchRead{switch_, grid || is_energised(switch_)};
  }
  out.diagnostic = in_force(FaultKind::Diagnostic) != nullptr;
  return out;
}

}  // namespace ami::virtual_meter
