#include "adapters/wire/lg_delimited/peer/register_export.h"

#include <gtest/gtest.h>

#include "adapters/wire/lg_delimited/codec/lg_delimited.h"

namespace ami::lg_delimited::peer {
namespace {

using virtual_meter::Collected;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

Collected one_meter() {
  virtual_meter::Reading reading;
  reading.clock = at("2026-01-15T05:00:00.750Z");
  reading.energy.delivered_kwh = Decimal{34'315'482, -3};
  Collected collected;
  collected.meter = "GS100";
  collected.readings = {reading};
  return collected;
}

ExportSettings toronto() {
  return {.zone = Zone::load("America/Toronto").value()};
}

const std::string kHeader =
    "ID~PremiseID~ESIID~Provisioned~Meter~kWh~DateTime~Peak~PeakDateTime~Dmd~TouA~TouB~TouC~TouD~TouE~Volts~"
    "PF~PrevKWh~"
    "KWhRecv\r\n";

TEST(CommandCenterPeer, WritesARecordAReadingInTheFacesOfItsZone) {
  const Collected collected = one_meter();
  EXPECT_EQ(export_registers({&collected, 1}, toronto()).value(),
            kHeader + "EMED01~P0000001~~Y~GS100~34315.482~01152026120000AM~~~~~~~~~~~~\r\n");
}

TEST(CommandCenterPeer, WritesTiersReceivedAndTheMaximumWithItsTime) {
  Collected collected = one_meter();
  auto& reading = collected.readings[0];
  reading.energy.received_kwh = Decimal{12, 0};
  reading.energy.tiers_kwh = {{{100, 0}, {20, 0}, {3, 0}, {0, 0}}};
  reading.demand.maximum = {Decimal{266, -2}, at("2026-01-12T23:30:00Z"), {}};
  EXPECT_EQ(
      export_registers({&collected, 1}, toronto()).value(),
      kHeader +
          "EMED01~P0000001~~Y~GS100~34315.482~01152026120000AM~2.66~01122026063000PM~~100~20~3~0~~~~~12\r\n");
}

TEST(CommandCenterPeer, TheDecoderTakesAllOfIt) {
  const Collected two[] = {one_meter(), one_meter()};
  DecodedBatch out;
  ASSERT_TRUE(decode_all(export_registers(two, toronto()).value(), {}, out).ok());
  EXPECT_TRUE(out.malformed.empty());
  EXPECT_EQ(out.observations.size(), 2U);
}

TEST(CommandCenterPeer, RefusesWhatItCannotWrite) {
  const auto refused = [](const Collected& collected) {
    const auto text = export_registers({&collected, 1}, toronto());
    return text ? "" : text.error().message;
  };
  Collected nameless = one_meter();
  nameless.meter.clear();
  EXPECT_EQ(refused(nameless), "a meter without a name cannot be exported");
  Collected tilde = one_meter();
  tilde.meter = "GS~100";
  EXPECT_EQ(refused(tilde), "a field of a ~ file cannot hold \"GS~100\"");
}

}  // namespace
}  // namespace ami::lg_delimited::peer
