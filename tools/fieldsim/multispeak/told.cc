#include "tools/fieldsim/multispeak/told.h"

#include <chrono>

namespace ami::fieldsim {
namespace {

using std::chrono::seconds;
using virtual_meter::EventKind;

constexpr std::int32_t kKilo = 3;

UtcInstant to_second(UtcInstant at) {
  return std::chrono::floor<seconds>(at);
}

// As the schema has it: an integer, cut off.
std::string whole(const Decimal& kwh) {
  std::int64_t mantissa = kwh.mantissa;
  for (std::int32_t exponent = kwh.exponent; exponent < 0; ++exponent) mantissa /= 10;
  return std::to_string(mantissa);
}

Decimal base_unit(const Decimal& kilo) {
  return kilo.shifted(kKilo).value_or(Decimal{}).normalised();
}

struct Dial {
  std::string_view element, value_type, reading_type;
};
constexpr Dial kDelivered{"posKWh", "Energy", reading_type::kDelivered};
constexpr Dial kReceived{"negKWh", "Negative Energy", reading_type::kReceived};

void tell_dial(const Dial& dial, const Decimal& kwh, UtcInstant at, std::string& element,
               multispeak::MeterRead& read, Content& content) {
  element = whole(kwh);
  std::string raw = element;
  std::string_view channel = dial.element;
  if (kwh.exponent < 0) {
    multispeak::ReadingValue value;
    value.units = "kWh";
    value.value = raw = kwh.to_string();
    value.reading_value_type = dial.value_type;
    value.time = read.reading_date;
    read.values.push_back(std::move(value));
    channel = dial.value_type;
  }
  content.add(Content::Register{read.meter.number, dial.reading_type, "Wh", at, base_unit(kwh), channel, raw,
                                std::nullopt});
}

}  // namespace

multispeak::MeterRead told_read(const std::string& meter, const virtual_meter::Reading& reading,
                                Content& content) {
  const UtcInstant at = to_second(reading.clock);
  multispeak::MeterRead read;
  read.meter.number = read.object_id = meter;
  read.reading_date = to_text(at);
  tell_dial(kDelivered, reading.energy.delivered_kwh, at, read.pos_kwh, read, content);
  if (reading.energy.received_kwh)
    tell_dial(kReceived, *reading.energy.received_kwh, at, read.neg_kwh, read, content);
  if (const auto& maximum = reading.demand.maximum; maximum.at) {
    const UtcInstant occurred = to_second(*maximum.at);
    read.kw = maximum.kw.to_string();
    read.kw_time = to_text(occurred);
    content.add(Content::Register{meter, reading_type::kMaximum, "W", at, base_unit(maximum.kw), "kW",
                                  read.kw, occurred});
  }
  if (reading.energy.tiers_kwh) {
    for (std::size_t i = 0; i < reading.energy.tiers_kwh->size(); ++i) {
      const char tier = static_cast<char>('A' + i);
      const Decimal& kwh = (*reading.energy.tiers_kwh)[i];
      const std::string raw = kwh.to_string(), channel = std::string("TOU:") + tier + ":kWh";
      read.tou.push_back({std::string(1, tier), raw, "", ""});
      content.add(Content::Register{meter, reading_type::tier(tier), "Wh", at, base_unit(kwh), channel, raw,
                                    std::nullopt});
    }
  }
  return read;
}

multispeak::IntervalReads interval_profile(std::chrono::minutes length, bool received) {
  multispeak::IntervalReads reads;
  reads.interval_delimiter = ",";
  const std::string minutes = std::to_string(length.count());
  multispeak::IntervalProfile profile{minutes, "load profile", minutes, "", {{"1", "kWhDel", "", "kWh"}}};
  if (received) profile.channels.push_back({"2", "kWhRec", "", "kWh"});
  reads.profiles.push_back(std::move(profile));
  return reads;
}

void tell_intervals(const virtual_meter::Collected& collected, multispeak::IntervalReads& reads,
                    Content& content) {
  struct Channel {
    std::string values;
    std::vector<std::optional<Decimal>> wh;
    std::vector<std::string> raw;
  };
  const std::size_t channels = collected.received_channel ? 2 : 1;
  std::vector<Channel> run(channels);
  UtcInstant start{}, end{};
  const auto close = [&] {
    if (run[0].wh.empty()) return;
    multispeak::IntervalBlock block;
    block.profile_id = std::to_string(collected.interval.count());
    block.meter.number = collected.meter;
    block.interval_start = to_text(start);
    for (std::size_t i = 0; i < channels; ++i) {
      block.channels.emplace_back(std::to_string(i + 1), std::move(run[i].values));
      content.add(Content::Intervals{collected.meter, reading_type::interval(collected.interval, i == 1),
                                     "Wh", start, collected.interval, run[i].wh, i == 0 ? "kWhDel" : "kWhRec",
                                     run[i].raw});
      run[i] = {};
    }
    reads.blocks.push_back(std::move(block));
  };
  for (const virtual_meter::Interval& interval : collected.intervals) {
    if (interval.end != end + collected.interval) close();
    if (run[0].wh.empty()) start = to_second(interval.end - collected.interval);
    end = interval.end;
    for (std::size_t i = 0; i < channels; ++i) {
      const auto kwh = kwh_of(collected, i == 0 ? interval.delivered_pulses : interval.received_pulses);
      const std::string text = kwh ? kwh->to_string() : std::string();  // an empty place is a hole
      if (!run[i].wh.empty()) run[i].values += ',';
      run[i].values += text;
      run[i].wh.push_back(kwh ? std::optional(base_unit(*kwh)) : std::nullopt);
      run[i].raw.push_back(text);
    }
  }
  close();
}

std::optional<multispeak::OutageEvent> told_outage(const std::string& meter,
                                                   const virtual_meter::Event& event, bool last_gasp,
                                                   Content& content) {
  const EventKind begins = last_gasp ? EventKind::LastGasp : EventKind::Outage;
  if (event.kind != begins && event.kind != EventKind::Restoration) return std::nullopt;
  const EventKind kind = event.kind == begins ? EventKind::Outage : EventKind::Restoration;
  const UtcInstant at = to_second(event.at);
  multispeak::OutageEvent told;
  told.type = kind == EventKind::Outage ? "Outage" : "Restoration";
  told.time = to_text(at);
  told.object_id = meter + "/" + told.time + "/" + told.type;
  told.meter.number = told.device_id = meter;
  told.device_type = told.resolved_level = "Meter";
  content.add(Content::Event{meter, code_of(kind), name_of(kind), at, told.type});
  return told;
}

std::optional<multispeak::MeterEvent> told_event(const std::string& meter, const virtual_meter::Event& event,
                                                 Content& content) {
  switch (event.kind) {
    case EventKind::Outage:
    case EventKind::LastGasp:
    case EventKind::Restoration:
    case EventKind::ModuleRestoration:
      return std::nullopt;
    default:
      break;
  }
  if (event.reporter == virtual_meter::Reporter::Module) return std::nullopt;  // the meter's own log has it
  const UtcInstant at = to_second(event.at);
  multispeak::MeterEvent told;
  told.meter.number = meter;
  told.text = name_of(event.kind);
  told.code_string = code_of(event.kind);
  told.time = to_text(at);
  content.add(Content::Event{meter, code_of(event.kind), name_of(event.kind), at, told.code_string});
  return told;
}

}  // namespace ami::fieldsim
