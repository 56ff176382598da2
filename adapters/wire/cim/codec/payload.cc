#include "adapters/wire/cim/codec/payload.h"

#include <utility>

#include "adapters/wire/cim/codec/envelope.h"
#include "adapters/wire/cim/codec/stamp.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quoted.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::cim {
namespace {

constexpr std::chrono::seconds kDay{86400};
constexpr std::chrono::seconds kHour{3600};
constexpr std::size_t kMostGroupReadings = 256;
constexpr std::size_t kMostGroupBytes = 256 * 1024;

}  // namespace

// Readings of one meter (and of one block) that share a raw record.
struct PayloadReader::Group {
  std::vector<xml::Element> path;
  std::string_view meter;
  std::string body;  // the records, as sent
  std::string lead;  // what goes before them: the meter's element, the block's reading type
  std::size_t readings = 0;
  std::vector<SeriesObservation> series;

  bool full(std::size_t more) const {
    return readings > 0 && (readings >= kMostGroupReadings || body.size() + more > kMostGroupBytes);
  }
};

PayloadReader::PayloadReader(const Options& options, Frame& frame, Decoded& out)
    : options_(options), frame_(frame), out_(out), arena_(*out.batch.arena) {
  const Stamp stamp = read_stamp(out.message.header.timestamp);
  if (stamp.state == StampState::Good) created_ = kept(stamp.time, arena_);
}

ObservationHead PayloadReader::head(std::uint64_t offset, std::string_view meter,
                                    std::string_view raw) const {
  ObservationHead head;
  head.meter = meter;
  head.meter_kind = options_.meter_kind;
  head.raw = raw;
  head.offset = offset;
  head.created = created_;
  return head;
}

// `body`: what to keep of it.
void PayloadReader::reject(const xml::Element& item, std::string_view body, std::string_view meter,
                           const char* reason, std::string detail) {
  const std::string_view raw = arena_.adopt(frame_.around(path_, body));
  out_.batch.malformed.push_back({item.begin(), raw, meter, reason, std::move(detail)});
}

bool PayloadReader::too_long(const xml::Element& item, std::string_view meter, std::size_t most) {
  const std::string_view bytes = whole(frame_.bytes(), item);
  if (bytes.size() <= most) return false;
  out_.batch.malformed.push_back(
      {item.begin(), arena_.keep(bytes.substr(0, kMaxFrameBytes)), meter, reason::kRecordTooLong,
       std::to_string(bytes.size()) + " bytes, more than " + std::to_string(most) + "; raw is cut"});
  return true;
}

bool PayloadReader::right_space(const xml::Element& item, std::string_view noun) const {
  const std::string_view space = item.space();
  if (space == kLandisGyrSpace) return options_.landis_gyr;
  for (const std::string_view year : {"2011", "2009"}) {
    if (space == "http://iec.ch/TC57/" + std::string(year) + "/" + std::string(noun) + "#") return true;
  }
  return false;
}

void PayloadReader::read(const xml::Element& payload) {
  path_ = {payload};
  for (xml::Element child = payload.first_child(); child && *frame_.exceeded() == '\0';
       child = child.next()) {
    const std::string_view name = child.name();
    if (name == "Compressed") {
      out_.batch.malformed.push_back(
          {child.begin(), {}, {}, reason::kCompressed, "the payload is compressed"});
    } else if (name == "MeterReading" || name == "EndDeviceEvent" || name == "EndDeviceControl") {
      read_item(child);
    } else {
      // MeterReadings, EndDeviceEvents, EndDeviceControls, or a vendor's array of their items.
      path_.push_back(child);
      for (xml::Element item = child.first_child(); item && *frame_.exceeded() == '\0'; item = item.next())
        read_item(item);
      path_.pop_back();
    }
  }
}

void PayloadReader::read_item(const xml::Element& item) {
  const std::string_view name = item.name();
  const bool reading = name == "MeterReading", event = name == "EndDeviceEvent";
  if (!reading && !event && name != "EndDeviceControl") {
    ++out_.batch.skipped;
    return;
  }
  const std::string noun = reading ? "MeterReadings" : event ? "EndDeviceEvents" : "EndDeviceControls";
  if (!right_space(item, noun)) {
    if (too_long(item, {})) return;
    return reject(item, whole(frame_.bytes(), item), {}, reason::kWrongNamespace,
                  std::string(name) + " is of " + quoted(item.space(), 80));
  }
  if (item.space() == kLandisGyrSpace) out_.message.edition = Edition::CommandCenter;
  if (reading) return read_meter_reading(item);
  if (too_long(item, {})) return;
  if (!event) return read_control(item);
  const xml::Element device = device_of(item);
  read_event(item, arena_.keep(meter_id(device, options_)), {});
}

