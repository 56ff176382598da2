// What a head-end reports, as plain values: for simulated far sides and tests, and for the reads inside a
// meter exchange. Texts stand in the message as given, empty = not written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/wire/multispeak/codec/operation.h"
#include "adapters/wire/xml/writer.h"

namespace ami::multispeak {

// A meter's number. 4.1 writes it as text and as @meterNo: readers differ in which one they look at.
struct MeterId {
  std::string number;
  std::string service_type = "Electric";
  std::string object_id{}, utility{};
  bool operator==(const MeterId&) const = default;
};

struct ReadingValue {
  std::string units, value, rate_period, reading_type, reading_value_type, name, field_name;
  std::string measurement_period;  // 4.1
  std::string time;                // 3.0 dateTime, 4.1 timeStamp
  // 4.1
  std::string status, status_system, status_category, status_index;
  std::vector<std::pair<std::string, std::string>> type_code;  // attributes of readingTypeCode
};

struct TouReading {
  std::string rate_period, kwh, kw, kw_time;
};

struct MeterRead {
  MeterId meter;
  std::string object_id, verb, error;
  std::string device_id, reading_date;
  // 3.0
  std::string pos_kwh, neg_kwh, kw, kvar, kw_time, phase;
  std::string momentary_outages, momentary_events, sustained_outages;
  std::vector<TouReading> tou;

  std::vector<ReadingValue> values;
};

struct IntervalChannel {
  std::string index, field_name, field_description, units;
};
struct IntervalProfile {
  std::string id, name, interval_length;
  std::string length_units;  // 4.1: attribute of intervalLength
  std::vector<IntervalChannel> channels;
};
struct EndReading {
  std::string channel_index, reading, reading_date;
};
struct IntervalBlock {
  std::string profile_id;
  MeterId meter;
  std::vector<EndReading> end_readings;
  std::string log_time, interval_start;
  std::vector<std::pair<std::string, std::string>> channels;  // idx, d
  std::string status;                                         // cS
};
struct IntervalReads {
  std::string status_delimiter, interval_delimiter;
  std::vector<IntervalProfile> profiles;
  std::vector<IntervalBlock> blocks;
};

struct SyntaxItem {
  std::string field_name, position, uom;
};
struct BlockOfRows {  // formattedBlock
  std::string separator, content_noun_type, content_id;
  std::vector<SyntaxItem> syntax;
  std::vector<std::string> rows;
};

struct SwitchState {
  MeterId meter;
  std::string object_id, word, time, error;
};

struct OutageEvent {
  std::string object_id, time, type, device_id, device_type;
  MeterId meter;  // of outageLocation; empty number = no location
  std::string percent_confident, resolved_level, error;
};

struct MeterEvent {
  MeterId meter;
  std::string text, domain, domain_part, type, index, value, code_string, time;
};

// Each writes one element (or the children of the open one, where it says so) in the order of the schema.
void encode(const MeterId& meter, Version version, xml::Writer& writer);   // meterNo or meterID
void encode(const MeterRead& read, Version version, xml::Writer& writer);  // meterRead or meterReading
void encode_read_content(const MeterRead& read, Version version, xml::Writer& writer);
void encode(const IntervalReads& reads, Version version, xml::Writer& writer);  // children
void encode(const BlockOfRows& block, Version version, xml::Writer& writer);    // children
void encode(const SwitchState& state, std::string_view word_name, Version version,
            xml::Writer& writer);  // children
void encode(const OutageEvent& event, Version version, xml::Writer& writer);
void encode(const MeterEvent& event, Version version, xml::Writer& writer);

}  // namespace ami::multispeak
