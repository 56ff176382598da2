#include "tests/meter_model/virtual_day/course.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>

namespace ami::virtual_day {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using virtual_meter::FaultKind;
using virtual_meter::MeterSetup;
using virtual_meter::Outbox;
using virtual_meter::Plan;
using virtual_meter::SharedPlan;
using virtual_meter::SiteSetup;
using virtual_meter::SwitchInput;
using virtual_meter::VirtualMeter;

constexpr seconds kQuarterHour{900};
constexpr minutes kCollectionDelay{5};
constexpr int kHistoryDays = 30;

struct Place {
  std::string_view zone;
  double latitude, longitude, mean_c, swing_c;
};
constexpr std::array kPlaces{
    Place{"America/Toronto", 43.7, -79.4, 8.5, 13.5},  Place{"America/New_York", 40.7, -74.0, 12.5, 12.0},
    Place{"America/Chicago", 41.9, -87.6, 10.0, 13.5}, Place{"Asia/Kolkata", 22.6, 88.4, 26.0, 5.0},
    Place{"Asia/Kathmandu", 27.7, 85.3, 18.0, 7.0},    Place{"Australia/Lord_Howe", -31.5, 159.1, 19.0, 3.5},
    Place{"America/St_Johns", 47.6, -52.7, 5.0, 10.0}, Place{"UTC", 51.5, 0.0, 10.5, 7.0},
};

SharedPlan plan_of(const Script& script, Sites& sites) {
  Plan draft{sites.at(script.zone, script.weather)};
  draft.program = script.program;
  draft.demand_decimals = script.demand_decimals;
  if (script.tiers) draft.tou = virtual_meter::TouSchedule::three_tiers();
  draft.received_channel = script.received_channel;
  return Plan::create(std::move(draft)).value();
}

MeterSetup setup_of(const Script& script, UtcInstant start) {
  MeterSetup setup;
  setup.number = script.number;
  setup.model = script.model;
  setup.premises = script.premises;
  setup.start = start;
  return setup;
}

// From below, until the meter's own clock shows it: an oscillator that is off by less than 1000 ppm.
void advance_by_clock(VirtualMeter& meter, UtcInstant shown, Outbox& out) {
  while (meter.clock() < shown) {
    const microseconds gap = shown - meter.clock();
    meter.advance(meter.now() + std::max(microseconds{1}, gap - gap / 1000 - microseconds{1}), out);
  }
}

struct History {
  Decimal daily_use_wh;
  bool generates = false;
};
History history(const Script& script, const SharedPlan& plan, UtcInstant until) {
  MeterSetup setup = setup_of(script, until - days{kHistoryDays});
  VirtualMeter meter = VirtualMeter::create(plan, setup).value();
  Outbox out;
  meter.advance(until, out);
  const auto energy = meter.read().energy;
  // Cut to a milliwatt-hour; a threshold of 50 % does not feel it.
  return {.daily_use_wh = {energy.delivered_kwh.mantissa_at(-6).value() / kHistoryDays, -3},
          .generates = energy.received_kwh.value_or(Decimal{}) > Decimal{}};
}

}  // namespace

const virtual_meter::Site& Sites::at(const std::string& zone, std::uint64_t weather) {
  const auto key = std::pair{zone, weather};
  auto found = sites_.find(key);
  if (found == sites_.end()) {
    const Place* place = std::ranges::find(kPlaces, zone, &Place::zone);
    SiteSetup setup;
    setup.zone = zone;
    setup.seed = weather;
    if (place != kPlaces.end()) {
      setup.latitude_deg = place->latitude;
      setup.longitude_deg = place->longitude;
      setup.mean_c = place->mean_c;
      setup.swing_c = place->swing_c;
    }
    found = sites_.emplace(key, virtual_meter::Site::create(setup).value()).first;
  }
  return found->second;
}

std::uint64_t below(std::mt19937_64& random, std::uint64_t bound) {
  return random() % bound;
}