const PayloadReader::Type& PayloadReader::type_called(std::string_view ref) {
  const auto [known, added] = types_.try_emplace(std::string(ref));
  Type& type = known->second;
  if (!added) return type;
  type.ref = arena_.keep(ref);
  if (const auto parsed = ReadingType::parse(ref)) {
    type.known = true;
    type.interval = is_interval(*parsed);
    const int code = (*parsed)[ReadingType::MeasuringPeriod];
    type.period = std::chrono::seconds{measuring_period_seconds(code).value_or(0)};
  }
  return type;
}

void PayloadReader::read_meter_reading(const xml::Element& item) {
  const std::string_view bytes = frame_.bytes();
  const xml::Element device = device_of(item);
  const std::string_view meter = arena_.keep(meter_id(device, options_));
  if (meter.empty()) {
    if (too_long(item, {})) return;
    return reject(item, whole(bytes, item), {}, reason::kMissingMeter,
                  "a MeterReading without the chosen name of its meter");
  }
  if (too_long(device, meter, kMaxFrameBytes)) return;
  path_.push_back(item);
  Group group;
  group.path = path_;
  group.meter = meter;
  group.lead = whole(bytes, device);
  for (xml::Element child = item.first_child(); child && *frame_.exceeded() == '\0'; child = child.next()) {
    const std::string_view name = child.name();
    if (name == "IntervalBlocks") {
      Group block;
      block.path = path_;
      block.meter = meter;
      block.lead = group.lead;
      read_block(child, block);
      continue;
    }
    if (name != "Readings" && name != "EndDeviceEvents") continue;
    if (too_long(child, meter)) continue;
    const std::string_view sent = whole(bytes, child);
    if (name == "EndDeviceEvents") {
      read_event(child, meter, group.lead);
      continue;
    }
    const std::string_view ref = type_ref(child.child("ReadingType"));
    if (ref.empty()) {
      reject(child, group.lead + std::string(sent), meter, reason::kMissingReadingType,
             "Readings without a ReadingType");
      continue;
    }
    const Type& type = type_called(ref);
    Value value;
    Problem problem;
    const Verdict verdict = read_value(child, type, false, value, problem);
    if (verdict == Verdict::Bad)
      reject(child, group.lead + std::string(sent), meter, problem.reason, std::move(problem.detail));
    if (verdict != Verdict::Good) continue;
    if (group.full(sent.size())) flush(group);
    ++group.readings;
    group.body += sent;
    SeriesObservation series;
    series.kind = value.kind;
    series.interval = value.interval;
    series.channel = series.unit = type.ref;
    series.measure = "Readings";
    series.period_start = value.period_start;
    series.offset = child.begin();
    series.values.push_back(value.said);
    group.series.push_back(std::move(series));
  }
  flush(group);
  path_.pop_back();
}

void PayloadReader::flush(Group& group) {
  if (group.readings > 0) {
    const std::string_view raw = arena_.adopt(frame_.around(group.path, group.lead + group.body));
    for (SeriesObservation& series : group.series) {
      static_cast<ObservationHead&>(series) = ObservationHead{
          group.meter, options_.meter_kind, series.channel, series.measure,    series.unit, {}, {},
          raw,         series.offset,       created_,       TimeSource::Device};
      out_.batch.observations.emplace_back(std::move(series));
    }
  }
  group.series.clear();
  group.body.clear();
  group.readings = 0;
}

void PayloadReader::read_block(const xml::Element& block, Group& group) {
  const std::string_view bytes = frame_.bytes();
  const std::string_view meter = group.meter;
  // The block's start tag and what is no reading stand before its readings in each raw record.
  std::string lead = group.lead;
  group.lead.clear();
  std::string settings;
  for (xml::Element child = block.first_child(); child; child = child.next()) {
    if (child.name() == "IntervalReadings") continue;
    if (settings.size() + whole(bytes, child).size() > kMaxFrameBytes) {
      out_.batch.malformed.push_back({child.begin(),
                                      {},
                                      meter,
                                      reason::kRecordTooLong,
                                      "the settings of an IntervalBlocks are too long"});
      return;
    }
    settings += whole(bytes, child);
  }
  if (!block.first_child()) return;
  const std::string opening(start_tag(bytes, block));
  const auto enclosed = [&](std::string_view readings) {
    return lead + opening + settings + std::string(readings) + end_tag(opening);
  };
  const auto reject_block = [&](const char* reason, std::string detail) {
    if (too_long(block, meter)) return;
    reject(block, lead + std::string(whole(bytes, block)), meter, reason, std::move(detail));
  };
  const std::string_view ref = type_ref(block.child("ReadingType"));
  if (ref.empty()) return reject_block(reason::kMissingReadingType, "IntervalBlocks without a ReadingType");
  if (block.child("Pending") || block.child("PendingCalculation")) {
    return reject_block(reason::kPending,
                        "the values of this IntervalBlocks are still to be multiplied or shifted");
  }
  const Type& type = type_called(ref);

  SeriesObservation series;
  std::string body;
  const auto deliver = [&] {
    if (!series.values.empty()) {
      group.body = enclosed(body);
      group.readings = 1;
      group.series.push_back(std::move(series));
      flush(group);
    }
    series = {};
    body.clear();
  };
  for (xml::Element child = block.child("IntervalReadings"); child && *frame_.exceeded() == '\0';
       child = child.next_same()) {
    if (too_long(child, meter)) continue;
    const std::string_view sent = whole(bytes, child);
    Value value;
    Problem problem;
    const Verdict verdict = read_value(child, type, true, value, problem);
    if (verdict == Verdict::Bad)
      reject(child, enclosed(sent), meter, problem.reason, std::move(problem.detail));
    if (verdict != Verdict::Good) continue;
    if (series.interval != value.interval || series.values.size() >= kMaxBlockReadings ||
        body.size() + sent.size() > kMostGroupBytes) {
      deliver();
    }
    if (series.values.empty()) {
      series.kind = value.kind;
      series.interval = value.interval;
      series.channel = series.unit = type.ref;
      series.measure = "IntervalBlocks";
      series.offset = child.begin();
    }
    series.values.push_back(value.said);
    body += sent;
  }
  deliver();
}

