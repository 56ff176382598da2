#include "adapters/ssn/peer/export_document.h"

#include <gtest/gtest.h>

#include <limits>

#include "adapters/wire/ssn_export/codec/ssn_export.h"

namespace ami::ssn::peer {
namespace {

using virtual_meter::Collected;
using virtual_meter::Reading;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

Reading reading(const char* clock, Decimal delivered_kwh) {
  Reading out;
  out.clock = at(clock);
  out.identity.module = "00135000000000a7";
  out.energy.delivered_kwh = delivered_kwh;
  out.demand.cumulative_kw = {125, -2};
  return out;
}

// Two quarter-hours of 151 and 0 pulses of 1.2 Wh, and the register at the end of the first.
Collected one_meter() {
  Collected collected;
  collected.meter = "M1";
  collected.intervals = {{at("2026-01-14T05:15:00Z"), 151, 2, {}}, {at("2026-01-14T05:30:00Z"), 0, 0, {}}};
  collected.readings = {reading("2026-01-14T05:15:00Z", {343'154'820, -4})};
  return collected;
}

ExportSettings toronto() {
  return {.zone = Zone::load("America/Toronto").value(), .created = at("2026-01-15T05:00:00.850Z")};
}

bool has(const std::string& document, const std::string& part) {
  return document.find(part) != std::string::npos;
}

// Attribute by attribute as the published sample has them; the numbers worked out by hand.
TEST(SsnPeer, WritesWhatThePublishedSampleShows) {
  const Collected collected = one_meter();
  const std::string document = export_document({&collected, 1}, toronto()).value();
  EXPECT_TRUE(has(document, "CreationTime=\"2026-01-15T00:00:00.850-05:00\"")) << document;
  EXPECT_TRUE(has(document, "MeterName=\"M1\" UtilDeviceID=\"M1\" MacID=\"00:13:50:00:00:00:00:a7\""))
      << document;
  EXPECT_TRUE(has(document, "ReadTime=\"2026-01-14T00:15:00.000-05:00\"")) << document;
  EXPECT_TRUE(has(document, "Number=\"1010\" Summation=\"34315.4820\" SummationUOM=\"kWh\"")) << document;
  EXPECT_TRUE(has(document, "Number=\"1011\" CumulativeDemand=\"1.25\" DemandUOM=\"kW\"")) << document;
  EXPECT_TRUE(has(document, "IntervalLength=\"15\" StartTime=\"2026-01-14T00:00:00.000-05:00\"")) << document;
  EXPECT_TRUE(has(document,
                  "Channel=\"1\" RawValue=\"151\" Value=\"0.1812\" UOM=\"kWh\" "
                  "BlockEndValue=\"34315.4820\""))
      << document;
  EXPECT_TRUE(has(document, "Channel=\"2\" RawValue=\"2\" Value=\"0.0024\" UOM=\"kWh(rec)\"")) << document;
  EXPECT_TRUE(has(document, "Channel=\"1\" RawValue=\"0\" Value=\"0\" UOM=\"kWh\"")) << document;
}

TEST(SsnPeer, WritesOffsetsOfSummerHalfHoursAndThreeQuarters) {
  const Collected collected = one_meter();
  const auto times_in = [&](const char* zone) {
    return export_document({&collected, 1},
                           {.zone = Zone::load(zone).value(), .created = at("2026-07-01T00:00:00Z")})
        .value();
  };
  EXPECT_TRUE(has(times_in("America/Toronto"), "CreationTime=\"2026-06-30T20:00:00.000-04:00\""));
  EXPECT_TRUE(has(times_in("America/St_Johns"), "CreationTime=\"2026-06-30T21:30:00.000-02:30\""));
  EXPECT_TRUE(has(times_in("Asia/Kathmandu"), "EndTime=\"2026-01-14T11:00:00.000+05:45\""));
  EXPECT_TRUE(has(times_in("UTC"), "EndTime=\"2026-01-14T05:15:00.000+00:00\""));
}

TEST(SsnPeer, AFinePulseKeepsAllItsDecimalsAndACoarseRegisterGetsNone) {
  Collected collected = one_meter();
  collected.ke_wh = {25, -3};  // 151 x 0.025 Wh
  collected.readings[0].energy.delivered_kwh = {34'315, 0};
  const std::string document = export_document({&collected, 1}, toronto()).value();
  EXPECT_TRUE(has(document, "RawValue=\"151\" Value=\"0.003775\"")) << document;
  EXPECT_TRUE(has(document, "Summation=\"34315\"")) << document;
}

TEST(SsnPeer, AOneWayMeterHasOneChannel) {
  Collected collected = one_meter();
  collected.received_channel = false;
  const std::string document = export_document({&collected, 1}, toronto()).value();
  EXPECT_FALSE(has(document, "Channel=\"2\"")) << document;
  EXPECT_FALSE(has(document, "1020")) << document;
}

TEST(SsnPeer, TheDecoderTakesAllOfIt) {
  Collected collected = one_meter();
  collected.events = {{virtual_meter::EventKind::Outage, virtual_meter::Reporter::Meter, 7,
                       at("2026-01-14T05:20:00Z"), at("2026-01-14T05:20:00Z")}};
  const Collected two[] = {collected, {.meter = "nothing to say"}};
  const std::string document = export_document(two, toronto()).value();
  DecodedBatch out;
  ASSERT_TRUE(ssn_export::decode_document(document, {}, out)) << document;
  EXPECT_TRUE(out.malformed.empty());
  EXPECT_EQ(out.observations.size(), 5U);  // 2 registers, 2 channels, 1 event
}

TEST(SsnPeer, RefusesWhatItCannotWrite) {
  const auto refused = [](const Collected& collected) {
    const auto written = export_document({&collected, 1}, toronto());
    return written ? "" : written.error().message;
  };
  Collected nameless = one_meter();
  nameless.meter.clear();
  EXPECT_EQ(refused(nameless), "a meter without a name cannot be exported");
  Collected timeless = one_meter();
  timeless.interval = std::chrono::minutes(0);
  EXPECT_EQ(refused(timeless), "meter M1: an interval of 0 min; 1 to 44640 are possible");
  Collected empty_pulse = one_meter();
  empty_pulse.ke_wh = {};
  EXPECT_EQ(refused(empty_pulse), "meter M1: a pulse of 0 Wh");
  Collected huge = one_meter();
  huge.ke_wh = {std::numeric_limits<std::int64_t>::max(), 0};
  EXPECT_NE(refused(huge).find("do not fit a number"), std::string::npos) << refused(huge);
}

}  // namespace
}  // namespace ami::ssn::peer
