#include "tools/amictl/scenario/scenario.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "tools/amictl/scenario/meter_section.h"
#include "tools/amictl/scenario/stimulus.h"
#include "tools/amictl/scenario/words.h"
#include "tools/amictl/scenario/yaml_fields.h"

namespace ami::amictl {
namespace {

using metrology::Energy;
using metrology::MeterProgram;
using std::chrono::seconds;

constexpr Elapsed kLongestRun = std::chrono::years(20);
// Interval records and demand points of a run; a year of both at one a minute is a tenth of it.
constexpr std::int64_t kMostRecords = 10'000'000;
constexpr auto kFirstReading = std::chrono::sys_days(std::chrono::year(1970) / 1 / 1);
constexpr auto kEndOfReadings = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);

class ScenarioReader {
 public:
  explicit ScenarioReader(const std::string& name) : problems_(name) {}

  Scenario read(const YAML::Node& root);
  [[nodiscard]] const YamlProblems& problems() const { return problems_; }

 private:
  void read_initial(const YAML::Node& node);
  void read_sampling(const YAML::Node& node);
  void read_segment(const YAML::Node& node, std::size_t number);
  void read_event(const YAML::Node& node, std::size_t number);
  void check_events();
  void check_size(YamlFields& root);
  void remark(std::string text) { scenario_.remarks.push_back(std::move(text)); }

  struct NumberedEvent {
    Event event;
    int line = 0;
  };

  struct DarkSpan {
    Elapsed from{}, to{};
  };
  [[nodiscard]] std::vector<DarkSpan> dark_spans() const;

