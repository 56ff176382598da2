#include "adapters/twacs/peer/port_export.h"

#include <gtest/gtest.h>

#include "adapters/wire/delimited/codec/delimited.h"

namespace ami::twacs::peer {
namespace {

PortRead water() {
  PortRead port;
  port.module = "88001";
  port.meter_type = "2212";
  port.pulse = Decimal{1, -3};
  port.read.device_id = "W0001";
  port.read.pulses = 23'497'071;
  port.read.volume = Decimal{23'497'071, -3};
  port.read.as_of = parse_instant("2026-07-15T16:00:00Z").value();
  return port;
}

ExportSettings toronto() {
  return {.zone = Zone::load("America/Toronto").value()};
}

const std::string kHeader =
    "AccountNumber,MeterSN,MTUID,Port,AccountType,Address1,City,State,Zip,RawRead,ScaledRead,ReadingTime,"
    "LocalTime,Active,"
    "Scalar,MeterTypeID,Vendor,Model,Description,ReadInterval\r\n";

TEST(PortsPeer, WritesARecordAReadWithoutAccountOrAddress) {
  const PortRead port = water();
  EXPECT_EQ(export_ports({&port, 1}, toronto()).value(),
            kHeader +
                ",W0001,88001,1,,,,,,23497071,23497.071,2026-07-15 16:00:00.000,2026-07-15 "
                "12:00:00.000,1,0.001,2212,,,,60\r\n");
}

TEST(PortsPeer, AFailedReadIsAnErrorWithoutCounts) {
  PortRead port = water();
  port.failed = true;
  EXPECT_EQ(export_ports({&port, 1}, toronto()).value(),
            kHeader +
                ",W0001,88001,1,,,,,,,ERROR,2026-07-15 16:00:00.000,2026-07-15 "
                "12:00:00.000,1,0.001,2212,,,,60\r\n");
}

TEST(PortsPeer, TheDecoderTakesItAndFindsNothingAmiss) {
  std::vector<PortRead> ports(3, water());
  ports[1].failed = true;
  ports[2].read.device_id = "W\"2\", spare";
  delimited::Options options;
  options.kinds = {{"2212", "", "water", "ft3"}};
  options.local_zone = toronto().zone;
  ExportSettings settings = toronto();
  settings.delimiter = options.delimiter = ';';
  DecodedBatch out;
  ASSERT_TRUE(delimited::decode_all(export_ports(ports, settings).value(), options, out).ok());
  EXPECT_TRUE(out.malformed.empty());
  ASSERT_EQ(out.observations.size(), 3U);
  EXPECT_EQ(std::get<SeriesObservation>(out.observations[2]).meter, "W\"2\", spare");
}

TEST(PortsPeer, RefusesWhatALineCannotHold) {
  PortRead port = water();
  port.read.device_id = "W\n1";
  EXPECT_FALSE(export_ports({&port, 1}, toronto()).ok());
}

}  // namespace
}  // namespace ami::twacs::peer
