#include "tools/amictl/scenario/result_json.h"

#include <boost/json.hpp>
#include <charconv>
#include <string>

#include "tools/amictl/scenario/words.h"

namespace ami::amictl {
namespace {

namespace json = boost::json;
using metrology::DemandMaximum;
using metrology::DemandPoint;
using metrology::Direction;
using metrology::EnergyPair;
using metrology::Flags;
using metrology::IntervalRecord;
using metrology::Quantiser;

constexpr std::size_t kLineWidth = 110;

// A measured number always has a point or an exponent, a count never: 7200.0 and 7200.
std::string number_text(double number) {
  char buffer[32];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, number == 0 ? 0.0 : number).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string one_line(const json::value& value) {
  std::string text;
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      text += (text.empty() ? "" : ", ") + json::serialize(key) + ": " + one_line(member);
    }
    return "{" + text + "}";
  }
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) text += (text.empty() ? "" : ", ") + one_line(item);
    return "[" + text + "]";
  }
  if (value.is_double()) return number_text(value.get_double());
  return json::serialize(value);
}

std::string pretty(const json::value& value, std::size_t indent) {
  std::string text = one_line(value);
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if (text.size() + indent <= kLineWidth || (object == nullptr && array == nullptr)) return text;
  const std::string space(indent + 2, ' ');
  text.clear();
  const auto add = [&](const std::string& item) { text += (text.empty() ? "\n" : ",\n") + space + item; };
  if (object != nullptr) {
    for (const auto& [key, member] : *object) add(json::serialize(key) + ": " + pretty(member, indent + 2));
  } else {
    for (const auto& item : *array) add(pretty(item, indent + 2));
  }
  text += "\n" + std::string(indent, ' ');
  return object != nullptr ? "{" + text + "}" : "[" + text + "]";
}

// The members of one object, written as they come: the intervals of a year never stand in memory as JSON.
class ObjectPrinter {
 public:
  ObjectPrinter(std::ostream& out, std::size_t indent) : out_(out), indent_(indent) { out_ << "{"; }

  void member(std::string_view key, const json::value& value) {
    begin(key);
    out_ << pretty(value, indent_ + 2);
  }
  void member(std::string_view key, std::string_view text) { member(key, json::value(text)); }
  template <class Range, class ToJson>
  void list(std::string_view key, const Range& range, ToJson to_json) {
    begin(key);
    out_ << '[';
    const char* separator = "\n";
    for (const auto& item : range) {
      out_ << separator << std::string(indent_ + 4, ' ') << one_line(to_json(item));
      separator = ",\n";
    }
    if (*separator == ',') out_ << '\n' << std::string(indent_ + 2, ' ');
    out_ << ']';
  }
  std::ostream& begin(std::string_view key) {
    out_ << (first_ ? "\n" : ",\n") << std::string(indent_ + 2, ' ') << json::serialize(json::string(key))
         << ": ";
    first_ = false;
    return out_;
  }
  void end() { out_ << '\n' << std::string(indent_, ' ') << '}'; }

 private:
  std::ostream& out_;
  std::size_t indent_;
  bool first_ = true;
};

json::array flag_names(Flags flags) {
  json::array list;
  for (const std::string_view name : metrology::names(flags)) list.emplace_back(name);
  return list;
}

json::value stamp(const std::optional<UtcInstant>& at) {
  return at ? json::value(to_text(*at)) : json::value();
}

json::object exact(const EnergyPair& energy) {
  return {{"delivered", energy.delivered.wh_text()},
          {"received", energy.received.wh_text()},
          {"net", energy.net().wh_text()}};
}

json::object meter_json(const Scenario& scenario) {
  const metrology::MeterProgram& program = scenario.program;
  json::object demand{{"method", word_of(program.demand.method)}};
  if (program.demand.method == metrology::DemandMethod::Exponential) {
    demand["t90_s"] = program.demand.t90.count();
  } else {
    demand["window_s"] = program.demand.window.count();
    demand["subinterval_s"] = program.demand.update().count();
  }
  demand["quantity"] = word_of(program.demand.quantity);
  demand["partial"] = word_of(program.demand.partial);
  return {{"model", scenario.model},
          {"form", word_of(scenario.form)},
          {"mode", word_of(scenario.mode)},
          {"kh_wh", program.kh_wh.to_string()},
          {"ke_wh", program.ke_wh.to_string()},
          {"digits", program.digits},
          {"decimals", program.decimals},
          {"interval_s", program.interval.count()},
          {"channel_bits", program.channel_bits},
          {"demand", demand}};
}

json::object pulses_json(const metrology::ReferenceMeter& meter) {
  const Quantiser& delivered = meter.pulses(Direction::Delivered);
  const Quantiser& received = meter.pulses(Direction::Received);
  return {
      {"delivered", std::to_string(delivered.pulses())},
      {"received", std::to_string(received.pulses())},
      {"carry_wh", {{"delivered", delivered.carry().wh_text()}, {"received", received.carry().wh_text()}}},
      {"test_led",
       {{"delivered", std::to_string(meter.led_pulses(Direction::Delivered))},
        {"received", std::to_string(meter.led_pulses(Direction::Received))}}}};
}

