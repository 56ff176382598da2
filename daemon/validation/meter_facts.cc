#include "daemon/validation/meter_facts.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace ami::validation {

struct JudgedDay::Kept {
  std::vector<vee::Span> outages, test_modes, switch_open;
  std::vector<vee::ClockSet> clock_sets;
  std::vector<UtcInstant> reverse_flags, interruptions;
  std::vector<vee::Diagnostic> diagnostics;
};

namespace {

constexpr std::int32_t kReverse = 19;  // flow direction

using Events = std::vector<const storage::EventRow*>;

bool one_of(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

// From each first event of one kind to the next of the other; what has not ended reaches to max.
std::vector<vee::Span> spans(const Events& events, std::initializer_list<std::string_view> begins,
                             std::initializer_list<std::string_view> ends) {
  std::vector<vee::Span> found;
  bool open = false;
  for (const storage::EventRow* event : events) {
    if (!open && one_of(event->kind, begins)) {
      found.push_back({event->at, UtcInstant::max()});
      open = true;
    } else if (open && one_of(event->kind, ends)) {
      found.back().to = event->at;
      open = false;
    }
  }
  return found;
}

constexpr std::array kDiagnostics{
    std::pair{std::string_view("RAM_ERROR"), vee::Diagnostic::Ram},
    std::pair{std::string_view("ROM_ERROR"), vee::Diagnostic::Rom},
    std::pair{std::string_view("NVRAM_ERROR"), vee::Diagnostic::Nvram},
    std::pair{std::string_view("DIAG_ERROR"), vee::Diagnostic::SelfCheck},
    std::pair{std::string_view("MEASUREMENT_ERROR"), vee::Diagnostic::Measurement}};

// A stay that goes on at the same usage point (a multiplier was put right) interrupts nothing.
void add_exchanges(const std::vector<storage::MeterStay>& stays, std::vector<UtcInstant>& interruptions) {
  for (const storage::MeterStay& stay : stays) {
    const auto goes_on = [&](UtcInstant at) {
      return std::ranges::any_of(stays, [&](const storage::MeterStay& other) {
        return &other != &stay && other.usage_point == stay.usage_point &&
               (other.period.to == at || other.period.from == at);
      });
    };
    const auto [from, to] = stay.period;
    if (from != UtcInstant::min() && !goes_on(from)) interruptions.push_back(from);
    // The reading at the moment of removal is the last of the stay.
    if (to != UtcInstant::max() && !goes_on(to)) interruptions.push_back(to + std::chrono::microseconds{1});
  }
}

// The gateway holds no work orders: whatever of the programme changed during the day is told.
void programme_change(const DayScene& scene, const Events& events, const std::vector<IntervalLine>& lines,
                      vee::MeterDay& meter) {
  vee::ProgrammeState before, now;
  for (const IntervalLine& line : lines) {
    for (const IntervalLine& later : lines) {
      const auto &a = scene.channels.at(line.channel), &b = scene.channels.at(later.channel);
      if (a.info.key != b.info.key || line.length == later.length || line.day.to != later.day.from) continue;
      before.interval = line.length;
      now.interval = later.length;
    }
  }
  for (const storage::EventRow* event : events) {
    if (event->kind != "PROGRAM_SEAL_MISMATCH" || !scene.facts.day.contains(event->at)) continue;
    before.seal = "as verified";
    now.seal = "another, says the meter";
  }
  if (!before.interval && before.seal.empty()) return;
  meter.programme_before = before;
  meter.programme_now = now;
}

}  // namespace

MeterFactsOfDay meter_facts(const DayScene& scene, const std::vector<IntervalLine>& intervals) {
  const MeterDayFacts& facts = scene.facts;
  auto kept = std::make_shared<JudgedDay::Kept>();
  Events events;
  for (const storage::EventRow& event : facts.events) events.push_back(&event);
  // At one instant the end of something comes after its begin.
  std::ranges::sort(events, {}, [](const storage::EventRow* event) {
    const bool ends =
        one_of(event->kind, {"RESTORATION", "MODULE_RESTORATION", "TEST_MODE_STOP", "SWITCH_CLOSED"});
    return std::tuple(event->at, ends, event->kind, event->id);
  });

  kept->outages = spans(events, {"OUTAGE", "LAST_GASP"}, {"RESTORATION", "MODULE_RESTORATION"});
  kept->test_modes = spans(events, {"TEST_MODE_START"}, {"TEST_MODE_STOP"});
  kept->switch_open = spans(events, {"SWITCH_OPENED"}, {"SWITCH_CLOSED"});
  for (const storage::EventRow* event : events) {
    if (event->kind == "CLOCK_ADJUSTED") kept->clock_sets.push_back({event->at, std::nullopt});
    if (event->kind == "CONFIG_CHANGED") kept->interruptions.push_back(event->at);
    if (!facts.day.contains(event->at)) continue;
    if (one_of(event->kind, {"REVERSE_ENERGY", "REVERSE_ROTATION"})) kept->reverse_flags.push_back(event->at);
    for (const auto& [kind, diagnostic] : kDiagnostics) {
      if (event->kind == kind && std::ranges::find(kept->diagnostics, diagnostic) == kept->diagnostics.end())
        kept->diagnostics.push_back(diagnostic);
    }
  }
  add_exchanges(facts.stays, kept->interruptions);
  std::ranges::sort(kept->interruptions);
  std::ranges::sort(kept->diagnostics);

  MeterFactsOfDay out;
  out.kept = kept;
  vee::MeterDay& meter = out.meter;
  meter.outages = kept->outages;
  meter.test_modes = kept->test_modes;
  meter.switch_open = kept->switch_open;
  meter.clock_sets = kept->clock_sets;
  meter.reverse_flags = kept->reverse_flags;
  meter.interruptions = kept->interruptions;
  meter.diagnostics = kept->diagnostics;
  meter.as_of = scene.now;
  for (const auto& [id, channel] : scene.channels)
    meter.has_received_channel |= channel.type[ReadingType::FlowDirection] == kReverse;
  if (!facts.stays.empty()) {
    const UtcInstant first = std::ranges::min(facts.stays, {}, [](const storage::MeterStay& stay) {
                               return stay.period.from;
                             }).period.from;
    if (first != UtcInstant::min()) meter.installed_from = first;
  }
  if (!intervals.empty()) meter.interval = std::ranges::min(intervals, {}, &IntervalLine::length).length;
  programme_change(scene, events, intervals, meter);
  return out;
}

}  // namespace ami::validation
