#include "adapters/wire/lg_delimited/peer/register_export.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/wire/lg_delimited/codec/encode.h"
#include "adapters/wire/lg_delimited/codec/scalars.h"

namespace ami::lg_delimited::peer {
namespace {

using virtual_meter::Collected;
using virtual_meter::Reading;

std::optional<std::string> face(const Zone& zone, UtcInstant at) {
  return time_text(std::chrono::floor<std::chrono::seconds>(zone.civil(at)));
}

// What stands in a documented column for this reading; empty = nothing.
std::string field(const std::string& column, const Collected& meter, const Reading& reading,
                  const ExportSettings& settings) {
  const auto& energy = reading.energy;
  const auto& maximum = reading.demand.maximum;
  if (column == "ID") return "EMED01";
  if (column == "PremiseID") return settings.premise;
  if (column == "Provisioned") return settings.provisioned;
  if (column == "Meter") return meter.meter;
  if (column == "kWh") return energy.delivered_kwh.to_string();
  if (column == "KWhRecv" && energy.received_kwh) return energy.received_kwh->to_string();
  if (column == "DateTime") return face(settings.zone, reading.clock).value_or("");
  if (column == "Peak" && maximum.at) return maximum.kw.to_string();
  if (column == "PeakDateTime" && maximum.at) return face(settings.zone, *maximum.at).value_or("");
  if (column.starts_with("Tou") && energy.tiers_kwh) {
    const auto tier = static_cast<std::size_t>(column.back() - 'A');
    if (tier < energy.tiers_kwh->size()) return (*energy.tiers_kwh)[tier].to_string();
  }
  return {};
}

}  // namespace

Result<std::string> export_registers(std::span<const Collected> meters, const ExportSettings& settings) {
  const std::vector<std::string> columns = documented_columns();
  std::string out;
  if (Outcome header = encode_line(columns, out); !header) return header.error();
  for (const Collected& meter : meters) {
    if (meter.meter.empty()) return permanent("a meter without a name cannot be exported");
    for (const Reading& reading : meter.readings) {
      if (!face(settings.zone, reading.clock))
        return permanent("meter " + meter.meter + ": a time outside the years 1 to 9999");
      std::vector<std::string> fields;
      for (const std::string& column : columns) fields.push_back(field(column, meter, reading, settings));
      if (Outcome line = encode_line(fields, out); !line) return line.error();
    }
  }
  return out;
}

}  // namespace ami::lg_delimited::peer
