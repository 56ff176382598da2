#include "adapters/twacs/peer/port_export.h"

#include <vector>

#include "adapters/wire/delimited/codec/encode.h"
#include "adapters/wire/delimited/codec/fields.h"

namespace ami::twacs::peer {
namespace {

std::string field(const std::string& column, const PortRead& port, const ExportSettings& settings) {
  const auto& read = port.read;
  if (column == "MeterSN") return read.device_id;
  if (column == "MTUID") return port.module;
  if (column == "Port") return port.port;
  if (column == "MeterTypeID") return port.meter_type;
  if (column == "RawRead") return port.failed ? "" : std::to_string(read.pulses);
  if (column == "ScaledRead") return port.failed ? "ERROR" : read.volume.to_string();
  if (column == "Scalar") return port.pulse.to_string();
  if (column == "ReadingTime") return delimited::time_text(CivilTime{read.as_of.time_since_epoch()});
  if (column == "LocalTime") return delimited::time_text(settings.zone.civil(read.as_of));
  if (column == "Active") return "1";
  if (column == "ReadInterval") return "60";
  return {};
}

}  // namespace

Result<std::string> export_ports(std::span<const PortRead> reads, const ExportSettings& settings) {
  const std::vector<std::string> columns = delimited::documented_columns();
  std::string out;
  if (Outcome header = delimited::encode_line(columns, settings.delimiter, out); !header)
    return header.error();
  for (const PortRead& port : reads) {
    std::vector<std::string> fields;
    for (const std::string& column : columns) fields.push_back(field(column, port, settings));
    if (Outcome line = delimited::encode_line(fields, settings.delimiter, out); !line) return line.error();
  }
  return out;
}

}  // namespace ami::twacs::peer
