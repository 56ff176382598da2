#include "adapters/wire/multispeak/codec/reads.h"

#include <string_view>

namespace ami::multispeak {
namespace {

void put(xml::Writer& writer, std::string_view name, std::string_view text) {
  if (!text.empty()) writer.attribute(name, text);
}

void encode_value(const ReadingValue& value, Version version, xml::Writer& writer) {
  writer.open("readingValue").leaf_unless_empty("units", value.units).leaf_unless_empty("value", value.value);
  if (version == Version::V30) {
    writer.leaf_unless_empty("readingType", value.reading_type)
        .leaf_unless_empty("readingValueType", value.reading_value_type)
        .leaf_unless_empty("name", value.name)
        .leaf_unless_empty("dateTime", value.time)
        .leaf_unless_empty("fieldName", value.field_name);
    writer.close();
    return;
  }
  writer.leaf_unless_empty("ratePeriod", value.rate_period)
      .leaf_unless_empty("readingType", value.reading_type)
      .leaf_unless_empty("fieldName", value.field_name)
      .leaf_unless_empty("name", value.name)
      .leaf_unless_empty("measurementPeriod", value.measurement_period)
      .leaf_unless_empty("timeStamp", value.time);
  if (!value.status.empty() || !value.status_category.empty() || !value.status_index.empty()) {
    writer.open("readingStatusCode");
    put(writer, "originatingSystemID", value.status_system);
    put(writer, "codeCategory", value.status_category);
    put(writer, "codeIndex", value.status_index);
    writer.text(value.status).close();
  }
  if (!value.type_code.empty()) {
    writer.open("readingTypeCode");
    for (const auto& [name, text] : value.type_code) writer.attribute(name, text);
    writer.close();
  }
  writer.close();
}

void encode_tou(const std::vector<TouReading>& readings, xml::Writer& writer) {
  if (readings.empty()) return;
  writer.open("TOUReadings");
  for (const TouReading& tou : readings) {
    writer.open("TOUReading")
        .leaf_unless_empty("ratePeriod", tou.rate_period)
        .leaf_unless_empty("kWh", tou.kwh)
        .leaf_unless_empty("kW", tou.kw)
        .leaf_unless_empty("kWDateTime", tou.kw_time)
        .close();
  }
  writer.close();
}

void encode_profile(const IntervalProfile& profile, xml::Writer& writer) {
  writer.open("profile");
  put(writer, "profileID", profile.id);
  writer.leaf_unless_empty("name", profile.name);
  if (!profile.interval_length.empty()) {
    writer.open("intervalLength");
    put(writer, "units", profile.length_units);
    writer.text(profile.interval_length).close();
  }
  writer.open("channels");
  for (const IntervalChannel& channel : profile.channels) {
    writer.open("channel")
        .leaf_unless_empty("index", channel.index)
        .leaf_unless_empty("fieldName", channel.field_name)
        .leaf_unless_empty("fieldDescription", channel.field_description)
        .leaf_unless_empty("units", channel.units)
        .close();
  }
  writer.close().close();
}

void encode_interval_block(const IntervalBlock& block, Version version, xml::Writer& writer) {
  writer.open("block").leaf_unless_empty("profileID", block.profile_id);
  encode(block.meter, version, writer);
  if (!block.end_readings.empty()) {
    writer.open("endReadingList");
    for (const EndReading& end : block.end_readings) {
      writer.open("endReading")
          .leaf_unless_empty("channelIndex", end.channel_index)
          .leaf_unless_empty("reading", end.reading)
          .leaf_unless_empty("readingDate", end.reading_date)
          .close();
    }
    writer.close();
  }
  writer.leaf_unless_empty("logTime", block.log_time)
      .leaf_unless_empty("intervalStart", block.interval_start);
  writer.open("dB").open("chs");
  for (const auto& [index, values] : block.channels)
    writer.open("ch").leaf("idx", index).leaf("d", values).close();
  writer.close().leaf_unless_empty("cS", block.status);
  writer.close().close();
}

}  // namespace

void encode(const MeterId& meter, Version version, xml::Writer& writer) {
  if (version == Version::V30) {
    writer.leaf_unless_empty("meterNo", meter.number);
    return;
  }
  writer.open("meterID");
  put(writer, "meterNo", meter.number);
  put(writer, "serviceType", meter.service_type);
  put(writer, "objectID", meter.object_id);
  put(writer, "utility", meter.utility);
  writer.text(meter.number).close();
}

void encode_read_content(const MeterRead& read, Version version, xml::Writer& writer) {
  put(writer, "objectID", read.object_id);
  put(writer, "verb", read.verb);
  put(writer, "errorString", read.error);
  put(writer, "utility", read.meter.utility);
  encode(read.meter, version, writer);
  writer.leaf_unless_empty("deviceID", read.device_id);
  if (version == Version::V30) {
    writer.leaf_unless_empty("readingDate", read.reading_date)
        .leaf_unless_empty("posKWh", read.pos_kwh)
        .leaf_unless_empty("negKWh", read.neg_kwh)
        .leaf_unless_empty("kW", read.kw)
        .leaf_unless_empty("kVAr", read.kvar)
        .leaf_unless_empty("kWDateTime", read.kw_time)
        .leaf_unless_empty("phase", read.phase)
        .leaf_unless_empty("momentaryOutages", read.momentary_outages)
        .leaf_unless_empty("momentaryEvents", read.momentary_events)
        .leaf_unless_empty("sustainedOutages", read.sustained_outages);
    encode_tou(read.tou, writer);
  }
  if (read.values.empty()) return;
  writer.open("readingValues");
  for (const ReadingValue& value : read.values) encode_value(value, version, writer);
  writer.close();
}

void encode(const MeterRead& read, Version version, xml::Writer& writer) {
  writer.open(version == Version::V30 ? "meterRead" : "meterReading");
  encode_read_content(read, version, writer);
  writer.close();
}

void encode(const IntervalReads& reads, Version version, xml::Writer& writer) {
  writer.leaf_unless_empty("statusDelimiter", reads.status_delimiter)
      .leaf_unless_empty("intervalDelimiter", reads.interval_delimiter);
  writer.open("profiles");
  for (const IntervalProfile& profile : reads.profiles) encode_profile(profile, writer);
  writer.close().open("blocks");
  for (const IntervalBlock& block : reads.blocks) encode_interval_block(block, version, writer);
  writer.close();
}

void encode(const BlockOfRows& block, Version /*version*/, xml::Writer& writer) {
  writer.leaf_unless_empty("separator", block.separator)
      .leaf_unless_empty("contentNounType", block.content_noun_type)
      .leaf_unless_empty("contentID", block.content_id);
  writer.open("valSyntax");
  for (const SyntaxItem& item : block.syntax) {
    writer.open("syntaxItem")
        .leaf_unless_empty("fieldName", item.field_name)
        .leaf_unless_empty("position", item.position)
        .leaf_unless_empty("uom", item.uom)
        .close();
  }
  writer.close().open("valueList");
  for (const std::string& row : block.rows) writer.leaf("val", row);
  writer.close();
}

void encode(const SwitchState& state, std::string_view word_name, Version version, xml::Writer& writer) {
  put(writer, "objectID", state.object_id);
  put(writer, "errorString", state.error);
  encode(state.meter, version, writer);
  writer.leaf_unless_empty(word_name, state.word);
  if (version == Version::V41) writer.leaf_unless_empty("timestamp", state.time);
}

void encode(const OutageEvent& event, Version version, xml::Writer& writer) {
  const bool v30 = version == Version::V30;
  writer.open("outageDetectionEvent");
  put(writer, "objectID", event.object_id);
  put(writer, "errorString", event.error);
  writer.leaf_unless_empty("eventTime", event.time)
      .leaf_unless_empty("outageEventType", event.type)
      .leaf_unless_empty(v30 ? "outageDetectDeviceID" : "outageDetectionDeviceID", event.device_id)
      .leaf_unless_empty(v30 ? "outageDetectDeviceType" : "outageDetectionDeviceType", event.device_type);
  if (!event.meter.number.empty()) {
    writer.open("outageLocation");
    encode(event.meter, version, writer);
    writer.close();
  }
  writer.leaf_unless_empty("percentConfident", event.percent_confident)
      .leaf_unless_empty("resolvedLevel", event.resolved_level)
      .close();
}

void encode(const MeterEvent& event, Version version, xml::Writer& writer) {
  writer.open("eventInstance");
  encode(event.meter, version, writer);
  writer.open("meterEvent");
  put(writer, "domain", event.domain);
  put(writer, "domainPart", event.domain_part);
  put(writer, "type", event.type);
  put(writer, "index", event.index);
  put(writer, "value", event.value);
  put(writer, "codeString", event.code_string);
  writer.text(event.text).close();
  writer.leaf_unless_empty("timeStamp", event.time).close();
}

}  // namespace ami::multispeak
