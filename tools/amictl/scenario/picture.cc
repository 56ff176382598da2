#include "tools/amictl/scenario/picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "meter_model/metrology/exponential.h"
#include "tools/amictl/scenario/plot_axis.h"
#include "tools/amictl/scenario/words.h"

namespace ami::amictl {
namespace {

using metrology::DemandMaximum;
using metrology::DemandMethod;
using metrology::Load;

constexpr double kPointsAPeriod = 48;
// Of the whole picture: several for each pixel that it is wide.
constexpr double kPointsARun = 6000;

std::string kwh_text(const metrology::Energy& energy) {
  return axis_label(energy.wh() / 1000, 3) + " kWh";
}

std::string minutes_text(std::chrono::seconds time) {
  if (time.count() % 60 == 0) return std::to_string(time.count() / 60) + " min";
  return std::to_string(time.count()) + " s";
}

std::string method_text(const metrology::DemandProgram& demand) {
  switch (demand.method) {
    case DemandMethod::Block:
      return "block demand, " + minutes_text(demand.window);
    case DemandMethod::Sliding:
      return "sliding demand, " + minutes_text(demand.window) + " in steps of " +
             minutes_text(demand.update());
    case DemandMethod::Exponential:
      return "exponential demand, 90 % in " + minutes_text(demand.t90);
  }
  return {};
}

// "+3 min", "-1200.5 s".
std::string shift_text(Elapsed by) {
  const Elapsed size = by < Elapsed(0) ? -by : by;
  const std::string sign = by < Elapsed(0) ? "\u2212" : "+";
  if (size % std::chrono::minutes(1) == Elapsed(0))
    return sign + std::to_string(size / std::chrono::minutes(1)) + " min";
  return sign + seconds_text(size) + " s";
}

Picture::Mark mark_of(const Event& event) {
  struct Describe {
    Picture::Mark operator()(const DemandReset&) const {
      return {{}, Picture::MarkKind::DemandReset, "demand reset"};
    }
    Picture::Mark operator()(const ClockSet& set) const {
      return {{}, Picture::MarkKind::ClockSet, "clock " + shift_text(set.by)};
    }
    Picture::Mark operator()(const TierSelect& select) const {
      return {{}, Picture::MarkKind::TouTier, std::string("tier ") + select.tier};
    }
    Picture::Mark operator()(const TestMode& mode) const {
      return {{}, Picture::MarkKind::TestMode, mode.active ? "test mode on" : "test mode off"};
    }
  };
  Picture::Mark mark = std::visit(Describe{}, event.what);
  mark.at = event.at;
  return mark;
}

// Steps that show the load's curve over a stretch; straight lines need one.
std::int64_t steps_of(const Load& load, Elapsed length, Elapsed run_length) {
  if (load.kind() != Load::Kind::Sine) return 1;
  const auto ratio = [](Elapsed a, Elapsed b) {
    return static_cast<double>(a.count()) / static_cast<double>(b.count());
  };
  const double wanted = kPointsAPeriod * ratio(length, load.span());
  const double room = kPointsARun * ratio(length, run_length);
  return static_cast<std::int64_t>(std::ceil(std::min(wanted, std::max(room, 16.0)))) + 1;
}

class Painter {
 public:
  Painter(const Scenario& scenario, const ScenarioRun& run)
      : scenario_(scenario), run_(run), length_(scenario.length()) {
    clock_was_set_ = std::ranges::any_of(
        scenario.events, [](const Event& event) { return std::holds_alternative<ClockSet>(event.what); });
  }
  Picture paint();

 private:
  void paint_text();
  void paint_power();
  void paint_intervals();
  void paint_demand();
  void paint_response();
  void add_maximum(const DemandMaximum& maximum, Elapsed latest, bool present);
  [[nodiscard]] Elapsed true_time(const DemandMaximum& maximum, Elapsed latest) const;
  [[nodiscard]] std::string when(UtcInstant at) const;

