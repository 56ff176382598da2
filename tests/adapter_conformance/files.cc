// What the kit has to know of the families that drop files.
#include <stdexcept>

#include "adapters/wire/cmep/codec/encode.h"
#include "adapters/wire/delimited/codec/encode.h"
#include "adapters/wire/lg_delimited/codec/encode.h"
#include "adapters/wire/lg_delimited/codec/scalars.h"
#include "adapters/wire/ssn_export/codec/encode.h"
#include "meter_model/time/zone.h"
#include "tests/adapter_conformance/bench.h"
#include "tests/adapter_conformance/interfaces.h"

namespace ami::conformance {
namespace {

using std::chrono::minutes;

constexpr const char* kSmallest = "batch_bytes: 1\nbatch_records: 1\n";

CivilTime face(const std::string& zone, UtcInstant at) {
  return Zone::load(zone).value().civil(at);
}

void written(const Outcome& outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().message);
}

Interface cmep_files() {
  Interface one{.family = "flexnet", .key = "cmep"};
  one.zone = "Europe/Berlin";
  // Without it a last line that lost its last digits reads well: that is why the setting is there.
  one.settings = "line_end_required: true\n";
  one.smallest_batches = kSmallest;
  one.way = into_folder;
  one.local_times = true;
  const auto head = [](cmep::Mepmd01& record, const std::string& meter) {
    record.sender = "KIT";
    record.created = CivilTime{std::chrono::local_days{std::chrono::year{2026} / 1 / 2}};
    record.meter = meter;
    record.constant = "1";
  };
  one.write = [head, zone = one.zone](const std::vector<Reading>& readings) {
    std::string out;
    for (const Reading& reading : readings) {
      cmep::Mepmd01 record;
      head(record, reading.meter);
      record.units = "KWHREG";
      record.readings = {{face(zone, reading.at), "R", reading.value}};
      written(cmep::encode(record, out));
    }
    return out;
  };
  one.write_block = [head, zone = one.zone](const Block& block) {
    cmep::Mepmd01 record;
    head(record, block.meter);
    record.units = "KWH";
    record.interval = minutes{15};
    UtcInstant end = block.first_end;
    for (const std::string& value : block.values) {
      record.readings.push_back({face(zone, end), "R", value});
      end += minutes{15};
    }
    std::string out;
    written(cmep::encode(record, out));
    return out;
  };
  return one;
}

Interface command_center_files(const std::string& family) {
  Interface one{.family = family, .key = "files"};
  one.settings = "intervals: value_then_status\n";
  one.smallest_batches = kSmallest;
  one.way = into_folder;
  one.local_times = true;
  one.header_line = true;
  one.write = [zone = one.zone](const std::vector<Reading>& readings) {
    std::string out;
    written(lg_delimited::encode_line({"ID", "Meter", "DateTime", "kWh"}, out));
    for (const Reading& reading : readings) {
      const auto time = lg_delimited::time_text(face(zone, reading.at));
      written(lg_delimited::encode_line({"EMED01", reading.meter, time.value(), reading.value}, out));
    }
    return out;
  };
  one.write_block = [zone = one.zone](const Block& block) {
    std::string out;
    written(lg_delimited::encode_line({"ID", "Meter", "DateTime", "kWh"}, out));
    lg_delimited::IntervalRecord record;
    record.version = "1";
    record.provisioned = "P";
    record.meter = block.meter;
    record.units = "KWH";
    record.constant = "1";
    record.first_start = face(zone, block.first_end - minutes{15});
    for (const std::string& value : block.values) record.values.push_back({value, ""});
    written(lg_delimited::encode(record, lg_delimited::Intervals::Order::ValueThenStatus, out));
    return out;
  };
  return one;
}

Interface ssn_export_files() {
  Interface one{.family = "ssn", .key = "export"};
  one.smallest_batches = kSmallest;
  one.way = into_folder;
  one.cost = Cost::Rest;
  one.open_names = true;
  one.write = [](const std::vector<Reading>& readings) {
    ssn_export::Document document;
    document.version = "1.0";
    for (const Reading& reading : readings) {
      ssn_export::Register total;
      total.number = "1010";
      total.summation = reading.value;
      total.summation_uom = "kWh";
      ssn_export::Tier tier;
      tier.number = "0";
      tier.registers = {total};
      ssn_export::RegisterRead read;
      read.read_time = to_text(reading.at);
      read.tiers = {tier};
      ssn_export::RegisterData data;
      data.number_reads = "1";
      data.reads = {read};
      ssn_export::MeterData meter;
      meter.meter_name = reading.meter;
      meter.registers = {data};
      document.meters.push_back(meter);
    }
    return ssn_export::encode(document);
  };
  one.write_block = [](const Block& block) {
    ssn_export::IntervalReadData data;
    data.interval_length = "15";
    data.start_time = to_text(block.first_end - minutes{15});
    data.end_time = to_text(block.first_end + minutes{15} * (static_cast<int>(block.values.size()) - 1));
    data.number_intervals = std::to_string(block.values.size());
    UtcInstant end = block.first_end;
    for (const std::string& value : block.values) {
      ssn_export::Reading reading;
      reading.channel = "1";
      reading.value = value;
      reading.uom = "kWh";
      ssn_export::Interval interval;
      interval.end_time = to_text(end);
      interval.readings = {reading};
      data.intervals.push_back(interval);
      end += minutes{15};
    }
    ssn_export::MeterData meter;
    meter.meter_name = block.meter;
    meter.intervals = {data};
    ssn_export::Document document;
    document.version = "1.0";
    document.meters = {meter};
    return ssn_export::encode(document);
  };
  return one;
}

// "2026-01-15 17:00:00.000"
std::string spaced(std::string time) {
  time.replace(time.find('T'), 1, " ");
  time.replace(time.find('Z'), 1, ".000");
  return time;
}

// Raw counts stand beside each read, so most of what damage does to either is found.
Interface port_files() {
  Interface one{.family = "twacs", .key = "files"};
  one.settings = "meters:\n  - {meter_type: \"2212\", commodity: water, unit: ft3}\n";
  one.smallest_batches = kSmallest;
  one.way = into_folder;
  one.header_line = true;
  one.register_type = "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0";
  one.power = 0;
  one.write = [zone = one.zone](const std::vector<Reading>& readings) {
    std::string out;
    written(delimited::encode_line({"MeterSN", "MTUID", "Port", "RawRead", "ScaledRead", "ReadingTime",
                                    "LocalTime", "Active", "Scalar", "MeterTypeID"},
                                   ',', out));
    for (const Reading& reading : readings) {
      std::string raw = reading.value;
      std::erase(raw, '.');
      const UtcInstant local{face(zone, reading.at).time_since_epoch()};
      written(
          delimited::encode_line({reading.meter, "810001", "1", raw, reading.value,
                                  spaced(to_text(reading.at)), spaced(to_text(local)), "1", "0.01", "2212"},
                                 ',', out));
    }
    return out;
  };
  return one;
}

}  // namespace

std::vector<Interface> file_interfaces() {
  return {cmep_files(), command_center_files("gridstream"), command_center_files("ts2"), ssn_export_files(),
          port_files()};
}

}  // namespace ami::conformance
