#include "tools/amictl/scenario/stimulus.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/amictl/scenario/words.h"
#include "tools/amictl/scenario/yaml_fields.h"

namespace ami::amictl {
namespace {

using metrology::Harmonic;
using metrology::Load;
using metrology::Spectrum;

constexpr double kMostVolts = 100'000;
constexpr double kMostAmperes = 100'000;
constexpr double kMostWatts = 1e9;
constexpr double kMostDegrees = 1e6;
constexpr std::int64_t kHighestOrder = 100'000;
constexpr std::chrono::microseconds kShortestPeriod{1'000};
constexpr std::chrono::microseconds kLongestPeriod = std::chrono::years(100);
constexpr double kRounding = 1e-9;  // relative; below it two powers are one

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", number);
  return text;
}

struct Legs {
  Spectrum l1, l2;
};

// The list `key` of a segment. The harmonics themselves are judged by the engine, with the exceptions that
// need a line of their own.
Legs read_legs(YamlFields& segment, const std::string& key, std::string_view rms_key, double most,
               metrology::Form form, YamlProblems& problems) {
  Legs legs;
  const auto items = segment.list(key);
  for (std::size_t i = 0; i < items.size(); ++i) {
    YamlFields fields(items[i], key + " " + std::to_string(i + 1), {"leg", "order", rms_key, "angle_deg"},
                      problems);
    if (!items[i].IsMap()) continue;
    fields.required("leg");
    const auto leg = fields.word("leg", kLegs);
    Harmonic harmonic;
    harmonic.order = static_cast<int>(fields.whole("order", 0, kHighestOrder).value_or(1));
    if (fields.required(rms_key)) harmonic.rms = fields.number(rms_key, 0, most).value_or(0);
    harmonic.angle_deg = fields.number("angle_deg", -kMostDegrees, kMostDegrees).value_or(0);
    if (harmonic.order == 0 && std::fmod(harmonic.angle_deg, 180) != 0)
      fields.problem("angle_deg", "direct current (order 0) has angle 0, or 180 when negative");
    if (!leg) continue;
    if (*leg == 1 && form == metrology::Form::OneS) {
      fields.problem("leg", "form 1S has one element, on L1: there is no L2");
      continue;
    }
    Spectrum& spectrum = *leg == 0 ? legs.l1 : legs.l2;
    if (std::ranges::find(spectrum, harmonic.order, &Harmonic::order) != spectrum.end())
      fields.problem("order", "order " + std::to_string(harmonic.order) + " of this leg is given twice");
    spectrum.push_back(harmonic);
  }
  return legs;
}

void remark_on(const metrology::Signals& signals, const MeterView& view, double form_power_w,
               Stimulus& stimulus) {
  if (view.sampling) {
    const int samples = view.sampling->samples_per_cycle;
    int highest = 0;
    for (const Spectrum* spectrum : {&signals.v1, &signals.v2, &signals.i1, &signals.i2}) {
      for (const Harmonic& harmonic : *spectrum) highest = std::max(highest, harmonic.order);
    }
    if (std::int64_t{2} * highest > samples) {
      stimulus.remarks.push_back("order " + std::to_string(highest) + " is aliased by " +
                                 std::to_string(samples) +
                                 " samples a cycle: above half of that a meter takes it for another order");
    }
  }
  const double true_power_w = stimulus.true_power_w;
  if (std::abs(form_power_w - true_power_w) <= kRounding * std::max(std::abs(true_power_w), 1.0)) return;
  std::string text =
      "form 2S sees " + number_text(form_power_w) + " W of the " + number_text(true_power_w) + " W that flow";
  if (true_power_w != 0) {
    char percent[32];
    std::snprintf(percent, sizeof percent, " (%+.4g %%)", (form_power_w / true_power_w - 1) * 100);
    text += percent;
  }
  stimulus.remarks.push_back(text + ": a property of the form, against Blondel's theorem");
}

}  // namespace

std::optional<Stimulus> read_waveform(YamlFields& segment, const MeterView& view, YamlProblems& problems) {
  const std::size_t before = problems.count();
  if (!segment.has("voltage") || segment.list("voltage").empty()) {
    segment.problem("voltage", "current without voltage: a meter without voltage is dark; say outage: true");
  }
  const Legs voltage = read_legs(segment, "voltage", "rms_v", kMostVolts, view.form, problems);
  const Legs current = read_legs(segment, "current", "rms_a", kMostAmperes, view.form, problems);
  if (problems.count() != before) return std::nullopt;

  const metrology::Signals signals{voltage.l1, voltage.l2, current.l1, current.l2};
  const auto refuse = [&](const Error& error) {
    segment.problem("", error.message);
    return std::nullopt;
  };
  auto elements = metrology::elements_of(signals, view.form, view.mode);
  if (!elements) return refuse(elements.error());
  const auto physical = metrology::elements_of(signals, view.form, metrology::Mode::True);
  if (!physical) return refuse(physical.error());

  Stimulus stimulus;
  stimulus.true_power_w = metrology::active_power_w(*physical);
  remark_on(signals, view, metrology::active_power_w(*elements), stimulus);
  if (view.sampling) {
    elements = metrology::folded(*elements, *view.sampling);
    if (!elements) return refuse(elements.error());
  }
  stimulus.quantities = metrology::power_quantities(*elements);
  const auto load = Load::constant(stimulus.quantities.p_w);
  if (!load) return refuse(load.error());
  stimulus.load = *load;
  return stimulus;
}

std::optional<Load> read_power(YamlFields& segment, std::chrono::microseconds duration,
                               YamlProblems& problems) {
  const std::size_t before = problems.count();
  const YAML::Node node = segment.node("power_w");
  const auto checked = [&](const Result<Load>& load) -> std::optional<Load> {
    if (load) return *load;
    segment.problem("power_w", load.error().message);
    return std::nullopt;
  };
  if (!node.IsMap()) {
    const auto power_w = segment.number("power_w", -kMostWatts, kMostWatts);
    return power_w ? checked(Load::constant(*power_w)) : std::nullopt;
  }
  const bool sine = node["sine_amplitude"].IsDefined() || node["period_s"].IsDefined();
  const bool ramp = node["ramp_from"].IsDefined() || node["ramp_to"].IsDefined();
  YamlFields fields(node, "power_w", {"sine_amplitude", "period_s", "ramp_from", "ramp_to"}, problems);
  if (sine == ramp) {
    fields.problem("", "give {sine_amplitude, period_s} or {ramp_from, ramp_to}, one of the two");
    return std::nullopt;
  }
  const auto watts = [&](std::string_view key) {
    fields.required(key);
    return fields.number(key, -kMostWatts, kMostWatts).value_or(0);
  };
  if (sine) {
    const double amplitude_w = watts("sine_amplitude");
    fields.required("period_s");
    const auto period = fields.seconds("period_s", kShortestPeriod, kLongestPeriod);
    return problems.count() == before ? checked(Load::sine(amplitude_w, *period)) : std::nullopt;
  }
  const double from_w = watts("ramp_from");
  const double to_w = watts("ramp_to");
  if (problems.count() != before || duration.count() <= 0) return std::nullopt;
  return checked(Load::ramp(from_w, to_w, duration));
}

}  // namespace ami::amictl
