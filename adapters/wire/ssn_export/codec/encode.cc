#include "adapters/wire/ssn_export/codec/encode.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "adapters/wire/ssn_export/codec/ssn_export.h"
#include "adapters/wire/xml/writer.h"

namespace ami::ssn_export {
namespace {

using Field = std::pair<const char*, const Attribute*>;

class Writer {
 public:
  explicit Writer(const std::string& prefix) : prefix_(prefix.empty() ? "" : prefix + ":") {}

  void open(const char* name, std::initializer_list<Field> fields, std::string_view declaration = {}) {
    tag(name, fields, declaration);
    text_ += '>';
  }
  void leaf(const char* name, std::initializer_list<Field> fields) {
    tag(name, fields, {});
    text_ += "/>";
  }
  void close(const char* name) { text_.append("</").append(prefix_).append(name).append(">\n"); }
  void characters(std::string_view text) { xml::append_escaped(text, text_); }
  std::string take() { return std::move(text_); }

 private:
  void tag(const char* name, std::initializer_list<Field> fields, std::string_view declaration) {
    text_.append("<").append(prefix_).append(name).append(declaration);
    for (const auto& [key, value] : fields) {
      if (!*value) continue;
      text_.append(" ").append(key).append("=\"");
      xml::append_escaped(**value, text_);
      text_ += '"';
    }
  }

  std::string prefix_;
  std::string text_ = "<?xml version=\"1.0\"?>\n";
};

void write(Writer& w, const RegisterData& data) {
  w.open("RegisterData",
         {{"StartTime", &data.start_time}, {"EndTime", &data.end_time}, {"NumberReads", &data.number_reads}});
  for (const auto& read : data.reads) {
    w.open("RegisterRead", {{"ReadTime", &read.read_time},
                            {"GatewayCollectedTime", &read.gateway_collected_time},
                            {"RegisterReadSource", &read.register_read_source},
                            {"Season", &read.season}});
    for (const auto& tier : read.tiers) {
      w.open("Tier", {{"Number", &tier.number}});
      for (const auto& r : tier.registers) {
        w.leaf("Register", {{"Number", &r.number},
                            {"Summation", &r.summation},
                            {"SummationUOM", &r.summation_uom},
                            {"SummationRawValue", &r.summation_raw_value},
                            {"CumulativeDemand", &r.cumulative_demand},
                            {"DemandUOM", &r.demand_uom}});
      }
      w.close("Tier");
    }
    w.close("RegisterRead");
  }
  w.close("RegisterData");
}

void write(Writer& w, const IntervalReadData& data) {
  w.open("IntervalReadData", {{"IntervalLength", &data.interval_length},
                              {"StartTime", &data.start_time},
                              {"EndTime", &data.end_time},
                              {"NumberIntervals", &data.number_intervals}});
  for (const auto& interval : data.intervals) {
    w.open("Interval", {{"EndTime", &interval.end_time},
                        {"GatewayCollectedTime", &interval.gateway_collected_time},
                        {"BlockSequenceNumber", &interval.block_sequence_number},
                        {"IntervalSequenceNumber", &interval.interval_sequence_number}});
    for (const auto& r : interval.readings) {
      w.leaf("Reading", {{"Channel", &r.channel},
                         {"RawValue", &r.raw_value},
                         {"Value", &r.value},
                         {"UOM", &r.uom},
                         {"BlockEndValue", &r.block_end_value}});
    }
    w.close("Interval");
  }
  w.close("IntervalReadData");
}

void write(Writer& w, const EventData& data) {
  w.open(
      "EventData",
      {{"StartTime", &data.start_time}, {"EndTime", &data.end_time}, {"NumberEvents", &data.number_events}});
  for (const auto& event : data.events) {
    w.open("Event", {{"EventName", &event.event_name}, {"EventTime", &event.event_time}});
    w.characters(event.text);
    w.close("Event");
  }
  w.close("EventData");
}

}  // namespace

std::string encode(const Document& document, const std::string& prefix) {
  Writer w(prefix);
  const std::string declaration =
      (prefix.empty() ? " xmlns=\"" : " xmlns:" + prefix + "=\"") + std::string(kNamespace) + '"';
  w.open("SSNExportDocument",
         {{"Version", &document.version},
          {"DocumentID", &document.document_id},
          {"ExportID", &document.export_id},
          {"JobID", &document.job_id},
          {"RunID", &document.run_id},
          {"CreationTime", &document.creation_time},
          {"StartTime", &document.start_time},
          {"EndTime", &document.end_time}},
         declaration);
  for (const auto& meter : document.meters) {
    w.open("MeterData", {{"MeterName", &meter.meter_name},
                         {"UtilDeviceID", &meter.util_device_id},
                         {"MacID", &meter.mac_id}});
    for (const auto& data : meter.registers) write(w, data);
    for (const auto& data : meter.intervals) write(w, data);
    for (const auto& data : meter.events) write(w, data);
    w.close("MeterData");
  }
  w.close("SSNExportDocument");
  return w.take();
}

}  // namespace ami::ssn_export