json::object segment_json(const Segment& segment, Elapsed from) {
  const double seconds_long = std::chrono::duration<double>(segment.duration).count();
  json::object object{{"at_s", std::chrono::duration<double>(from).count()}, {"duration_s", seconds_long}};
  if (segment.outage) object["outage"] = true;
  if (!segment.quantities) {
    object["p_w"] = segment.load.until(segment.duration).net().wh() * 3600 / seconds_long;
    return object;
  }
  const metrology::PowerQuantities& q = *segment.quantities;
  const auto put = [&](const char* key, const std::optional<double>& value) {
    if (value) object[key] = *value;
  };
  put("p_w", q.p_w);
  put("v_rms", q.v_rms);
  put("i_rms", q.i_rms);
  put("s_va", q.s_va);
  put("pf", q.pf);
  put("p1_w", q.p1_w);
  put("q1_var", q.q1_var);
  put("ph_w", q.ph_w);
  put("s1_va", q.s1_va);
  put("sn_va", q.sn_va);
  put("d_i_va", q.d_i_va);
  put("d_v_va", q.d_v_va);
  put("s_h_va", q.s_h_va);
  put("d_h_va", q.d_h_va);
  put("n_va", q.n_va);
  put("thd_v", q.thd_v);
  put("thd_i", q.thd_i);
  put("p_true_w", segment.true_power_w);
  return object;
}

json::object interval_json(const IntervalRecord& record) {
  json::object object{{"end", to_text(record.end)},
                      {"delivered_wh", record.energy.delivered.wh()},
                      {"received_wh", record.energy.received.wh()},
                      {"delivered_pulses", record.delivered_pulses},
                      {"received_pulses", record.received_pulses},
                      {"flags", flag_names(record.flags)}};
  if (record.skipped_ends > 0) object["skipped_ends"] = record.skipped_ends;
  return object;
}

// The causes with the mark that E-34 asks for in front.
json::array maximum_flags(const DemandMaximum& maximum) {
  json::array list;
  if (maximum.e34_exposed()) list.emplace_back("E34_EXPOSED");
  for (const std::string_view name : metrology::names(maximum.flags)) list.emplace_back(name);
  return list;
}

void print_demand(const ScenarioRun& run, std::ostream& out) {
  const metrology::DemandRegisters& demand = run.meter.demand();
  ObjectPrinter object(out, 2);
  object.member("max_kw", demand.maximum.kw);
  object.member("max_at", stamp(demand.maximum.at));
  object.member("flags", maximum_flags(demand.maximum));
  object.member("e34_causes", flag_names(demand.maximum.e34_causes()));
  object.member("present_kw", demand.present_kw);
  object.member("previous_max_kw", demand.previous.kw);
  object.member("previous_max_at", stamp(demand.previous.at));
  object.member("previous_flags", maximum_flags(demand.previous));
  object.member("cumulative_kw", demand.cumulative_kw);
  object.member("continuous_cumulative_kw", demand.continuous_cumulative_kw());
  object.member("resets", demand.resets);
  object.list("trace", run.meter.demand_trace(), [](const DemandPoint& point) {
    return json::object{{"at", to_text(point.at)}, {"kw", point.kw}, {"flags", flag_names(point.flags)}};
  });
  object.end();
}

json::object tier_json(const Scenario& scenario, const ScenarioRun& run, char tier) {
  const EnergyPair& energy = run.meter.tiers().tier(static_cast<std::size_t>(tier - 'A'));
  const metrology::RegisterFormat format = scenario.program.format();
  return {{"tier", std::string(1, tier)},
          {"delivered_wh", energy.delivered.wh()},
          {"received_wh", energy.received.wh()},
          {"net_wh", energy.net().wh()},
          {"kwh_delivered", format.display(energy.delivered)},
          {"kwh_received", format.display(energy.received)}};
}

}  // namespace

void print_result(const Scenario& scenario, const ScenarioRun& run, std::ostream& out) {
  ObjectPrinter object(out, 0);
  object.member("title", scenario.title);
  object.member("meter", meter_json(scenario));
  object.member("start", to_text(scenario.initial.start));
  object.member("end", to_text(run.meter.clock().now()));
  object.member("meter_clock_at_end", to_text(run.meter.clock().reading()));
  object.member("zone", scenario.zone.name());
  object.member("energy_wh", exact(run.meter.metered()));
  object.member("register_wh", exact(run.meter.totals()));
  object.member("unclosed_interval_wh", exact(unclosed_interval(run)));
  object.member("pulses", pulses_json(run.meter));
  Elapsed from{};
  object.list("segments", scenario.segments, [&](const Segment& segment) {
    const Elapsed at = from;
    from += segment.duration;
    return segment_json(segment, at);
  });
  object.list("intervals", run.meter.intervals(), interval_json);
  print_demand(run, object.begin("demand"));
  const metrology::ReferenceMeter::Displayed shown = run.meter.registers();
  object.member("registers", json::object{{"kwh_delivered", shown.delivered},
                                          {"kwh_received", shown.received},
                                          {"kwh_net", shown.net}});
  object.list("tou", run.tiers, [&](char tier) { return tier_json(scenario, run, tier); });
  json::array findings;
  for (const std::string& text : run.findings) findings.emplace_back(text);
  object.member("findings", findings);
  object.end();
  out << '\n';
}

}  // namespace ami::amictl
