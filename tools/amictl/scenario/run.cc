#include "tools/amictl/scenario/run.h"

#include <algorithm>
#include <utility>

namespace ami::amictl {
namespace {

using metrology::Energy;
using metrology::Int128;
using metrology::LoadCursor;
using metrology::ReferenceMeter;

class Runner {
 public:
  Runner(const Scenario& scenario, ReferenceMeter meter) : scenario_(scenario), run_(std::move(meter)) {
    run_.findings = scenario.remarks;
    run_.tiers.insert(scenario.initial.tier);
  }

  Outcome run_segments();
  ScenarioRun finish() &&;

 private:
  Outcome apply_due_events();
  Outcome apply(const DemandReset& reset);
  Outcome apply(const ClockSet& set) { return run_.meter.set_clock(set.by); }
  Outcome apply(const TierSelect& select) {
    run_.tiers.insert(select.tier);
    return run_.meter.select_tier(select.tier);
  }
  Outcome apply(const TestMode& mode) {
    test_mode_ = mode.active;
    run_.meter.test_mode(mode.active);
    return Done{};
  }
  void advance(std::size_t index, LoadCursor& cursor, Elapsed into, Elapsed step);
  void find_rollovers(std::string_view name, Energy before, Energy after);

  const Scenario& scenario_;
  ScenarioRun run_;
  std::size_t next_event_ = 0;
  Elapsed now_{};
  bool test_mode_ = false;
};

Outcome Runner::apply(const DemandReset&) {
  const metrology::DemandMaximum maximum = run_.meter.demand().maximum;
  const auto done = run_.meter.demand_reset();
  if (!done) {
    run_.findings.push_back("demand reset at " + seconds_text(now_) +
                            " s was refused: " + done.error().message);
  } else if (maximum.at) {
    run_.closed_maxima.push_back({now_, maximum});
  }
  return Done{};
}

Outcome Runner::apply_due_events() {
  for (; next_event_ < scenario_.events.size(); ++next_event_) {
    const Event& event = scenario_.events[next_event_];
    if (event.at > now_) break;
    if (const Outcome done = std::visit([&](const auto& what) { return apply(what); }, event.what); !done)
      return permanent("event at " + seconds_text(event.at) + " s: " + done.error().message);
  }
  return Done{};
}

void Runner::advance(std::size_t index, LoadCursor& cursor, Elapsed into, Elapsed step) {
  const bool outage = scenario_.segments[index].outage;
  const bool rests = outage || (test_mode_ && !scenario_.program.test_mode_bills);
  run_.stretches.push_back({index, now_, into, step, run_.meter.clock().ahead(), rests});
  if (outage) {
    run_.meter.outage(step);
  } else {
    run_.meter.run(cursor, step);
  }
  now_ += step;
}

Outcome Runner::run_segments() {
  for (std::size_t i = 0; i < scenario_.segments.size(); ++i) {
    const Segment& segment = scenario_.segments[i];
    LoadCursor cursor = run_.meter.cursor_of(segment.load);
    for (Elapsed into{}; into < segment.duration;) {
      if (const Outcome done = apply_due_events(); !done) return done;
      Elapsed step = segment.duration - into;
      if (next_event_ < scenario_.events.size())
        step = std::min(step, scenario_.events[next_event_].at - now_);
      advance(i, cursor, into, step);
      into += step;
    }
    run_.meter.trace_demand();
  }
  return apply_due_events();
}

void Runner::find_rollovers(std::string_view name, Energy before, Energy after) {
  const Int128 turn = scenario_.program.format().resolution().units() * scenario_.program.format().modulus();
  const auto turns = static_cast<std::int64_t>(after.units() / turn - before.units() / turn);
  if (turns > 0) run_.findings.push_back(std::string(name) + " rolled over, times: " + std::to_string(turns));
}

ScenarioRun Runner::finish() && {
  const metrology::EnergyPair totals = run_.meter.totals();
  find_rollovers("register kwh_delivered", scenario_.initial.delivered, totals.delivered);
  find_rollovers("register kwh_received", scenario_.initial.received, totals.received);
  const auto lost = std::ranges::count_if(
      run_.meter.intervals(),
      [](const metrology::IntervalRecord& record) { return record.flags.has(metrology::Flag::Overflow); });
  if (lost > 0)
    run_.findings.push_back("intervals whose channel was full (OVERFLOW): " + std::to_string(lost));
  return std::move(run_);
}

}  // namespace

metrology::EnergyPair unclosed_interval(const ScenarioRun& run) {
  metrology::EnergyPair rest = run.meter.metered();
  for (const metrology::IntervalRecord& record : run.meter.intervals()) {
    rest.delivered -= record.energy.delivered;
    rest.received -= record.energy.received;
  }
  return rest;
}

Result<ScenarioRun> run_scenario(const Scenario& scenario) {
  auto meter = ReferenceMeter::create(scenario.program, scenario.initial);
  if (!meter) return meter.error();
  Runner runner(scenario, std::move(meter).value());
  if (const Outcome done = runner.run_segments(); !done) return done.error();
  return std::move(runner).finish();
}

}  // namespace ami::amictl
