#include "scene.h"

#include <algorithm>
#include <stdexcept>

namespace ami::testing {
namespace {

constexpr const char* kMapping = R"(
version: 1
wire: cmep
units:
  - {unit: KWHREG, measure: MEPMD01, commodity: E, kind: register, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
  - {unit: NETREG, kind: register, reading_type: 0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.3.72.0}
  - {unit: KWHREG, measure: MEPMD02, tou: TOTAL, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
  - {unit: KWHREG, measure: MEPMD02, tou: "*", reading_type: "0.0.0.9.1.1.12.0.0.0.0.{tou}.0.0.0.3.72.0"}
  - {unit: KWH, kind: interval, reading_type: "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}
  - {unit: VOLTS, kind: interval, reading_type: "0.2.{period}.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0", phases_by_form: {2S: 768}}
tou: {TOTAL: 0, ON-PEAK: 1, OFF-PEAK: 2}
flags:
  "": {quality: [2.0.0]}
  R: {}
  E: {quality: [2.8.0]}
  N: {missing: true}
  X: {claims_value: false}
raw_scale: {"lp:1": "0.0005"}
)";

constexpr const char* kEventTable = R"(
version: 1
kinds: {OUTAGE: 3.26.0.47, HAN_FAULT: ""}
)";
constexpr const char* kEventMap = R"(
version: 1
vendor: test
events:
  - {code: POWER_OFF, kind: OUTAGE}
)";

std::string quality_text(const ValueQuality& quality) {
  std::string text = "[";
  for (const QualityCode& code : quality.codes) text += (text.size() > 1 ? " " : "") + code.to_string();
  text += "]";
  return quality.vendor_flag.empty() ? text : text + " " + quality.vendor_flag;
}

std::string channel_text(const ChannelKey& channel) {
  return std::to_string(channel.meter) + " " + channel.key + " " + channel.reading_type + " " + channel.unit;
}

}  // namespace

Scene::Scene() : received_at(*parse_instant("2026-11-22T12:00:00Z")) {
  auto mapping = parse_mapping(kMapping, "test mapping");
  if (!mapping) throw std::logic_error(mapping.error().message);
  auto events = EventMap::parse(kEventTable, kEventMap, "test events");
  if (!events) throw std::logic_error(events.error().message);
  rules.feed = "test";
  rules.mapping = *mapping;
  rules.events = *events;
  rules.zone = Zone::utc();
}

void Scene::meter(const std::string& id, MeterId meter, const std::string& form, const std::string& from,
                  const std::string& to) {
  meters_[id].push_back({meter, form, from.empty() ? UtcInstant::min() : *parse_instant(from),
                         to.empty() ? UtcInstant::max() : *parse_instant(to)});
}

StatedTime Scene::stated(const std::string& text) {
  if (text.empty()) return {};
  const auto time = parse_stated_time(batch.text(text));
  if (!time) throw std::logic_error(time.error().message);
  return *time;
}

SeriesObservation& Scene::series(const std::string& meter, const std::string& unit,
                                 const std::vector<Said>& values) {
  SeriesObservation said;
  said.meter = batch.text(meter);
  said.unit = batch.text(unit);
  said.channel = said.unit;
  said.measure = "MEPMD01";
  said.commodity = "E";
  said.raw = batch.text("raw record of " + meter + " " + unit);
  said.offset = 77;
  for (const Said& one : values) {
    said.values.push_back(
        {batch.text(one.value), batch.text(one.flag), stated(one.time), batch.text(one.raw_count)});
  }
  batch.observations.emplace_back(std::move(said));
  return std::get<SeriesObservation>(batch.observations.back());
}

SeriesObservation& Scene::registers(const std::string& meter, const std::string& unit,
                                    const std::vector<Said>& values) {
  return series(meter, unit, values);
}

SeriesObservation& Scene::intervals(const std::string& meter, const std::string& unit,
                                    std::chrono::seconds length, const std::vector<Said>& values) {
  SeriesObservation& said = series(meter, unit, values);
  said.kind = SeriesKind::Interval;
  said.interval = length;
  return said;
}

EventObservation& Scene::event(const std::string& meter, const std::string& code, const std::string& text,
                               const std::string& time) {
  EventObservation said;
  said.meter = batch.text(meter);
  said.code = batch.text(code);
  said.text = batch.text(text);
  said.time = stated(time);
  said.raw = batch.text("raw event");
  batch.observations.emplace_back(said);
  return std::get<EventObservation>(batch.observations.back());
}

NormalisedBatch Scene::run() {
  const MeterResolver resolve = [this](AliasKind, std::string_view id,
                                       UtcInstant at) -> std::optional<ResolvedMeter> {
    const auto found = meters_.find(std::string(id));
    if (found == meters_.end()) return std::nullopt;
    for (const Assignment& one : found->second) {
      if (one.from <= at && at < one.to) return ResolvedMeter{one.meter, one.form, one.from, one.to};
    }
    return std::nullopt;
  };
  NormalisedBatch out;
  normalise(batch, rules, resolve, received_at, out);
  return out;
}

std::vector<std::string> lines(const NormalisedBatch& batch) {
  std::vector<std::string> all;
  for (const RegisterReading& r : batch.registers) {
    std::string line = "reg " + channel_text(batch.channels.at(r.channel)) + " " + to_text(r.at) + " " +
                       r.value.to_string() + " " + quality_text(batch.qualities.at(r.quality));
    if (r.period_start) line += " from " + to_text(*r.period_start);
    if (r.occurred_at) line += " occurred " + to_text(*r.occurred_at);
    all.push_back(line);
  }
  for (const IntervalRun& run : batch.intervals) {
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      const UtcInstant start = run.first_start + static_cast<std::int64_t>(i) * run.length;
      const std::string value = run.mantissas[i] ? Decimal{*run.mantissas[i], run.exponent}.to_string() : "-";
      all.push_back("int " + channel_text(batch.channels.at(run.channel)) + " " + to_text(start) + " +" +
                    std::to_string(run.length.count()) + "s " + value + " " +
                    quality_text(batch.qualities.at(run.quality.at(i))));
    }
  }
  for (const EventReading& e : batch.events) {
    all.push_back("event " + std::to_string(e.meter) + " " + to_text(e.at) + " " + e.kind + " " + e.code +
                  " " + e.raw_code);
  }
  std::ranges::sort(all);
  return all;
}

std::vector<std::string> reasons(const NormalisedBatch& batch) {
  std::vector<std::string> all;
  for (const Quarantined& item : batch.quarantined) all.push_back(item.reason);
  std::ranges::sort(all);
  return all;
}

}  // namespace ami::testing
