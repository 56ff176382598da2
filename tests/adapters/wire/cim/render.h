// A decoded message as plain lines, the form of the golden files and of oracle.py:
//   K|kind|soap|verb|noun|correlation|credentials yes or no
//   V|meter|kind|channel|measure|interval_s|time|period_start|flag|value     one a value
//   E|meter|code|text|time
//   R|transaction|meter|measure|channel|word|fault
//   C|type|mrid|meter,meter…                                                 controls
//   M|meter|reason
//   N|never set|skipped
// Values in the order of the message's MeterReadings (blocks before Readings), then events, results, controls
// and malformed records. Times: clock face and offset in minutes ("@none" without); "-" = no time.
#pragma once

#include <string>

#include "adapters/wire/cim/codec/cim.h"

namespace ami::cim {

std::string render(const Decoded& decoded);
// Of any text: "error|word" when it cannot be read.
std::string render(std::string_view text, const Options& options);
// With offsets, raw and details: all that a decode says.
std::string render_all(std::string_view text, const Options& options);

Options with_landis_gyr();

std::string test_folder();  // ends with '/'
std::string read_file(const std::string& path);

}  // namespace ami::cim