Script any_script(std::mt19937_64& random) {
  const auto one_of = [&](const auto& choices) { return choices[below(random, std::size(choices))]; };
  Script script;
  script.zone = one_of(kPlaces).zone;
  script.weather = 1 + below(random, 3);
  script.date =
      std::chrono::sys_days{std::chrono::year{2025} / 1 / 1} + days{static_cast<int>(below(random, 2 * 365))};
  script.number = static_cast<std::uint32_t>(1 + below(random, 900'000'000));
  script.model = {below(random, 8) != 0, below(random, 2) == 0};
  script.tiers = below(random, 2) == 0;
  script.drift_ppb = below(random, 4) == 0 ? static_cast<std::int32_t>(below(random, 40'001)) - 20'000 : 0;

  metrology::MeterProgram& program = script.program;
  constexpr std::array<std::pair<int, int>, 5> kFormats{{{5, 0}, {6, 1}, {8, 3}, {9, 4}, {5, 1}}};
  std::tie(program.digits, program.decimals) = one_of(kFormats);
  program.ke_wh = one_of(std::array<Decimal, 3>{{{12, -1}, {6, -1}, {18, -1}}});
  program.interval = one_of(std::array{900, 900, 900, 300, 1800, 3600}) * seconds{1};
  if (below(random, 2) == 0) {
    program.demand.method = metrology::DemandMethod::Sliding;
    program.demand.window = one_of(std::array{900, 1800}) * seconds{1};
    program.demand.subinterval = seconds{300};
  } else {
    program.demand.window = one_of(std::array{900, 1800, 3600}) * seconds{1};
  }
  script.demand_decimals = static_cast<std::int32_t>(below(random, 5));

  virtual_meter::Premises& premises = script.premises;
  script.received_channel = below(random, 3) != 0;
  if (below(random, 3) == 0) {
    premises.kind = virtual_meter::PremisesKind::SmallBusiness;
    premises.annual_kwh = static_cast<float>(15'000 + below(random, 60'000));
    premises.cooling_w_per_k = premises.annual_kwh * one_of(std::array{0.F, 0.0005F, 0.001F});
    if (script.received_channel && below(random, 2) == 0)  // enough of it to be seen at the meter
      premises.solar_kw = 10 + premises.annual_kwh / 4'000;
  } else {
    premises.annual_kwh = static_cast<float>(3'000 + below(random, 12'000));
    premises.heating_w_per_k = premises.annual_kwh * one_of(std::array{0.F, 0.F, 0.002F, 0.004F});
    premises.cooling_w_per_k = static_cast<float>(below(random, 60));
    if (script.received_channel && below(random, 2) == 0)
      premises.solar_kw = static_cast<float>(2 + below(random, 10));
  }
  // Now and then a register turns over on the day.
  std::int64_t turn = 1;
  for (int i = program.decimals; i < program.digits; ++i) turn *= 10;
  script.initial_delivered_kwh = static_cast<std::int32_t>(
      below(random, 4) == 0 ? turn - 1 - static_cast<std::int64_t>(below(random, 40))
                            : static_cast<std::int64_t>(below(random, 9'000)));
  script.initial_received_kwh = static_cast<std::int32_t>(below(random, 9'000));
  return script;
}

std::string describe(const Script& script) {
  std::ostringstream out;
  const metrology::MeterProgram& program = script.program;
  out << script.zone << ' ' << static_cast<int>(script.date.year()) << '-'
      << static_cast<unsigned>(script.date.month()) << '-' << static_cast<unsigned>(script.date.day())
      << " weather " << script.weather << ", " << script.model.name() << " number " << script.number << ", "
      << (script.premises.kind == virtual_meter::PremisesKind::Household ? "household " : "business ")
      << script.premises.annual_kwh << " kWh, solar " << script.premises.solar_kw << " kW, heating "
      << script.premises.heating_w_per_k << ", cooling " << script.premises.cooling_w_per_k << ", "
      << program.digits << '.' << program.decimals << " digits, Ke " << program.ke_wh.to_string()
      << ", interval " << program.interval.count() << ", demand " << program.demand.window.count() << '/'
      << program.demand.update().count() << " of " << script.demand_decimals << " decimals, "
      << (script.tiers ? "tiers, " : "no tiers, ") << (script.received_channel ? "two ways, " : "one way, ")
      << "from " << script.initial_delivered_kwh << '/' << script.initial_received_kwh << " kWh, drift "
      << script.drift_ppb << " ppb";
  for (const Injected& fault : script.faults) {
    out << ", " << virtual_meter::info(fault.kind).name << ' ' << fault.amount.to_string() << " in "
        << fault.from.count() << "…" << fault.to.count() << " min";
  }
  for (const Command& command : script.commands)
    out << ", command " << static_cast<int>(command.act) << " at " << command.after.count() << " min";
  return out.str();
}

Course run(const Script& script, Sites& sites) {
  const SharedPlan plan = plan_of(script, sites);
  const Zone zone = Zone::load(script.zone).value();
  const Zone::Day day = zone.civil_day(script.date);
  const Zone::Day before = zone.civil_day(std::chrono::sys_days{script.date} - days{1});
  const Zone::Day start = zone.civil_day(std::chrono::sys_days{script.date} - days{2});

  Course course{.zone = zone, .day = {day.start, day.end}};
  course.installed = start.start;
  course.collected_at = day.end + kCollectionDelay;
  const seconds offset = plan->site.standard_offset(start.start);
  course.grid_phase = (seconds{days{1}} - offset) % seconds{days{1}};

  MeterSetup setup = setup_of(script, start.start);
  setup.initial_delivered_kwh = script.initial_delivered_kwh;
  setup.initial_received_kwh = script.initial_received_kwh;
  setup.drift_ppb = script.drift_ppb;
  std::optional<VirtualMeter> other;
  for (const Injected& fault : script.faults) {
    setup.faults.push_back(
        {fault.kind, day.start + fault.from, day.start + fault.to, fault.amount, fault.other});
    if (fault.kind != FaultKind::Crossed) continue;
    MeterSetup neighbour = setup;
    neighbour.number = fault.other;
    neighbour.initial_delivered_kwh = 777;
    neighbour.faults = {setup.faults.back()};
    neighbour.faults[0].other = script.number;
    other = VirtualMeter::create(plan, neighbour).value();
  }
  VirtualMeter own = VirtualMeter::create(plan, setup).value();
  course.as_configured = own.read();

  // Stops: each quarter of an hour, and each command; reads on the meter's hour and at civil midnight.
  std::set<UtcInstant> stops, reads{start.start, before.start, day.start, day.end};
  for (UtcInstant at = start.start; at <= course.collected_at; at += kQuarterHour) {
    stops.insert(at);
    if ((at.time_since_epoch() - course.grid_phase) % hours{1} == microseconds{0}) reads.insert(at);
  }
  stops.insert(reads.begin(), reads.end());
  stops.insert(course.collected_at);
  for (const Command& command : script.commands) stops.insert(day.start + command.after);

  Outbox out, aside;
  for (const UtcInstant stop : stops) {
    const bool reads_here = reads.contains(stop);
    out.clear();
    aside.clear();
    if (reads_here && script.drift_ppb != 0 && script.faults.empty()) {
      advance_by_clock(own, stop, out);
    } else {
      own.advance(stop, out);
    }
    if (other) other->advance(stop, aside);
    const bool swapped = other && other->answers_for() == script.number;
    VirtualMeter& meter = swapped ? *other : own;
    const Outbox& said = swapped ? aside : out;
    course.intervals.insert(course.intervals.end(), said.intervals.begin(), said.intervals.end());
    course.events.insert(course.events.end(), said.events.begin(), said.events.end());
    if (reads_here && meter.powered()) course.snapshots.push_back({meter.now(), meter.read()});
    for (const Command& command : script.commands) {
      if (day.start + command.after != stop) continue;
      Outbox answers;
      if (command.act == Act::DemandReset) {
        if (meter.demand_reset({}, answers)) course.demand_reset_at = meter.clock();
      } else {
        (void)meter.command(command.act == Act::Disconnect ? SwitchInput::Disconnect : SwitchInput::Connect,
                            answers);
      }
      course.events.insert(course.events.end(), answers.events.begin(), answers.events.end());
    }
  }
  const History last_period = history(script, plan, day.start);
  const History last_year = history(script, plan, day.start - days{365});
  course.adu_last_period_wh = last_period.daily_use_wh;
  course.adu_last_year_wh = last_year.daily_use_wh;
  course.generates = last_period.generates || last_year.generates;
  return course;
}

}  // namespace ami::virtual_day
