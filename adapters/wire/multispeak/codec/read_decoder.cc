// meterRead (3.0) and meterReading (4.1).
#include <optional>

#include "adapters/wire/multispeak/codec/gather.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

constexpr std::string_view kDisagrees = "disagrees";
constexpr std::string_view kWhole = "whole_kwh";

std::string_view first_of(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

// The attributes of readingTypeCode that are not empty, in the order of the schema.
std::string type_code(const xml::Element& code) {
  std::string text;
  for (const std::string_view name :
       {"name", "timeAttribute", "dataQualifier", "accumulationBehavior", "flowDirection", "UOMCategory",
        "measurementCategory", "phaseIndex", "unitsMultiplier", "displayableUOM"}) {
    if (code.attribute(name).empty()) continue;
    if (!text.empty()) text += ';';
    text += std::string(name) + "=" + std::string(code.attribute(name));
  }
  return text.empty() ? std::string(code.text()) : text;
}

std::string status_flag(const xml::Element& status) {
  std::string flag;
  for (const std::string_view part :
       {status.attribute("originatingSystemID"), status.attribute("codeCategory"), status.text()}) {
    if (part.empty()) continue;
    if (!flag.empty()) flag += '/';
    flag += part;
  }
  const std::string_view index = status.attribute("codeIndex");
  if (!status.text().ends_with(index)) flag += index;
  return flag;
}

class ReadDecoder {
 public:
  ReadDecoder(const xml::Element& read, Gather& gather) : read_(read), gather_(gather) {}

  void decode(const Frame& frame);

 private:
  // One of the dials that 3.0 names by element, with the reading value that says the same more finely.
  struct Dial {
    std::string_view name;        // posKWh
    std::string_view value_type;  // Energy
    xml::Element element;
    std::size_t finer = 0;  // readingValues that agree
    bool disagrees = false;
  };

  std::string_view meter() const;
  void compare(Dial& dial);
  bool same_quantity(const Dial& dial, const xml::Element& value) const;
  void deliver_dial(const Dial& dial);
  void deliver_demand(const xml::Element& owner, std::string_view name, std::string_view measure,
                      std::string_view channel, std::string_view tou);
  void deliver_all();
  void deliver_tou();
  void deliver_value(const xml::Element& value);
  // Checks number and time, and adds. `own_time`: empty = the reading date.
  void deliver(SeriesObservation series, std::string_view value, std::string_view flag,
               std::string_view own_time = {});
  SeriesObservation series(std::string_view channel, std::string_view measure, std::string_view unit);
  std::string_view reading_date() const { return read_.child("readingDate").text(); }

  const xml::Element& read_;
  Gather& gather_;
  StampText read_at_;
  Dial delivered_{"posKWh", "Energy", {}};
  Dial received_{"negKWh", "Negative Energy", {}};
};

std::string_view ReadDecoder::meter() const {
  switch (gather_.options().meter_field) {
    case MeterField::DeviceId:
      return read_.child("deviceID").text();
    case MeterField::ObjectId:
      return read_.attribute("objectID");
    default:
      return first_of({read_.child("meterNo").text(), read_.child("meterID").attribute("meterNo"),
                       read_.child("meterID").text()});
  }
}

bool ReadDecoder::same_quantity(const Dial& dial, const xml::Element& value) const {
  if (value.child("readingValueType").text() != dial.value_type || value.child("units").text() != "kWh" ||
      !value.child("ratePeriod").text().empty())
    return false;
  const std::string_view at = value.child("dateTime").text();
  if (at.empty() || at == reading_date()) return true;
  const auto one = parse_stated_time(at);
  const auto other = parse_stated_time(reading_date());
  if (!one || !other || one->utc_offset.has_value() != other->utc_offset.has_value()) return false;
  return one->civil - one->utc_offset.value_or(std::chrono::seconds{0}) ==
         other->civil - other->utc_offset.value_or(std::chrono::seconds{0});
}

void ReadDecoder::compare(Dial& dial) {
  dial.element = read_.child(dial.name);
  const auto whole = Decimal::parse(dial.element.text());
  for (xml::Element value = read_.child("readingValues").child("readingValue"); value && whole;
       value = value.next_same()) {
    const auto fine = Decimal::parse(value.child("value").text());
    if (!fine || !same_quantity(dial, value)) continue;
    const auto difference = fine->minus(*whole);
    const bool agrees = difference && *difference <= Decimal{1, 0} && *difference >= Decimal{-1, 0};
    if (agrees) ++dial.finer;
    if (!agrees) dial.disagrees = true;
  }
}

SeriesObservation ReadDecoder::series(std::string_view channel, std::string_view measure,
                                      std::string_view unit) {
  SeriesObservation series;
  static_cast<ObservationHead&>(series) = gather_.head();
  series.channel = gather_.text(channel);
  series.measure = gather_.text(measure);
  series.unit = gather_.text(unit);
  return series;
}

void ReadDecoder::deliver(SeriesObservation series, std::string_view value, std::string_view flag,
                          std::string_view own_time) {
  const std::string what = quoted(series.channel) + " " + quoted(value);
  if (!value.empty() && !Decimal::parse(value)) {
    gather_.malformed("bad_number", "value " + what + " is not a decimal number");
    return;
  }
  const StampText stamp = own_time.empty() ? read_at_ : gather_.stamp(own_time);
  if (stamp.problem != nullptr) {
    gather_.malformed(stamp.problem, "time " + quoted(own_time.empty() ? reading_date() : own_time) +
                                         " of value " + what + " is no date-time (2026-01-15T12:00:00Z)");
    return;
  }
  series.values.push_back({gather_.text(value), gather_.text(flag), stamp.time, {}});
  gather_.add(std::move(series));
}

void ReadDecoder::deliver_dial(const Dial& dial) {
  if (!dial.element || (dial.finer > 0 && !dial.disagrees)) return;
  deliver(series(dial.name, dial.name, "kWh"), dial.element.text(), dial.disagrees ? kDisagrees : kWhole);
}

void ReadDecoder::deliver_demand(const xml::Element& owner, std::string_view name, std::string_view measure,
                                 std::string_view channel, std::string_view tou) {
  const xml::Element demand = owner.child(name);
  if (!demand) return;
  const xml::Element when = owner.child("kWDateTime");
  SeriesObservation one =
      series(channel, when ? std::string(measure) : std::string(measure) + " undated", name);
  one.tou = gather_.text(tou);
  if (when) {
    const StampText stamp = gather_.stamp(when.text());
    if (stamp.is_bad()) {
      gather_.malformed("bad_time", "kWDateTime " + quoted(when.text()) + " of " + quoted(channel) +
                                        " is no date-time (2026-01-15T12:00:00Z)");
      return;
    }
    one.occurred_at = stamp.time;  // absent: a maximum that was never set
  }
  deliver(std::move(one), demand.text(), {});
}

void ReadDecoder::deliver_tou() {
  for (xml::Element tou = read_.child("TOUReadings").child("TOUReading"); tou; tou = tou.next_same()) {
    const std::string period(tou.child("ratePeriod").text());
    const std::string channel = "TOU:" + period + ":";
    if (const xml::Element energy = tou.child("kWh")) {
      SeriesObservation one = series(channel + "kWh", "TOUReading", "kWh");
      one.tou = gather_.text(period);
      deliver(std::move(one), energy.text(), {});
    }
    deliver_demand(tou, "kW", "TOUReading", channel + "kW", period);
  }
}

void ReadDecoder::deliver_value(const xml::Element& value) {
  const auto text = [&](std::string_view name) { return value.child(name).text(); };
  const std::string code = type_code(value.child("readingTypeCode"));
  std::string measure(first_of({text("readingValueType"), code, text("readingType"), "readingValue"}));
  std::string channel(first_of(
      {text("fieldName"), text("readingType"), text("name"), text("readingValueType"), code, text("units")}));
  const std::string_view period = text("measurementPeriod");
  if (!period.empty() && period != "Current") {
    // A closed period's register is not today's.
    measure += "/" + std::string(period);
    channel += "/" + std::string(period);
  }
  const std::string_view rate = text("ratePeriod");
  if (!rate.empty()) channel += "#" + std::string(rate);
  SeriesObservation one = series(channel, measure, text("units"));
  one.tou = gather_.text(rate);
  std::string flag = status_flag(value.child("readingStatusCode"));
  for (const Dial* dial : {&delivered_, &received_}) {
    if (dial->disagrees && same_quantity(*dial, value)) flag = kDisagrees;
  }
  deliver(std::move(one), text("value"), flag, first_of({text("dateTime"), text("timeStamp")}));
}

void ReadDecoder::decode(const Frame& frame) {
  const std::string_view fault = read_.attribute("errorString");
  std::string_view id = meter();
  if (id.empty() && !fault.empty()) id = read_.attribute("objectID");
  if (!gather_.begin(read_, frame, id)) return;
  const Gather::Mark before = gather_.mark();
  if (id.empty()) gather_.malformed("missing_meter", "the read names no meter where the options look for it");

  gather_.set_commodity(read_.child("meterID").attribute("serviceType"));
  read_at_ = gather_.stamp(reading_date());
  if (!id.empty()) deliver_all();
  gather_.read_result(fault, read_at_.time, before);
}

void ReadDecoder::deliver_all() {
  compare(delivered_);
  compare(received_);
  deliver_dial(delivered_);
  deliver_dial(received_);
  deliver_demand(read_, "kW", "kW", "kW", {});
  deliver_demand(read_, "kVAr", "kVAr", "kVAr", {});
  deliver_tou();
  for (xml::Element value = read_.child("readingValues").child("readingValue"); value;
       value = value.next_same())
    deliver_value(value);
  for (const std::string_view counter :
       {"phase", "momentaryOutages", "momentaryEvents", "sustainedOutages"}) {
    if (read_.child(counter)) gather_.skip(1);
  }
}

}  // namespace

void decode_reads(const xml::Element& list, Gather& gather) {
  const Frame frame = gather.frame(list, {"transactionID", "errorString"});
  for (xml::Element read = list.first_child(); read; read = read.next()) {
    if (read.name() == "meterRead" || read.name() == "meterReading") ReadDecoder(read, gather).decode(frame);
  }
}

void decode_one_read(const xml::Element& read, Gather& gather) {
  if (!read.first_child() && read.attribute("errorString").empty()) return;
  ReadDecoder(read, gather).decode(gather.frame(read.parent(), {}));
}

}  // namespace ami::multispeak
