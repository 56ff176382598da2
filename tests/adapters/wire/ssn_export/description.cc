#include "tests/adapters/wire/ssn_export/description.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace ami::ssn_export::testing {
namespace {

std::string field(std::string_view text) {
  return text.empty() ? "-" : std::string(text);
}

std::string time_text(const StatedTime& time) {
  if (!time.present()) return "-";
  const auto as_if_utc = UtcInstant(time.civil.time_since_epoch());
  std::string text = to_text(as_if_utc);
  text.pop_back();  // the Z
  return text + (time.utc_offset ? "@" + std::to_string(time.utc_offset->count() / 60) : "@none");
}

std::string head_text(const ObservationHead& head) {
  return " meter=" + field(head.meter) + "/" + std::string(name_of(head.meter_kind)) +
         " channel=" + field(head.channel) + " measure=" + field(head.measure) + " unit=" + field(head.unit) +
         " tou=" + field(head.tou) + " created=" + time_text(head.created);
}

std::string place(std::uint64_t offset, std::string_view raw) {
  return "at=" + std::to_string(offset) + " raw=" + std::string(raw) + "\n";
}

}  // namespace

const ObservationHead& head_of(const Observation& observation) {
  return std::visit([](const auto& o) -> const ObservationHead& { return o; }, observation);
}

std::string describe(const Observation& observation) {
  if (const auto* event = std::get_if<EventObservation>(&observation)) {
    return "event" + head_text(*event) + " code=" + field(event->code) + " time=" + time_text(event->time) +
           "\n  text=" + field(event->text) + "\n";
  }
  const auto& series = std::get<SeriesObservation>(observation);
  std::string out = series.kind == SeriesKind::Register ? "register" : "interval";
  out += head_text(series);
  if (series.kind == SeriesKind::Interval) out += " length=" + std::to_string(series.interval.count());
  out += "\n";
  for (const auto& value : series.values) {
    out += "  " + time_text(value.time) + " value=" + field(value.value) + " raw=" + field(value.raw_count) +
           (value.flag.empty() ? "" : " flag") + "\n";
  }
  for (const auto& [index, end] : series.block_end_values) {
    out += "  end of " + std::to_string(index) + " " + std::string(end) + "\n";
  }
  return out;
}

std::string describe(const MalformedRecord& record) {
  return "malformed " + std::string(record.reason) + " meter=" + field(record.meter) + "\n";
}

std::string describe(const DecodedBatch& batch) {
  std::string out;
  for (const auto& observation : batch.observations) out += describe(observation);
  for (const auto& record : batch.malformed) out += describe(record);
  return out + "skipped " + std::to_string(batch.skipped) + "\n";
}

std::string describe_fully(const DecodedBatch& batch) {
  std::string out;
  for (const auto& observation : batch.observations) {
    out += describe(observation) + place(head_of(observation).offset, head_of(observation).raw);
  }
  for (const auto& record : batch.malformed) {
    out += describe(record) + record.detail + place(record.offset, record.raw);
  }
  return out + "skipped " + std::to_string(batch.skipped) + "\n";
}

Decoded decode_in_pieces(std::string_view document, std::size_t size, const Options& options) {
  Decoded result;
  Decoder decoder(options);
  do {
    const auto piece = document.substr(0, size);
    document.remove_prefix(piece.size());
    const auto outcome = decoder.feed(piece, document.empty(), result.batch);
    if (!outcome) {
      result.error = outcome.error().message;
      break;
    }
  } while (!document.empty());
  result.reason = decoder.fatal_reason();
  result.statistics = decoder.statistics();
  return result;
}

Decoded decode(std::string_view document, const Options& options) {
  return decode_in_pieces(document, document.size() + 1, options);
}

std::string document(std::string_view meter_data) {
  return "<SSNExportDocument xmlns=\"" + std::string(kNamespace) +
         "\" CreationTime=\"2026-01-15T00:00:00-05:00\">" + std::string(meter_data) + "</SSNExportDocument>";
}

std::string meter(std::string_view containers) {
  return document("<MeterData MeterName=\"M1\">" + std::string(containers) + "</MeterData>");
}

std::string register_data(std::string_view reads) {
  return "<RegisterData>" + std::string(reads) + "</RegisterData>";
}

std::string interval_data(std::string_view intervals, std::string_view length) {
  return "<IntervalReadData IntervalLength=\"" + std::string(length) + "\">" + std::string(intervals) +
         "</IntervalReadData>";
}

std::string event_data(std::string_view events) {
  return "<EventData>" + std::string(events) + "</EventData>";
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string golden_folder() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  if (root == nullptr) throw std::runtime_error("AMI_SOURCE_DIR is not set");
  return std::string(root) + "/tests/adapters/wire/ssn_export/golden/";
}

}  // namespace ami::ssn_export::testing