PayloadReader::Verdict PayloadReader::read_value(const xml::Element& from, const Type& type, bool in_block,
                                                 Value& value, Problem& problem) {
  value.kind = (type.known ? type.interval : in_block) ? SeriesKind::Interval : SeriesKind::Register;
  const Verdict verdict = place(from, type, value, problem);
  if (verdict != Verdict::Good) return verdict;
  const std::string_view number = from.child("value").text();
  if (!number.empty()) {
    const auto parsed = Decimal::parse(number);
    if (!parsed) {
      problem = {reason::kBadNumber,
                 "value " + quoted(number) + " is no decimal number that can be kept exactly"};
      return Verdict::Bad;
    }
  }
  std::string flag;
  for (xml::Element one = from.child("ReadingQualities"); one; one = one.next_same()) {
    std::string_view code = type_ref(one.child("ReadingQualityType"));
    if (code.empty()) code = one.child("quality").text();
    if (code.empty()) continue;
    if (!flag.empty()) flag += ' ';
    flag += code;
  }
  value.said.value = arena_.keep(number);
  value.said.flag = flag.empty() ? std::string_view{} : arena_.keep(flag);
  return Verdict::Good;
}

PayloadReader::Verdict PayloadReader::place(const xml::Element& from, const Type& type, Value& value,
                                            Problem& problem) {
  const auto bad = [&](const char* reason, std::string detail) {
    problem = {reason, std::move(detail)};
    return Verdict::Bad;
  };
  const xml::Element period = from.child("timePeriod");
  const std::string_view texts[] = {from.child("timeStamp").text(), period.child("start").text(),
                                    period.child("end").text()};
  const Stamp stamp = read_stamp(texts[0]), start = read_stamp(texts[1]), end = read_stamp(texts[2]);
  const Stamp* const stamps[] = {&stamp, &start, &end};
  for (std::size_t i = 0; i < 3; ++i) {
    if (stamps[i]->state == StampState::Bad)
      return bad(reason::kBadTime, quoted(texts[i]) + " is no date-time");
  }
  const bool interval = value.kind == SeriesKind::Interval;
  const Stamp& first = interval ? end : stamp;
  const Stamp& second = interval ? stamp : end;
  const Stamp& chosen = first.state != StampState::Absent ? first : second;
  if (chosen.state == StampState::Absent) {
    return bad(reason::kMissingTime, "neither timeStamp nor the end of timePeriod is there");
  }
  if (chosen.state == StampState::Unset) {
    ++out_.never_set;
    return Verdict::NeverSet;
  }
  value.said.time = kept(chosen.time, arena_);
  if (!interval) {
    if (start.state == StampState::Good) value.period_start = kept(start.time, arena_);
    return Verdict::Good;
  }
  value.interval = type.period;
  if (start.state != StampState::Good || end.state != StampState::Good) return Verdict::Good;
  if (start.time.utc_offset.has_value() != end.time.utc_offset.has_value())
    return bad(reason::kBadTime, "of timePeriod only one end has an offset");
  const auto zero = std::chrono::seconds{0};
  const auto length = (end.time.civil - end.time.utc_offset.value_or(zero)) -
                      (start.time.civil - start.time.utc_offset.value_or(zero));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(length);
  if (seconds <= zero || seconds != length)
    return bad(reason::kBadTime,
               "timePeriod ends at " + quoted(texts[2]) + ", not whole seconds after " + quoted(texts[1]));
  // A civil day is an hour longer or shorter when clocks change.
  const bool day = type.period == kDay && (seconds == kDay - kHour || seconds == kDay + kHour);
  if (type.period > zero && seconds != type.period && !day) {
    return bad(reason::kIntervalMismatch, "timePeriod has " + std::to_string(seconds.count()) +
                                              " s, the reading type says " +
                                              std::to_string(type.period.count()));
  }
  value.interval = seconds;
  return Verdict::Good;
}

}  // namespace ami::cim
