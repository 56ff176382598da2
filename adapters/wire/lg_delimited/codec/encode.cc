#include "adapters/wire/lg_delimited/codec/encode.h"

#include <cstdio>
#include <utility>

#include "adapters/wire/lg_delimited/codec/scalars.h"
#include "meter_model/quantity/quoted.h"

namespace ami::lg_delimited {

std::vector<std::string> documented_columns() {
  return {"ID",   "PremiseID",    "ESIID", "Provisioned", "Meter",  "kWh",  "DateTime",
          "Peak", "PeakDateTime", "Dmd",   "TouA",        "TouB",   "TouC", "TouD",
          "TouE", "Volts",        "PF",    "PrevKWh",     "KWhRecv"};
}

Outcome encode_line(const std::vector<std::string>& fields, std::string& out) {
  std::string line;
  for (const std::string& field : fields) {
    for (const char c : field) {
      if (c < ' ' || c > '}') return permanent("a field of a ~ file cannot hold " + quoted(field));
    }
    if (&field != &fields.front()) line += '~';
    line += field;
  }
  out += line + "\r\n";
  return Done{};
}

Outcome encode(const IntervalRecord& record, Intervals::Order order, std::string& out) {
  const auto start = time_text(record.first_start);
  if (!start) return permanent("the first time is not whole seconds of the years 1 to 9999");
  const auto minutes = static_cast<int>(record.interval.count());
  if (record.interval < std::chrono::minutes{1} || record.interval > std::chrono::days{99})
    return permanent("an interval of " + std::to_string(record.interval.count()) +
                     " min is not from 1 min to 99 days");
  char interval[32];
  std::snprintf(interval, sizeof interval, "%02d%02d%02d", minutes / 1440, minutes / 60 % 24, minutes % 60);
  std::vector<std::string> fields{"MEPMD01",       record.version,     record.premise,
                                  record.esi,      record.provisioned, record.meter,
                                  record.purpose,  record.commodity,   record.units,
                                  record.constant, interval,           std::to_string(record.values.size()),
                                  *start};
  for (const auto& [value, status] : record.values) {
    const bool status_first = order == Intervals::Order::StatusThenValue;
    fields.push_back(status_first ? status : value);
    fields.push_back(status_first ? value : status);
  }
  return encode_line(fields, out);
}

}  // namespace ami::lg_delimited
