#include "tools/amictl/scenario/meter_section.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <chrono>

#include "tools/amictl/scenario/words.h"
#include "tools/amictl/scenario/yaml_fields.h"

namespace ami::amictl {
namespace {

using metrology::DemandMethod;
using metrology::DemandQuantity;
using metrology::MeterProgram;
using metrology::PartialPolicy;
using std::chrono::seconds;

constexpr std::int64_t kDayS = 86'400;
constexpr double kMostStartingPowerW = 1e6;
constexpr std::array<std::string_view, 2> kChannelBits{"8", "16"};

seconds whole_seconds(YamlFields& fields, std::string_view key, seconds otherwise) {
  return seconds(fields.whole(key, 1, kDayS).value_or(otherwise.count()));
}

void read_demand(const YAML::Node& node, MeterSection& section, YamlProblems& problems) {
  const std::size_t before = problems.count();
  YamlFields demand(
      node, "demand",
      {"method", "window_s", "subinterval_s", "t90_s", "quantity", "partial", "reset_lockout_s"}, problems);
  metrology::DemandProgram& program = section.program.demand;
  const auto method = demand.word("method", kMethods);
  program.method = static_cast<DemandMethod>(method.value_or(0));
  program.window = whole_seconds(demand, "window_s", program.window);
  const seconds subinterval = whole_seconds(demand, "subinterval_s", program.window);
  if (program.method == DemandMethod::Sliding && demand.required("subinterval_s"))
    program.subinterval = subinterval;
  program.t90 = whole_seconds(demand, "t90_s", program.t90);
  if (const auto quantity = demand.word("quantity", kQuantities))
    program.quantity = static_cast<DemandQuantity>(*quantity);
  if (const auto partial = demand.word("partial", kPartials))
    program.partial = static_cast<PartialPolicy>(*partial);
  program.reset_lockout = seconds(demand.whole("reset_lockout_s", 0, 366 * kDayS).value_or(0));

  if (program.method != DemandMethod::Sliding && demand.has("subinterval_s"))
    section.remarks.emplace_back(
        "demand: subinterval_s has no effect: only method sliding has sub-intervals");
  if (program.method != DemandMethod::Exponential && demand.has("t90_s"))
    section.remarks.emplace_back("demand: t90_s has no effect: only method exponential has a response time");
  if (problems.count() != before) return;
  if (const auto checked = program.check(); !checked) {
    demand.problem(demand.has("subinterval_s") ? "subinterval_s" : "window_s", checked.error().message);
  }
}

}  // namespace

MeterSection read_meter(const YAML::Node& node, YamlProblems& problems) {
  const std::size_t before = problems.count();
  MeterSection section;
  YamlFields meter(node, "meter",
                   {"model", "form", "mode", "kh_wh", "ke_wh", "kt_wh", "digits", "decimals", "interval_s",
                    "channel_bits", "demand", "starting_power_w", "clock_battery", "test_mode_bills"},
                   problems);
  MeterProgram& program = section.program;
  const auto model = meter.word("model", kModels);
  section.model = kModels[model.value_or(kModels.size() - 1)];
  if (section.model.find("AXR") == std::string::npos)
    section.remarks.push_back(
        section.model + " has no pulse recorder (R): the intervals are those that a recorder would hold");
  if (const auto form = meter.word("form", kForms)) section.form = static_cast<metrology::Form>(*form);
  if (const auto mode = meter.word("mode", kModes)) section.mode = static_cast<metrology::Mode>(*mode);

  // The engine knows what a constant may be; asked one at a time, so that each problem has its own line.
  const auto constant = [&](std::string_view key, auto member) {
    const auto value = meter.decimal(key);
    if (!value) return;
    MeterProgram probe;
    probe.*member = *value;
    if (const auto checked = probe.check()) {
      program.*member = *value;
    } else {
      meter.problem(key, checked.error().message);
    }
  };
  constant("kh_wh", &MeterProgram::kh_wh);
  constant("ke_wh", &MeterProgram::ke_wh);
  constant("kt_wh", &MeterProgram::kt_wh);
  program.digits = static_cast<std::int32_t>(meter.whole("digits", 1, 9).value_or(program.digits));
  program.decimals = static_cast<std::int32_t>(meter.whole("decimals", 0, program.digits - 1).value_or(0));
  program.interval = whole_seconds(meter, "interval_s", program.interval);
  if (kDayS % program.interval.count() != 0)
    meter.problem("interval_s", "interval_s must divide a day, as 300, 900, 1800 and 3600 do");
  if (const auto bits = meter.word("channel_bits", kChannelBits)) program.channel_bits = *bits == 0 ? 8 : 16;
  program.starting_power_w = meter.number("starting_power_w", 0, kMostStartingPowerW).value_or(0);
  program.clock_has_battery = meter.boolean("clock_battery").value_or(true);
  program.test_mode_bills = meter.boolean("test_mode_bills").value_or(false);
  if (meter.mapping("demand")) read_demand(meter.node("demand"), section, problems);
  if (problems.count() != before) return section;
  if (const auto checked = program.check()) {
    for (const std::string& text : *checked) section.remarks.push_back(text);
  } else {
    meter.problem("", checked.error().message);
  }
  return section;
}

}  // namespace ami::amictl
