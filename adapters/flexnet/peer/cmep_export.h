// The far side of the flexnet family, simulated: what virtual meters said, as a CMEP export writes it. A
// target of its own; the daemon never links it.
//
// MEPMD01 in KWH and GKWH for intervals, in KWHREG and GKWHREG for dial readings, MEPMD02 in KWHREG for
// tiers. At most 48 readings a record (MEPMD02: 6), as the format's text says. Times are whole minutes, cut.
// The format has no place for a demand maximum, a net register, an event, or a flag for power failure: those
// stay behind.
#pragma once

#include <array>
#include <span>
#include <string>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::flexnet::peer {

struct ExportSettings {
  Zone zone = Zone::utc();  // UTC by the format's text; local time in known feeds
  UtcInstant created{};
  std::string sender = "HES01", sender_customer = "LDC001", receiver = "MDM01";
  // Whether each interval states its end (known feeds), or the first of a record only (the text allows both).
  bool states_each_end = true;
  std::string season = "W";
  // Of tiers A to D. Which label is which tier is the site's tariff: assumed.
  std::array<std::string, 4> tou_labels{"OFF-PEAK", "PART-PEAK", "ON-PEAK", "PEAK-2"};
};

// Records with CRLF. Errors: an empty name, an interval of no minute, a Ke that is not above zero, numbers
// that do not fit, or text that the format cannot carry.
Result<std::string> export_records(std::span<const virtual_meter::Collected> meters,
                                   const ExportSettings& settings);

}  // namespace ami::flexnet::peer
