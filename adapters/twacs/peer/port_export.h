// The far side of the twacs family's files, simulated: what an EMTR-3-FX board knows of the water and gas
// meters on its ports, as an export in the columns of AclaraONE has it. A target of its own; the daemon never
// links it.
//
// Account and address columns stay empty. A board that does not hear a meter repeats what it heard last, with
// the time at which it heard it.
#pragma once

#include <span>
#include <string>

#include "meter_model/result.h"
#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/volume_device.h"

namespace ami::twacs::peer {

struct PortRead {
  std::string module;  // the board's
  std::string port = "1";
  std::string meter_type;  // MeterTypeID, by which a site's table knows commodity and unit
  virtual_meter::VolumeDevice::BoardRead read;
  Decimal pulse{1, -2};  // volume of a count
  bool failed = false;   // the read was an ERROR
};

struct ExportSettings {
  Zone zone = Zone::utc();  // of LocalTime
  char delimiter = ',';
};

// A header and a record a read, each line with CRLF. Errors: text that a line cannot carry.
Result<std::string> export_ports(std::span<const PortRead> reads, const ExportSettings& settings);

}  // namespace ami::twacs::peer
