#include "tools/fieldsim/networks/millrace/lines_of.h"

#include <chrono>
#include <utility>

#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim::millrace {
namespace {

using virtual_meter::Collected;
using virtual_meter::EventKind;

constexpr std::size_t kValuesALine = 200;  // a line has 16 KiB at most

UtcInstant to_second(UtcInstant at) {
  return std::chrono::floor<std::chrono::seconds>(at);
}

std::string dial(const std::string& meter, const char* name, std::string_view reading_type, UtcInstant at,
                 const Decimal& kwh, Content& content) {
  const std::string raw = kwh.to_string();
  Content::Register line;
  line.meter = meter;
  line.reading_type = reading_type;
  line.at = at;
  line.value = thousand(kwh);
  line.channel = name;
  line.raw = raw;
  content.add(line);
  return "REG|" + meter + "|" + name + "|" + to_text(at) + "|" + raw;
}

// One line for each run of consecutive intervals.
void add_runs(const Collected& collected, bool received, const char* name, std::vector<std::string>& lines) {
  constexpr std::int32_t kKilo = 3;
  std::string line;
  std::size_t values = 0;
  UtcInstant end{};
  for (const virtual_meter::Interval& interval : collected.intervals) {
    const auto wh = collected.ke_wh.times({received ? interval.received_pulses : interval.delivered_pulses, 0});
    const auto kwh = wh ? wh->shifted(-kKilo) : std::nullopt;
    if (!kwh) continue;
    if (values == 0 || values == kValuesALine || interval.end != end + collected.interval) {
      if (values > 0) lines.push_back(std::exchange(line, {}));
      line = "INT|" + collected.meter + "|" + name + "|" + to_text(interval.end) + "|" +
             std::to_string(std::chrono::seconds(collected.interval).count()) + "|";
      values = 0;
    }
    if (values++ > 0) line += ';';
    line += kwh->normalised().to_string();
    end = interval.end;
  }
  if (values > 0) lines.push_back(std::move(line));
}

}  // namespace

std::vector<std::string> lines_of(Collected collected, Content& content) {
  cut_times(collected, std::chrono::seconds{1});
  std::vector<std::string> lines;
  for (const virtual_meter::Reading& reading : collected.readings) {
    lines.push_back(dial(collected.meter, "IMP", reading_type::kDelivered, reading.clock,
                         reading.energy.delivered_kwh, content));
    if (reading.energy.received_kwh) {
      lines.push_back(dial(collected.meter, "EXP", reading_type::kReceived, reading.clock,
                           *reading.energy.received_kwh, content));
    }
  }
  content.add_intervals(collected, false, "IMP");
  add_runs(collected, false, "IMP", lines);
  if (collected.received_channel) {
    content.add_intervals(collected, true, "EXP");
    add_runs(collected, true, "EXP", lines);
  }
  // The module's last gasp tells of an outage; the meter's own log would only repeat it.
  for (const virtual_meter::Event& event : collected.events) {
    const bool gone = event.kind == EventKind::LastGasp;
    if (!gone && event.kind != EventKind::Restoration) continue;
    const EventKind kind = gone ? EventKind::Outage : EventKind::Restoration;
    const char* code = gone ? "PF" : "PR";
    content.add(Content::Event{collected.meter, code_of(kind), name_of(kind), event.at, code});
    lines.push_back("EVT|" + collected.meter + "|" + code + "|" + to_text(event.at) + "|" +
                    (gone ? "lost supply" : "has supply"));
  }
  return lines;
}

std::string dial_of(const std::string& meter, const virtual_meter::Reading& reading, Content& content) {
  return dial(meter, "IMP", reading_type::kDelivered, to_second(reading.clock), reading.energy.delivered_kwh, content);
}

}  // namespace ami::fieldsim::millrace