  YamlProblems problems_;
  Elapsed length_{};  // of all segments
  bool length_is_known_ = true;
  Scenario scenario_;
  std::vector<NumberedEvent> events_;
};

void ScenarioReader::read_initial(const YAML::Node& node) {
  YamlFields initial(node, "initial", {"delivered_wh", "received_wh", "tier"}, problems_);
  const auto energy = [&](std::string_view key, Energy& into) {
    const auto value = initial.decimal(key);
    if (!value) return;
    const auto parsed = Energy::from_wh(*value);
    if (parsed && *parsed >= Energy()) {
      into = *parsed;
    } else {
      initial.problem(key, parsed ? std::string(key) + " must not be negative" : parsed.error().message);
    }
  };
  energy("delivered_wh", scenario_.initial.delivered);
  energy("received_wh", scenario_.initial.received);
  if (const auto tier = initial.word("tier", kTiers))
    scenario_.initial.tier = static_cast<char>('A' + static_cast<char>(*tier));
}

void ScenarioReader::read_sampling(const YAML::Node& node) {
  YamlFields fields(node, "sampling", {"frequency_hz", "samples_per_cycle", "skew_s"}, problems_);
  metrology::Sampling sampling;
  sampling.frequency_hz = fields.number("frequency_hz", 1, 1e6).value_or(sampling.frequency_hz);
  sampling.samples_per_cycle =
      static_cast<int>(fields.whole("samples_per_cycle", 2, 1'000'000).value_or(sampling.samples_per_cycle));
  sampling.skew_s = fields.number("skew_s", -1, 1).value_or(0);
  if (const auto checked = metrology::check(sampling); !checked) fields.problem("", checked.error().message);
  scenario_.sampling = sampling;
}

void ScenarioReader::read_segment(const YAML::Node& node, std::size_t number) {
  YamlFields fields(node, "segment " + std::to_string(number),
                    {"duration_s", "voltage", "current", "power_w", "outage"}, problems_);
  if (!node.IsMap()) {
    length_is_known_ = false;
    return;
  }
  Segment segment;
  if (fields.required("duration_s")) {
    segment.duration = fields.seconds("duration_s", Elapsed(1), kLongestRun).value_or(Elapsed(0));
  }
  if (segment.duration == Elapsed(0)) length_is_known_ = false;
  segment.outage = fields.boolean("outage").value_or(false);
  const bool waveform = fields.has("voltage") || fields.has("current");
  const int given = (segment.outage ? 1 : 0) + (waveform ? 1 : 0) + (fields.has("power_w") ? 1 : 0);
  if (given > 1) {
    fields.problem("", "give either voltage and current, or power_w, or outage: true; not several of them");
  } else if (given == 0) {
    fields.problem("", "needs voltage and current, or power_w, or outage: true");
  } else if (waveform) {
    const auto stimulus =
        read_waveform(fields, {scenario_.form, scenario_.mode, scenario_.sampling}, problems_);
    if (stimulus) {
      segment.load = stimulus->load;
      segment.quantities = stimulus->quantities;
      segment.true_power_w = stimulus->true_power_w;
      for (const std::string& text : stimulus->remarks)
        remark("segment " + std::to_string(number) + ": " + text);
    }
  } else if (!segment.outage) {
    segment.load = read_power(fields, segment.duration, problems_).value_or(metrology::Load());
  }
  scenario_.segments.push_back(std::move(segment));
}

void ScenarioReader::read_event(const YAML::Node& node, std::size_t number) {
  const std::string what = "event " + std::to_string(number);
  // The keys that an event may have hang on its type, which is looked at first.
  const YAML::Node type = node.IsMap() ? node["type"] : YAML::Node();
  const std::string word = type.IsDefined() && type.IsScalar() ? type.Scalar() : "";
  std::vector<std::string_view> keys{"at_s", "type"};
  if (word == "clock_set") keys.emplace_back("by_s");
  if (word == "tou_tier") keys.emplace_back("tier");
  if (word == "test_mode") keys.emplace_back("active");
  const bool known = std::ranges::find(kEvents, std::string_view(word)) != kEvents.end();
  if (!known) keys.insert(keys.end(), {"by_s", "tier", "active"});  // one problem is enough
  YamlFields fields(node, what, keys, problems_);
  if (!node.IsMap()) return;

  Event event;
  const bool placed = fields.required("at_s");
  const auto at = fields.seconds("at_s", Elapsed(0), length_);
  event.at = at.value_or(Elapsed(0));
  if (fields.required("type")) fields.word("type", kEvents);
  if (word == "clock_set") {
    fields.required("by_s");
    event.what = ClockSet{fields.seconds("by_s", -kLongestRun, kLongestRun).value_or(Elapsed(0))};
  } else if (word == "tou_tier") {
    fields.required("tier");
    const auto tier = fields.word("tier", kTiers);
    event.what = TierSelect{static_cast<char>('A' + static_cast<char>(tier.value_or(0)))};
  } else if (word == "test_mode") {
    fields.required("active");
    event.what = TestMode{fields.boolean("active").value_or(false)};
  }
  if (placed && at && known) events_.push_back({event, fields.line("at_s")});
}

// Outages, those that touch as one.
std::vector<ScenarioReader::DarkSpan> ScenarioReader::dark_spans() const {
  std::vector<DarkSpan> spans;
  Elapsed from{};
  for (const Segment& segment : scenario_.segments) {
    const Elapsed to = from + segment.duration;
    if (segment.outage && !spans.empty() && spans.back().to == from) {
      spans.back().to = to;
    } else if (segment.outage) {
      spans.push_back({from, to});
    }
    from = to;
  }
  return spans;
}

// In time order; of one moment in the order of the file. A dark meter takes nothing, and a clock stays within
// the years that a meter can show.
void ScenarioReader::check_events() {
  std::ranges::stable_sort(events_, {}, [](const NumberedEvent& numbered) { return numbered.event.at; });
  const auto dark = length_is_known_ ? dark_spans() : std::vector<DarkSpan>();
  Elapsed ahead{};
  for (const auto& [event, line] : events_) {
    // At either edge of an outage the meter still has, or has again, its voltage.
    const auto after = std::ranges::lower_bound(dark, event.at, {}, &DarkSpan::from);
    if (after != dark.begin() && event.at < std::prev(after)->to) {
      problems_.add(line, "event at " + seconds_text(event.at) +
                              " s: the meter is dark (outage), nothing can be done to it");
    }
    if (const auto* set = std::get_if<ClockSet>(&event.what)) {
      ahead += set->by;
      for (const Elapsed at : {event.at, length_}) {
        const UtcInstant reading = scenario_.initial.start + at + ahead;
        if (reading >= kFirstReading && reading < kEndOfReadings) continue;
        problems_.add(line, "the meter's clock would leave the years 1970 to 9999");
        break;
      }
    }
    scenario_.events.push_back(event);
  }
}

void ScenarioReader::check_size(YamlFields& root) {
  if (length_ > kLongestRun) {
    root.problem("segments", "the run is longer than 20 years");
    return;
  }
  const MeterProgram& program = scenario_.program;
  const Elapsed update = std::max<Elapsed>(program.demand.update(), seconds(1));
  const std::int64_t records = length_ / program.interval + length_ / update;
  if (records > kMostRecords) {
    root.problem("segments", "the run would write " + std::to_string(records) +
                                 " intervals and demand points, at most " + std::to_string(kMostRecords) +
                                 ": make it shorter, or its intervals longer");
  }
}

Scenario ScenarioReader::read(const YAML::Node& root) {
  if (root.IsNull()) {
    problems_.add(1, "the scenario is empty");
    return {};
  }
  YamlFields fields(root, "scenario",
                    {"title", "meter", "start", "zone", "initial", "sampling", "segments", "events"},
                    problems_);
  if (!root.IsMap()) return {};
  scenario_.title = fields.text("title").value_or("");
  if (fields.required("meter") && fields.mapping("meter")) {
    MeterSection meter = read_meter(fields.node("meter"), problems_);
    scenario_.model = std::move(meter.model);
    scenario_.form = meter.form;
    scenario_.mode = meter.mode;
    scenario_.program = meter.program;
    scenario_.remarks = std::move(meter.remarks);
  }
  if (const auto name = fields.text("zone")) {
    if (const auto zone = Zone::load(*name)) {
      scenario_.zone = *zone;
    } else {
      fields.problem("zone", zone.error().message);
    }
  }
  if (fields.required("start")) {
    if (const auto text = fields.text("start")) {
      const auto start = parse_instant(*text);
      if (!start) {
        fields.problem("start", start.error().message);
      } else if (*start < kFirstReading || *start >= kEndOfReadings - kLongestRun) {
        fields.problem("start", "start must lie in the years 1970 to 9979");
      } else {
        scenario_.initial.start = *start;
      }
    }
  }
  const auto civil = scenario_.zone.civil(scenario_.initial.start).time_since_epoch();
  scenario_.initial.utc_offset =
      std::chrono::duration_cast<seconds>(civil - scenario_.initial.start.time_since_epoch());
  if (fields.mapping("initial")) read_initial(fields.node("initial"));
  if (fields.mapping("sampling")) read_sampling(fields.node("sampling"));
  if (fields.required("segments")) {
    const auto segments = fields.list("segments");
    if (segments.empty() && fields.node("segments").IsSequence())
      fields.problem("segments", "there must be at least one segment");
    for (std::size_t i = 0; i < segments.size(); ++i) read_segment(segments[i], i + 1);
  }
  length_ = length_is_known_ ? scenario_.length() : kLongestRun;
  const auto events = fields.list("events");
  for (std::size_t i = 0; i < events.size(); ++i) read_event(events[i], i + 1);
  if (length_is_known_) check_size(fields);
  check_events();
  return std::move(scenario_);
}

}  // namespace

Elapsed Scenario::length() const {
  return std::accumulate(segments.begin(), segments.end(), Elapsed(0),
                         [](Elapsed sum, const Segment& segment) {
                           return std::min(sum + segment.duration, Elapsed(2 * kLongestRun));
                         });
}

Result<Scenario> parse_scenario(std::string_view yaml, const std::string& name_for_errors) {
  ScenarioReader reader(name_for_errors);
  try {
    const auto documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() > 1) {
      return permanent(name_for_errors + ":" + std::to_string(documents[1].Mark().line + 1) +
                       ": a scenario file holds one document");
    }
    Scenario scenario = reader.read(documents.empty() ? YAML::Node() : documents.front());
    if (reader.problems().count() > 0) return permanent(reader.problems().text());
    return scenario;
  } catch (const YAML::Exception& error) {
    return permanent(name_for_errors + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

}  // namespace ami::amictl
