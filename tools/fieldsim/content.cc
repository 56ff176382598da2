// What stands in a message, as ledger lines.
#include "meter_model/quantity/reading_type.h"
#include "tools/fieldsim/json_text.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim {
namespace reading_type {

std::string tier(char tier) {
  return "0.0.0.9.1.1.12.0.0.0.0." + std::to_string(tier - 'A' + 1) + ".0.0.0.0.72.0";
}

std::string interval(std::chrono::seconds length, bool received) {
  const auto period = measuring_period_code(length.count());
  if (!period) return {};
  return "0.0." + std::to_string(*period) + ".4." + (received ? "19" : "1") + ".1.12.0.0.0.0.0.0.0.0.0.72.0";
}

}  // namespace reading_type

namespace {

JsonLine head(std::string_view kind, const std::string& network, std::string_view meter) {
  JsonLine line(kind);
  line.put("network", network).put("meter", meter);
  return line;
}

}  // namespace

void Content::add(const Register& reading) {
  JsonLine line = head("register", network_, reading.meter);
  line.put("reading_type", reading.reading_type).put("unit", reading.unit);
  if (!reading.channel.empty()) line.put("channel", reading.channel);
  line.put("at", to_text(reading.at));
  if (reading.occurred) line.put("occurred", to_text(*reading.occurred));
  line.put("value", reading.value.to_string());
  if (!reading.raw.empty()) line.put("raw", reading.raw);
  lines_ += line.text();
  ends_.push_back(lines_.size());
}

void Content::add(const Intervals& block) {
  if (block.values.empty()) return;
  JsonLine line = head("interval_block", network_, block.meter);
  line.put("reading_type", block.reading_type).put("unit", block.unit);
  if (!block.channel.empty()) line.put("channel", block.channel);
  line.put("start", to_text(block.start)).put_number("length_s", block.length.count());
  line.begin("values").append("[");
  bool first = true;
  for (const auto& value : block.values) {
    if (!first) line.append(",");
    first = false;
    if (value) {
      line.quote(value->to_string());
    } else {
      line.append("null");
    }
  }
  line.append("]");
  if (!block.raw.empty()) {
    line.begin("raw").append("[");
    first = true;
    for (const std::string& text : block.raw) {
      if (!first) line.append(",");
      first = false;
      line.quote(text);
    }
    line.append("]");
  }
  lines_ += line.text();
  ends_.push_back(lines_.size());
}

void Content::add_intervals(const virtual_meter::Collected& collected, bool received,
                            std::string_view channel) {
  if (received && !collected.received_channel) return;
  const std::string type = reading_type::interval(collected.interval, received);
  std::vector<std::optional<Decimal>> values;
  UtcInstant start{}, end{};
  const auto close = [&] {
    add(Intervals{collected.meter, type, "Wh", start, collected.interval, values, channel, {}});
    values.clear();
  };
  for (const virtual_meter::Interval& interval : collected.intervals) {
    const auto wh =
        collected.ke_wh.times({received ? interval.received_pulses : interval.delivered_pulses, 0});
    if (!wh) continue;
    if (!values.empty() && interval.end != end + collected.interval) close();
    if (values.empty()) start = interval.end - collected.interval;
    values.emplace_back(wh->normalised());
    end = interval.end;
  }
  close();
}

void Content::add(const Event& event) {
  JsonLine line = head("event", network_, event.meter);
  line.put("code", event.code).put("name", event.name).put("at", to_text(event.at));
  if (!event.raw.empty()) line.put("raw", event.raw);
  lines_ += line.text();
  ends_.push_back(lines_.size());
}

void Content::append(const Content& other) {
  const std::size_t offset = lines_.size();
  lines_ += other.lines_;
  for (const std::size_t end : other.ends_) ends_.push_back(offset + end);
}

}  // namespace ami::fieldsim
