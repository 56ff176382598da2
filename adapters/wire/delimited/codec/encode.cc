#include "adapters/wire/delimited/codec/encode.h"

#include "adapters/wire/delimited/codec/fields.h"
#include "meter_model/quantity/quoted.h"

namespace ami::delimited {

std::vector<std::string> documented_columns() {
  return {"AccountNumber", "MeterSN",     "MTUID",   "Port",       "AccountType", "Address1",    "City",
          "State",         "Zip",         "RawRead", "ScaledRead", "ReadingTime", "LocalTime",   "Active",
          "Scalar",        "MeterTypeID", "Vendor",  "Model",      "Description", "ReadInterval"};
}

Outcome encode_line(const std::vector<std::string>& fields, char delimiter, std::string& out) {
  std::string line;
  for (const std::string& field : fields) {
    if (field.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
      return permanent("a field of a delimited file cannot hold " + quoted(field));
    if (&field != &fields.front()) line += delimiter;
    put_field(field, delimiter, line);
  }
  out += line + "\r\n";
  return Done{};
}

}  // namespace ami::delimited
