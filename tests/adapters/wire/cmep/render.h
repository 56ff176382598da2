// A decoded batch as plain lines, the form of the golden files and of oracle.py:
//   S|offset|meter|kind|channel|measure|unit|commodity|tou|interval_s|constant|created|period_start|raw bytes
//   V|time|flag|value           (one a reading, after its S; "-" = no time)
//   M|offset|meter|reason|raw bytes
//   K|skipped records
#pragma once

#include <string>

#include "meter_model/observation/observation.h"

namespace ami::cmep {

std::string render(const DecodedBatch& batch);

// As render(), with the detail of each malformed record and its raw bytes: all that a decode says.
std::string render_all(const DecodedBatch& batch);

}  // namespace ami::cmep
