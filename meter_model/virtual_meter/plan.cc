#include "meter_model/virtual_meter/plan.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace ami::virtual_meter {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 4> kModels{"FOCUS AX", "FOCUS AX-SD", "FOCUS AXR", "FOCUS AXR-SD"};

Outcome check_fault(const Fault& fault, const MeterSetup& setup, const Plan& plan) {
  if (static_cast<std::size_t>(fault.kind) >= all_faults().size())
    return permanent("an unknown kind of fault");
  const FaultInfo& about = info(fault.kind);
  const std::string where = "fault " + std::string(about.name) + ": ";
  if (fault.from >= fault.to) {
    return permanent(where + "from " + to_text(fault.from) + " to " + to_text(fault.to) +
                     "; it must end after it begins");
  }
  if (about.amount.empty() ? fault.amount != Decimal{}
                           : fault.amount < about.least || fault.amount > about.most) {
    return permanent(where + "an amount of " + fault.amount.to_string() +
                     (about.amount.empty()
                          ? "; this kind has none"
                          : "; " + about.least.to_string() + " to " + about.most.to_string() +
                                " are possible: " + std::string(about.amount)));
  }
  if (!fault.amount.mantissa_at(-6)) {
    return permanent(where + "an amount of " + fault.amount.to_string() + " has more than six decimals");
  }
  const bool idle = (fault.kind == FaultKind::ClockOff && fault.amount == Decimal{}) ||
                    ((fault.kind == FaultKind::WrongKe || fault.kind == FaultKind::WrongMultiplier) &&
                     fault.amount == Decimal{1, 0});
  if (idle) return permanent(where + "an amount of " + fault.amount.to_string() + " changes nothing");
  if (about.needs == FaultNeeds::Recorder && !setup.model.recorder) {
    return permanent(where + std::string(setup.model.name()) + " has no recorder; an AXR has");
  }
  if (about.needs == FaultNeeds::Switch && !setup.model.disconnect) {
    return permanent(where + std::string(setup.model.name()) + " has no service switch; an SD meter has");
  }
  if (about.needs == FaultNeeds::Tiers && plan.tou.none()) {
    return permanent(where + "the plan has no tiers");
  }
  if (fault.kind == FaultKind::StuckTier && !fault.amount.mantissa_at(0)) {
    return permanent(where + "tier " + fault.amount.to_string() + "; a whole number from 0 to 3 is possible");
  }
  if (fault.kind == FaultKind::Crossed && fault.other == setup.number) {
    return permanent(where + "meter " + std::to_string(setup.number) + " cannot be crossed with itself");
  }
  return Done{};
}

}  // namespace

Result<SharedPlan> Plan::create(Plan plan) {
  if (auto sound = plan.program.check(); !sound) return sound.error();
  if (plan.demand_decimals < 0 || plan.demand_decimals > 4) {
    return permanent("demand with " + std::to_string(plan.demand_decimals) +
                     " decimals; 0 to 4 are possible");
  }
  if (plan.multiplier <= Decimal{}) {
    return permanent("a multiplier of " + plan.multiplier.to_string() + "; it must be above zero");
  }
  if (plan.arm_timeout < seconds{1} || plan.arm_timeout > std::chrono::days{7}) {
    return permanent("an arm timeout of " + std::to_string(plan.arm_timeout.count()) +
                     " s; 1 s to 7 days are possible");
  }
  if (!plan.tou.none() && kQuarter % plan.program.demand.update() != seconds{0} &&
      plan.program.demand.update() % kQuarter != seconds{0}) {
    return permanent("tiers switch each quarter of an hour, and the demand is worked out every " +
                     std::to_string(plan.program.demand.update().count()) +
                     " s: one must be a multiple of the other");
  }
  plan.program.traces_demand = false;
  return std::make_shared<const Plan>(std::move(plan));
}

Result<Model> Model::parse(std::string_view name) {
  for (std::size_t i = 0; i < kModels.size(); ++i) {
    if (kModels.at(i) == name) return Model{(i & 2U) != 0, (i & 1U) != 0};
  }
  return permanent("model \"" + std::string(name.substr(0, 40)) +
                   "\"; FOCUS AX, FOCUS AX-SD, FOCUS AXR and FOCUS AXR-SD are possible");
}

std::string_view Model::name() const {
  return kModels.at((recorder ? 2U : 0U) + (disconnect ? 1U : 0U));
}

Outcome MeterSetup::check(const Plan& plan) const {
  if (auto sound = premises.check(); !sound) return sound;
  if (start < kFirstInstant || start >= kLastInstant || start != std::chrono::floor<seconds>(start)) {
    return permanent("the meter starts at " + to_text(start) + "; a whole second from " +
                     to_text(kFirstInstant) + " until " + to_text(kLastInstant) + " is possible");
  }
  if (initial_delivered_kwh < 0 || initial_received_kwh < 0) {
    return permanent("registers start at " + std::to_string(initial_delivered_kwh) + " kWh delivered and " +
                     std::to_string(initial_received_kwh) + " kWh received; they cannot be negative");
  }
  if (std::abs(std::int64_t{drift_ppb}) > 1'000'000) {
    return permanent("a clock drift of " + std::to_string(drift_ppb) +
                     " ppb; at most 1000000 either way are possible");
  }
  if (premises.solar_kw > 0 && !plan.received_channel) {
    return permanent("solar panels behind a programme without a received channel");
  }
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (auto sound = check_fault(faults[i], *this, plan); !sound) return sound;
    for (std::size_t j = 0; j < i; ++j) {
      if (faults[i].kind == faults[j].kind && faults[i].from < faults[j].to &&
          faults[j].from < faults[i].to) {
        return permanent("fault " + std::string(info(faults[i].kind).name) + " is stated twice for " +
                         to_text(std::max(faults[i].from, faults[j].from)));
      }
    }
  }
  return Done{};
}

}  // namespace ami::virtual_meter
