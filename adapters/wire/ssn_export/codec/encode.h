// Plain values -> SSNExportDocument, for simulated feeds and tests. The mirror of ssn_export.h, without
// judgement: what is put in is written, including what the decoder refuses.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ami::ssn_export {

using Attribute = std::optional<std::string>;  // nullopt = not written; text is valid UTF-8

struct Register {
  Attribute number;
  Attribute summation, summation_uom, summation_raw_value;
  Attribute cumulative_demand, demand_uom;
};
struct Tier {
  Attribute number;
  std::vector<Register> registers;
};
struct RegisterRead {
  Attribute read_time, gateway_collected_time, register_read_source, season;
  std::vector<Tier> tiers;
};
struct RegisterData {
  Attribute start_time, end_time, number_reads;
  std::vector<RegisterRead> reads;
};

struct Reading {
  Attribute channel, raw_value, value, uom, block_end_value;
};
struct Interval {
  Attribute end_time, gateway_collected_time, block_sequence_number, interval_sequence_number;
  std::vector<Reading> readings;
};
struct IntervalReadData {
  Attribute interval_length;  // minutes
  Attribute start_time, end_time, number_intervals;
  std::vector<Interval> intervals;
};

struct Event {
  Attribute event_name, event_time;
  std::string text;
};
struct EventData {
  Attribute start_time, end_time, number_events;
  std::vector<Event> events;
};

struct MeterData {
  Attribute meter_name, util_device_id, mac_id;
  std::vector<RegisterData> registers;
  std::vector<IntervalReadData> intervals;
  std::vector<EventData> events;
};

struct Document {
  Attribute version, document_id, export_id, job_id, run_id, creation_time, start_time, end_time;
  std::vector<MeterData> meters;
};

// `prefix` empty = default namespace, else an XML name without colon. Characters that XML 1.0 cannot carry
// (controls other than tab and line ends) are replaced by U+FFFD.
std::string encode(const Document& document, const std::string& prefix = {});

}  // namespace ami::ssn_export
