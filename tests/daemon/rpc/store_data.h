// A migrated database with a small fleet and readings whose every value is known by hand.
//
// Utility "maui" (Pacific/Honolulu, no notice) and "oahu" (notice AE-1641), each with a meter "m1".
//   maui m1   AX-SD, badge 10042, at up1 since 2012-01-01, multiplier 1
//             ssn:reg:1   Wh   2013-04-08T00:00Z 12345.678, 2013-04-09T00:00Z 12400.000 (quality 2.5.258,
//             flag R0) ssn:lp:1    Wh   from 2013-04-07T23:00Z, 15 min: 18.15, hole,
//             0.00, 4.20, 5.00, 6.00, 7.00, 9007199254740993.00 ssn:lp:2    Wh   the same type, from
//             2013-04-08T00:00Z: -1, 2 ssn:v       V    register 2013-04-08T00:00Z 240.5 event OUTAGE at
//             2013-04-08T01:02:03Z and an unmapped one a minute later one record in quarantine: unknown_unit,
//             raw "MEPMD01,...,XYZ"
//   maui ct1  AXR, at up2 since 2012-01-01, multiplier 40
//             ssn:reg:1   Wh   2013-04-08T00:00Z 100.5
//   maui dry  no readings, nowhere
//   oahu m1   installed at up1 since 2012-01-01, ssn:reg:1 2013-04-08T00:00Z 1
#pragma once

#include <memory>
#include <string>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"

namespace ami::rpc::testing {

inline constexpr const char* kBulkEnergy = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr const char* kIntervalEnergy = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr const char* kVoltageNow = "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0";

UtcInstant at(const std::string& text);

// Conninfo of a new database filled as above.
std::string create_filled_database();
// Conninfo of a new database with the two utilities and nothing else.
std::string create_empty_database();

}  // namespace ami::rpc::testing