  const Scenario& scenario_;
  const ScenarioRun& run_;
  Elapsed length_;
  bool clock_was_set_ = false;
  Picture picture_;
};

// The clock's time, with the day only where the run has several.
std::string Painter::when(UtcInstant at) const {
  std::string text = civil_text(at, scenario_.zone);
  const std::string first = civil_text(scenario_.initial.start, scenario_.zone);
  return text.compare(0, 10, first, 0, 10) == 0 && length_ <= std::chrono::hours(25) ? text.substr(11) : text;
}

void Painter::paint_text() {
  const metrology::MeterProgram& program = scenario_.program;
  picture_.title = scenario_.title;
  std::string form = "form " + std::string(word_of(scenario_.form));
  if (scenario_.form == metrology::Form::TwoS)
    form += scenario_.mode == metrology::Mode::True ? " (true power)" : " (as the form measures)";
  picture_.subtitles.push_back(scenario_.model + ", " + form + ", Kh " + program.kh_wh.to_string() +
                               " Wh, Ke " + program.ke_wh.to_string() + " Wh, intervals of " +
                               minutes_text(program.interval) + ", " + method_text(program.demand));
  const metrology::EnergyPair energy = run_.meter.metered();
  picture_.subtitles.push_back("delivered " + kwh_text(energy.delivered) + ", received " +
                               kwh_text(energy.received) + ", net " + kwh_text(energy.net()));
  if (clock_was_set_)
    picture_.subtitles.emplace_back(
        "Drawn in true time. After a clock set the meter's own stamps differ from it.");
}

void Painter::paint_power() {
  for (const Stretch& stretch : run_.stretches) {
    const Segment& segment = scenario_.segments[stretch.segment];
    if (segment.outage) {
      auto& outages = picture_.outages;
      if (!outages.empty() && outages.back().second == stretch.from) {
        outages.back().second = stretch.from + stretch.length;
      } else {
        outages.emplace_back(stretch.from, stretch.from + stretch.length);
      }
      continue;
    }
    Picture::Stretch drawn;
    const std::int64_t steps = steps_of(segment.load, stretch.length, length_);
    for (std::int64_t i = 0; i <= steps; ++i) {
      const Elapsed after = stretch.length / steps * i + stretch.length % steps * i / steps;
      drawn.points.emplace_back(stretch.from + after, segment.load.power_w(stretch.into + after));
    }
    picture_.power.push_back(std::move(drawn));
  }
}

void Painter::paint_intervals() {
  Elapsed from{};
  for (const metrology::IntervalRecord& record : run_.meter.intervals()) {
    Picture::Bar bar;
    bar.from = from;
    bar.to = record.closed_at - scenario_.initial.start;
    bar.delivered_wh = record.energy.delivered.wh();
    bar.received_wh = record.energy.received.wh();
    for (const std::string_view name : metrology::names(record.flags))
      bar.flags += (bar.flags.empty() ? "" : ", ") + std::string(name);
    bar.end = civil_text(record.end, scenario_.zone);
    from = bar.to;
    picture_.intervals.push_back(std::move(bar));
  }
  const metrology::EnergyPair rest = unclosed_interval(run_);
  if (from < length_) {
    picture_.intervals.push_back({from, length_, rest.delivered.wh(), rest.received.wh(), "", "", true});
  }
}

// The response between the points of its trace, for the eye: the same closed form, asked more often.
void Painter::paint_response() {
  picture_.demand_shape = Picture::DemandShape::Curve;
  metrology::ExponentialDemand response(scenario_.program.demand.t90);
  picture_.demand_kw.emplace_back(Elapsed(0), 0.0);
  for (const Stretch& stretch : run_.stretches) {
    const Segment& segment = scenario_.segments[stretch.segment];
    const auto share = static_cast<double>(stretch.length.count()) / static_cast<double>(length_.count());
    const auto steps = std::max<std::int64_t>(static_cast<std::int64_t>(kPointsARun * share), 16);
    Elapsed done{};
    for (std::int64_t i = 1; i <= steps; ++i) {
      const Elapsed after = stretch.length / steps * i + stretch.length % steps * i / steps;
      if (after == done) continue;
      if (stretch.rests) {
        response.decay(after - done);
      } else {
        response.follow(segment.load, stretch.into + done, after - done, scenario_.program.demand.quantity,
                        scenario_.program.starting_power_w);
      }
      done = after;
      picture_.demand_kw.emplace_back(stretch.from + after, response.w() / 1000);
    }
  }
}

void Painter::paint_demand() {
  if (scenario_.program.demand.method == DemandMethod::Exponential) {
    paint_response();
  } else {
    for (const metrology::DemandPoint& point : run_.meter.demand_trace())
      picture_.demand_kw.emplace_back(point.closed_at - scenario_.initial.start, point.kw);
  }
  for (const ClosedMaximum& closed : run_.closed_maxima) add_maximum(closed.maximum, closed.reset_at, false);
  add_maximum(run_.meter.demand().maximum, length_, true);
}

// Where a maximum that stood at `latest` lies in true time: at its point of the trace, or, between two points
// of an exponential demand, by the clock as it stood then.
Elapsed Painter::true_time(const DemandMaximum& maximum, Elapsed latest) const {
  const UtcInstant start = scenario_.initial.start;
  for (const metrology::DemandPoint& point : run_.meter.demand_trace()) {
    if (point.at == *maximum.at && point.kw == maximum.kw && point.closed_at - start <= latest)
      return point.closed_at - start;
  }
  Elapsed found{};
  for (const Stretch& stretch : run_.stretches) {
    const Elapsed at = *maximum.at - start - stretch.clock_ahead;
    if (at >= stretch.from && at <= stretch.from + stretch.length && at <= latest) found = at;
  }
  return found;
}

void Painter::add_maximum(const DemandMaximum& maximum, Elapsed latest, bool present) {
  if (!maximum.at) return;
  std::string text = "max " + axis_label(maximum.kw, 3) + " kW at " + when(*maximum.at);
  if (clock_was_set_) text += " by the meter's clock";
  if (maximum.e34_exposed()) {
    text += ", E34_EXPOSED:";
    for (const std::string_view name : metrology::names(maximum.e34_causes()))
      text += " " + std::string(name);
  }
  picture_.maxima.push_back({true_time(maximum, latest), maximum.kw, std::move(text), present});
}

Picture Painter::paint() {
  picture_.start = scenario_.initial.start;
  picture_.length = length_;
  picture_.zone = scenario_.zone;
  paint_text();
  paint_power();
  paint_intervals();
  paint_demand();
  for (const Event& event : scenario_.events) picture_.marks.push_back(mark_of(event));
  return std::move(picture_);
}

}  // namespace

Picture picture_of(const Scenario& scenario, const ScenarioRun& run) {
  return Painter(scenario, run).paint();
}

}  // namespace ami::amictl
